"""Kotlin."""

from __future__ import annotations

from hirope_ls.syntax.languages.blocks import CLOSURES
from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import DOUBLE, LINE_COMMENT, NESTED_COMMENT, RAW_TRIPLE, SINGLE, scanner

_MODIFIERS = (
    *("public", "private", "internal", "protected", "open", "abstract", "sealed", "data", "inner", "enum"),
    *("annotation", "inline", "value", "suspend", "tailrec", "operator", "infix", "external", "override", "final"),
    *("expect", "actual", "companion", "fun"),
)

KOTLIN = Language(
    name="kotlin",
    language_ids=frozenset({"kotlin"}),
    suffixes=frozenset({".kt", ".kts"}),
    interpreters=frozenset({"kotlin"}),
    grammar="tree_sitter_kotlin:language",
    functions=frozenset({"function_declaration", "secondary_constructor", "anonymous_initializer"}),
    classes=frozenset({"class_declaration", "object_declaration", "companion_object"}),
    containers=frozenset(
        {
            *("source_file", "class_body", "enum_class_body", "function_body", "block"),
            *("if_expression", "when_expression", "when_entry", "try_expression"),
            *(
                "catch_block",
                "finally_block",
                "for_statement",
                "while_statement",
                "do_while_statement",
                "lambda_literal",
            ),
        }
    ),
    calls=frozenset({"call_expression", "annotated_lambda"}),
    punctuation=frozenset({"{", "}", "(", ")", ";", ","}),
    comments=frozenset({"line_comment", "block_comment"}),
    strings=frozenset({"string_literal", "multiline_string_literal", "character_literal"}),
    openers={
        "fun": "function",
        **dict.fromkeys(("class", "interface", "object"), "class"),
    },
    prefixes=frozenset(_MODIFIERS),
    definitions="""
        (function_declaration name: (identifier) @name)
        (class_declaration name: (identifier) @name)
        (object_declaration name: (identifier) @name)
        (type_alias type: (identifier) @name)
        (enum_entry . (identifier) @name)
        (class_parameter ["val" "var"] (identifier) @name)
        (source_file (property_declaration (variable_declaration (identifier) @name)))
        (class_body (property_declaration (variable_declaration (identifier) @name)))
        (enum_class_body (property_declaration (variable_declaration (identifier) @name)))
    """,
    references="""
        (call_expression . [(identifier) @name (navigation_expression (identifier) @name .)])
        (navigation_expression . (identifier) @name)
        (user_type (identifier) @name)
    """,
    imports="""
        (import (qualified_identifier) @module . "*"? @name . (identifier)? @alias)
    """,
    blocks=CLOSURES,
    scanner=scanner(
        comments=(LINE_COMMENT, NESTED_COMMENT),
        strings=(RAW_TRIPLE, DOUBLE, SINGLE),
        anchor=rb"(?: (?:%b)\b [ \t]++ )*+ (?:fun|class|interface|object|typealias)\b"
        % "|".join(name for name in _MODIFIERS if name != "fun").encode(),
        glue=rb"@(?!file\b)",
    ),
)
