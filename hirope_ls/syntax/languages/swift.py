"""Swift. A type with stored and computed properties holds them as plain attributes."""

from __future__ import annotations

from hirope_ls.syntax.languages.blocks import CLOSURES
from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import DOUBLE, LINE_COMMENT, NESTED_COMMENT, TRIPLE, scanner

_MODIFIERS = (
    *("public", "private", "fileprivate", "internal", "open", "final", "static", "mutating", "nonmutating", "override"),
    *("indirect", "lazy", "weak", "dynamic", "convenience", "required", "nonisolated", "distributed", "package"),
)

SWIFT = Language(
    name="swift",
    language_ids=frozenset({"swift"}),
    suffixes=frozenset({".swift"}),
    interpreters=frozenset({"swift"}),
    grammar="tree_sitter_swift:language",
    functions=frozenset(
        {
            *("function_declaration", "init_declaration", "deinit_declaration"),
            "protocol_function_declaration",
        }
    ),
    classes=frozenset({"class_declaration", "protocol_declaration"}),
    containers=frozenset(
        {
            *("source_file", "class_body", "enum_class_body", "protocol_body", "function_body", "statements"),
            *("if_statement", "guard_statement", "for_statement", "while_statement", "repeat_while_statement"),
            *("switch_statement", "switch_entry", "do_statement", "catch_block", "else", "lambda_literal"),
        }
    ),
    calls=frozenset({"call_expression", "call_suffix"}),
    punctuation=frozenset({"{", "}", "(", ")", ";", ","}),
    comments=frozenset({"comment", "multiline_comment"}),
    strings=frozenset({"line_string_literal", "multi_line_string_literal", "raw_string_literal", "regex_literal"}),
    openers={
        **dict.fromkeys(("func", "init"), "function"),
        **dict.fromkeys(("class", "struct", "enum", "protocol", "extension", "actor"), "class"),
    },
    prefixes=frozenset(_MODIFIERS),
    names=frozenset({"simple_identifier", "type_identifier", "user_type"}),
    definitions="""
        (function_declaration name: (simple_identifier) @name)
        (protocol_function_declaration name: (simple_identifier) @name)
        (class_declaration name: (type_identifier) @name)
        (protocol_declaration name: (type_identifier) @name)
        (typealias_declaration name: (type_identifier) @name)
        (associatedtype_declaration name: (type_identifier) @name)
        (enum_entry name: (simple_identifier) @name)
        (protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @name))
        (source_file (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)))
        (class_body (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)))
        (enum_class_body (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)))
    """,
    references="""
        (call_expression . [
            (simple_identifier) @name
            (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @name))])
        (navigation_expression target: (simple_identifier) @name)
        (user_type (type_identifier) @name)
    """,
    imports="""
        (import_declaration (identifier) @module)
    """,
    blocks=CLOSURES,
    scanner=scanner(
        comments=(LINE_COMMENT, NESTED_COMMENT),
        strings=(TRIPLE, rb'(?P<fence>\#++)"(?:[^"\n]++|"(?!(?P=fence)))*+(?:"(?P=fence))?+', DOUBLE),
        anchor=rb"""
            (?: (?:%b)\b (?:\([a-z]*+\))?+ [ \t]++ )*+
            (?:func|class|struct|enum|protocol|extension|actor|typealias|macro)\b
        """
        % "|".join(_MODIFIERS).encode(),
        glue=rb"@(?!testable\b)",
    ),
)
