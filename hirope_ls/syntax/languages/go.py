"""Go. A method's type is not part of its unit's name."""

from __future__ import annotations

from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import BLOCK_COMMENT, CHARACTER, DOUBLE, LINE_COMMENT, RAW_BACKTICKS, scanner

GO = Language(
    name="go",
    language_ids=frozenset({"go"}),
    suffixes=frozenset({".go"}),
    grammar="tree_sitter_go:language",
    functions=frozenset({"function_declaration", "method_declaration"}),
    classes=frozenset({"type_spec", "type_alias"}),
    wrappers={"type_declaration": ""},
    containers=frozenset(
        {
            *("source_file", "block", "statement_list", "if_statement", "for_statement", "select_statement"),
            *("expression_switch_statement", "type_switch_statement"),
            "func_literal",
            *("expression_case", "type_case", "default_case", "communication_case"),
        }
    ),
    calls=frozenset({"call_expression", "argument_list", "expression_statement", "go_statement", "defer_statement"}),
    punctuation=frozenset({"{", "}", "(", ")", ";"}),
    comments=frozenset({"comment"}),
    strings=frozenset({"interpreted_string_literal", "raw_string_literal", "rune_literal"}),
    openers={"func": "function", "type": "class"},
    names=frozenset({"identifier", "field_identifier", "type_identifier"}),
    parameters_field="parameters",
    definitions="""
        (function_declaration name: (identifier) @name)
        (method_declaration name: (field_identifier) @name)
        (type_spec name: (type_identifier) @name)
        (type_alias name: (type_identifier) @name)
        (source_file (const_declaration (const_spec name: (identifier) @name)))
        (source_file (var_declaration (var_spec name: (identifier) @name)))
        (source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name))))
        (field_declaration name: (field_identifier) @name)
        (method_elem name: (field_identifier) @name)
    """,
    references="""
        (call_expression function: [(identifier) @name (selector_expression field: (field_identifier) @name)])
        (call_expression function: (index_expression operand: (identifier) @name))
        (composite_literal type: (type_identifier) @name)
        (qualified_type name: (type_identifier) @name)
        (parameter_declaration type: (type_identifier) @name)
        (function_declaration result: (type_identifier) @name)
        (method_declaration result: (type_identifier) @name)
        (field_declaration type: (type_identifier) @name)
        (type_elem (type_identifier) @name)
        (pointer_type (type_identifier) @name)
        (slice_type element: (type_identifier) @name)
        (map_type value: (type_identifier) @name)
        (generic_type type: (type_identifier) @name)
        (type_spec type: (type_identifier) @name)
        (var_spec type: (type_identifier) @name)
    """,
    imports="""
        (import_spec name: (_)? @alias path: (interpreted_string_literal (interpreted_string_literal_content) @module))
    """,
    scanner=scanner(
        comments=(LINE_COMMENT, BLOCK_COMMENT),
        strings=(DOUBLE, CHARACTER, RAW_BACKTICKS),
        anchor=rb"(?:func|type)\b",
    ),
)
