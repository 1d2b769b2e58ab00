"""Rust. An `impl` counts as a class of the name of its type."""

from __future__ import annotations

from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import CHARACTER, DOUBLE, LINE_COMMENT, NESTED_COMMENT, scanner

RUST = Language(
    name="rust",
    language_ids=frozenset({"rust"}),
    suffixes=frozenset({".rs"}),
    grammar="tree_sitter_rust:language",
    functions=frozenset({"function_item", "macro_definition", "function_signature_item"}),
    classes=frozenset({"struct_item", "enum_item", "union_item", "trait_item", "impl_item"}),
    containers=frozenset(
        {
            *("source_file", "mod_item", "declaration_list", "foreign_mod_item", "block"),
            *("if_expression", "else_clause", "match_expression", "match_block", "match_arm"),
            *("for_expression", "while_expression", "loop_expression", "unsafe_block", "async_block"),
        }
    ),
    wrappers={"expression_statement": ""},
    punctuation=frozenset({"{", "}", "(", ")", ";", ","}),
    comments=frozenset({"line_comment", "block_comment"}),
    attached=frozenset({"attribute_item"}),
    strings=frozenset({"string_literal", "raw_string_literal", "char_literal"}),
    openers={
        "fn": "function",
        **dict.fromkeys(("struct", "enum", "union", "trait", "impl"), "class"),
    },
    prefixes=frozenset({"pub", "async", "const", "unsafe", "extern", "pub(crate)", "pub(super)"}),
    name_fields=("name", "type"),
    names=frozenset({"identifier", "type_identifier", "scoped_type_identifier"}),
    parameters_field="parameters",
    definitions="""
        (function_item name: (identifier) @name)
        (function_signature_item name: (identifier) @name)
        (macro_definition name: (identifier) @name)
        (struct_item name: (type_identifier) @name)
        (enum_item name: (type_identifier) @name)
        (union_item name: (type_identifier) @name)
        (trait_item name: (type_identifier) @name)
        (type_item name: (type_identifier) @name)
        (mod_item name: (identifier) @name)
        (const_item name: (identifier) @name)
        (static_item name: (identifier) @name)
        (enum_variant name: (identifier) @name)
        (field_declaration name: (field_identifier) @name)
    """,
    references="""
        (call_expression function: [
            (identifier) @name
            (field_expression field: (field_identifier) @name)
            (scoped_identifier name: (identifier) @name)
            (generic_function function: [
                (identifier) @name
                (field_expression field: (field_identifier) @name)
                (scoped_identifier name: (identifier) @name)])])
        (macro_invocation macro: [(identifier) @name (scoped_identifier name: (identifier) @name)])
        (scoped_identifier path: (identifier) @name)
        (struct_expression name: (type_identifier) @name)
        (type_identifier) @name
    """,
    imports="""
        (use_declaration argument: [(identifier) (scoped_identifier)] @module)
        (use_declaration argument: (use_as_clause path: (_) @module alias: (identifier) @alias))
        (use_declaration argument: (use_wildcard (_) @module "*" @name))
        (use_declaration argument: (scoped_use_list path: (_) @module list: (use_list [
            [(identifier) (scoped_identifier) (self)] @name
            (use_as_clause path: (_) @name alias: (identifier) @alias)
            (use_wildcard "*" @name)
            (scoped_use_list) @name])))
        (use_declaration argument: (use_list [(identifier) (scoped_identifier) (scoped_use_list)] @module))
        (mod_item !body name: (identifier) @module)
    """,
    scanner=scanner(
        comments=(LINE_COMMENT, NESTED_COMMENT),
        strings=(rb'[bc]?+r(?P<fence>\#*+)"(?:[^"]++|"(?!(?P=fence)))*+(?:"(?P=fence)|\Z)', DOUBLE, CHARACTER),
        anchor=rb"""
            (?: pub\b (?:\([^)\n]*+\))?+ [ \t]++ )?+
            (?: (?:default|async|const|unsafe|auto|extern(?:[ \t]++"[^"\n]*+")?+) [ \t]++ )*+
            (?: (?:fn|struct|enum|union|trait|impl|mod)\b | macro_rules! )
        """,
        glue=rb"\#\[",
    ),
)
