"""Java."""

from __future__ import annotations

from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import BLOCK_COMMENT, DOUBLE, LINE_COMMENT, SINGLE, TRIPLE, scanner

JAVA = Language(
    name="java",
    language_ids=frozenset({"java"}),
    suffixes=frozenset({".java"}),
    grammar="tree_sitter_java:language",
    functions=frozenset(
        {
            *("method_declaration", "constructor_declaration", "compact_constructor_declaration"),
            "annotation_type_element_declaration",
        }
    ),
    classes=frozenset(
        {
            *("class_declaration", "interface_declaration", "enum_declaration", "record_declaration"),
            "annotation_type_declaration",
        }
    ),
    containers=frozenset(
        {
            *("program", "class_body", "interface_body", "enum_body", "enum_body_declarations", "annotation_type_body"),
            *("block", "constructor_body", "if_statement", "for_statement", "enhanced_for_statement"),
            *("while_statement", "do_statement", "try_statement", "try_with_resources_statement", "catch_clause"),
            *("finally_clause", "switch_expression", "switch_block", "switch_block_statement_group", "switch_rule"),
            *("synchronized_statement", "labeled_statement"),
        }
    ),
    punctuation=frozenset({"{", "}", "(", ")", ";", ","}),
    comments=frozenset({"line_comment", "block_comment"}),
    strings=frozenset({"string_literal", "character_literal"}),
    openers=dict.fromkeys(("class", "interface", "enum", "record"), "class"),
    prefixes=frozenset({"public", "protected", "private", "abstract", "static", "final", "sealed", "strictfp"}),
    parameters_field="parameters",
    definitions="""
        (method_declaration name: (identifier) @name)
        (constructor_declaration name: (identifier) @name)
        (class_declaration name: (identifier) @name)
        (interface_declaration name: (identifier) @name)
        (enum_declaration name: (identifier) @name)
        (record_declaration name: (identifier) @name)
        (annotation_type_declaration name: (identifier) @name)
        (annotation_type_element_declaration name: (identifier) @name)
        (enum_constant name: (identifier) @name)
        (field_declaration declarator: (variable_declarator name: (identifier) @name))
        (constant_declaration declarator: (variable_declarator name: (identifier) @name))
    """,
    references="""
        (method_invocation name: (identifier) @name)
        (method_invocation object: (identifier) @name)
        (method_reference (identifier) @name)
        (annotation name: (identifier) @name)
        (marker_annotation name: (identifier) @name)
        (field_access object: (identifier) @name)
        (type_identifier) @name
    """,
    imports="""
        (import_declaration (scoped_identifier) @module . ";")
        (import_declaration (scoped_identifier) @module (asterisk) @name)
    """,
    scanner=scanner(
        comments=(LINE_COMMENT, BLOCK_COMMENT),
        strings=(TRIPLE, DOUBLE, SINGLE),
        anchor=rb"""
            (?: (?:public|protected|private|abstract|final|static|sealed|non-sealed|strictfp)\b [ \t]++ )*+
            (?: class|interface|enum|record|@interface )\b
        """,
        glue=rb"@(?!interface\b)",
    ),
)
