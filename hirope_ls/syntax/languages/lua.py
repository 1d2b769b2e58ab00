"""Lua. A module is a table: what is assigned to its fields counts as defined there."""

from __future__ import annotations

from hirope_ls.syntax.languages.blocks import LUA as BY_WORDS
from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import DOUBLE, SINGLE, scanner

_LONG = rb"\[(?P<level>=*+)\[(?:[^\]]++|\](?!(?P=level)\]))*+(?:\](?P=level)\]|\Z)"

LUA = Language(
    name="lua",
    language_ids=frozenset({"lua"}),
    suffixes=frozenset({".lua", ".rockspec"}),
    interpreters=frozenset({"lua", "luajit", "texlua"}),
    grammar="tree_sitter_lua:language",
    functions=frozenset({"function_declaration", "function_definition"}),
    wrappers={"variable_declaration": "", "assignment_statement": "", "expression_list": "", "field": "value"},
    containers=frozenset(
        {
            *("chunk", "block", "if_statement", "elseif_statement", "else_statement", "for_statement"),
            *("while_statement", "repeat_statement", "do_statement"),
        }
    ),
    calls=frozenset({"function_call", "arguments"}),
    punctuation=frozenset({"end", ")", "}", ";"}),
    comments=frozenset({"comment", "hash_bang_line"}),
    strings=frozenset({"string"}),
    openers={"function": "function"},
    prefixes=frozenset({"local"}),
    name_kinds=frozenset({"variable_list"}),
    names=frozenset({"identifier", "dot_index_expression", "method_index_expression"}),
    parameters_field="parameters",
    definitions="""
        (function_declaration name: [
            (identifier) @name
            (dot_index_expression field: (identifier) @name)
            (method_index_expression method: (identifier) @name)])
        (chunk (assignment_statement (variable_list name: [
            (identifier) @name (dot_index_expression field: (identifier) @name)])))
        (chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))))
        (field name: (identifier) @name value: (function_definition))
    """,
    references="""
        (function_call name: [
            (identifier) @name
            (dot_index_expression field: (identifier) @name)
            (method_index_expression method: (identifier) @name)])
        (dot_index_expression table: (identifier) @name)
        (method_index_expression table: (identifier) @name)
    """,
    imports="""
        (assignment_statement (variable_list . name: (identifier) @alias) (expression_list . value: (function_call
            name: (identifier) @_require arguments: (arguments . (string content: (string_content) @module))))
            (#eq? @_require "require"))
        (chunk (function_call
            name: (identifier) @_require arguments: (arguments . (string content: (string_content) @module)))
            (#eq? @_require "require"))
    """,
    blocks=BY_WORDS,
    scanner=scanner(
        comments=(rb"--" + _LONG, rb"--[^\n]*+"),
        strings=(_LONG, DOUBLE, SINGLE),
        anchor=rb"(?:local[ \t]++)?+ function\b | (?:local[ \t]++)?+ [\w.]++ [ \t]*+ = [ \t]*+ function\b",
    ),
)
