"""Scala, of versions 2 and 3. The parts of an import's path are no node: the whole import stands for its module."""

from __future__ import annotations

from hirope_ls.syntax.languages.blocks import CLOSURES
from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import CHARACTER, DOUBLE, LINE_COMMENT, NESTED_COMMENT, RAW_TRIPLE, scanner

_MODIFIERS = (
    *("private", "protected", "abstract", "final", "sealed", "implicit", "lazy", "override", "case", "inline"),
    *("opaque", "open", "transparent"),
)

SCALA = Language(
    name="scala",
    language_ids=frozenset({"scala"}),
    suffixes=frozenset({".scala", ".sc", ".sbt"}),
    interpreters=frozenset({"scala", "amm"}),
    grammar="tree_sitter_scala:language",
    functions=frozenset({"function_definition", "function_declaration"}),
    classes=frozenset(
        {
            *("class_definition", "trait_definition", "object_definition", "enum_definition", "package_object"),
            *("given_definition", "extension_definition"),
        }
    ),
    containers=frozenset(
        {
            *("compilation_unit", "template_body", "enum_body", "package_clause", "block", "indented_block"),
            *("if_expression", "match_expression", "case_block", "indented_cases", "case_clause"),
            *("for_expression", "while_expression", "try_expression", "catch_clause", "finally_clause"),
        }
    ),
    punctuation=frozenset({"{", "}", "(", ")", ";", ","}),
    comments=frozenset({"comment", "block_comment"}),
    strings=frozenset({"string", "interpolated_string", "interpolated_string_expression", "character_literal"}),
    openers={
        "def": "function",
        **dict.fromkeys(("class", "trait", "object", "enum"), "class"),
    },
    prefixes=frozenset(_MODIFIERS),
    names=frozenset({"identifier", "operator_identifier", "type_identifier", "package_identifier"}),
    parameters_field="parameters",
    parameters={"parameter": "name"},
    definitions="""
        (function_definition name: (identifier) @name)
        (function_declaration name: (identifier) @name)
        (class_definition name: (identifier) @name)
        (trait_definition name: (identifier) @name)
        (object_definition name: (identifier) @name)
        (enum_definition name: (identifier) @name)
        (simple_enum_case name: (identifier) @name)
        (full_enum_case name: (identifier) @name)
        (type_definition name: (type_identifier) @name)
        (class_parameter name: (identifier) @name)
        (template_body [(val_definition pattern: (identifier) @name) (var_definition pattern: (identifier) @name)])
        (template_body [(val_declaration name: (identifier) @name) (var_declaration name: (identifier) @name)])
        (compilation_unit [(val_definition pattern: (identifier) @name) (var_definition pattern: (identifier) @name)])
    """,
    references="""
        (call_expression function: [
            (identifier) @name
            (field_expression field: (identifier) @name)
            (generic_function function: [(identifier) @name (field_expression field: (identifier) @name)])])
        (generic_function function: (field_expression field: (identifier) @name))
        (field_expression value: (identifier) @name)
        (case_class_pattern type: (type_identifier) @name)
        (type_identifier) @name
    """,
    imports="""
        (import_declaration (identifier) @name .) @module
        (import_declaration (namespace_wildcard) @name) @module
        (import_declaration (namespace_selectors [
            (identifier) @name
            (namespace_wildcard) @name
            (arrow_renamed_identifier name: (identifier) @name alias: (_) @alias)
            (as_renamed_identifier name: (identifier) @name alias: (_) @alias)])) @module
    """,
    blocks=CLOSURES,
    scanner=scanner(
        comments=(LINE_COMMENT, NESTED_COMMENT),
        strings=(RAW_TRIPLE, DOUBLE, CHARACTER),
        anchor=rb"""
            (?: (?:%b)\b (?:\[\w*+\])?+ [ \t]++ )*+
            (?:def|class|trait|object|enum|given|extension|package[ \t]++object)\b
        """
        % "|".join(_MODIFIERS).encode(),
        glue=rb"@",
    ),
)
