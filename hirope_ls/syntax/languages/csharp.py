"""C#. Properties are plain attributes of their class, whatever code their accessors have."""

from __future__ import annotations

from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import BLOCK_COMMENT, DOUBLE, LINE_COMMENT, RAW_TRIPLE, SINGLE, scanner

CSHARP = Language(
    name="c#",
    language_ids=frozenset({"csharp", "cs", "c_sharp"}),
    suffixes=frozenset({".cs", ".csx"}),
    grammar="tree_sitter_c_sharp:language",
    functions=frozenset(
        {
            *("method_declaration", "constructor_declaration", "destructor_declaration", "operator_declaration"),
            *("conversion_operator_declaration", "indexer_declaration", "local_function_statement"),
        }
    ),
    classes=frozenset(
        {
            *("class_declaration", "struct_declaration", "interface_declaration", "enum_declaration"),
            "record_declaration",
        }
    ),
    wrappers={"global_statement": ""},
    containers=frozenset(
        {
            *("compilation_unit", "namespace_declaration", "file_scoped_namespace_declaration", "declaration_list"),
            *("enum_member_declaration_list", "block", "if_statement", "for_statement", "foreach_statement"),
            *("while_statement", "do_statement", "try_statement", "catch_clause", "finally_clause"),
            *("switch_statement", "switch_body", "switch_section", "using_statement", "lock_statement"),
            *("preproc_if", "preproc_else", "preproc_elif", "preproc_region"),
        }
    ),
    punctuation=frozenset({"{", "}", "(", ")", ";", ",", "preproc_endregion", "#endif"}),
    comments=frozenset({"comment"}),
    strings=frozenset(
        {
            *("string_literal", "verbatim_string_literal", "raw_string_literal", "interpolated_string_expression"),
            "character_literal",
        }
    ),
    openers=dict.fromkeys(("class", "interface", "enum", "struct", "record"), "class"),
    prefixes=frozenset(
        {"public", "protected", "private", "internal", "abstract", "static", "sealed", "partial", "readonly", "ref"}
    ),
    parameters_field="parameters",
    parameters={"parameter": "name"},
    definitions="""
        (method_declaration name: (identifier) @name)
        (constructor_declaration name: (identifier) @name)
        (local_function_statement name: (identifier) @name)
        (property_declaration name: (identifier) @name)
        (class_declaration name: (identifier) @name)
        (struct_declaration name: (identifier) @name)
        (interface_declaration name: (identifier) @name)
        (enum_declaration name: (identifier) @name)
        (record_declaration name: (identifier) @name)
        (delegate_declaration name: (identifier) @name)
        (enum_member_declaration name: (identifier) @name)
        (field_declaration (variable_declaration (variable_declarator name: (identifier) @name)))
        (event_field_declaration (variable_declaration (variable_declarator name: (identifier) @name)))
    """,
    references="""
        (invocation_expression function: [
            (identifier) @name
            (generic_name (identifier) @name)
            (member_access_expression name: [(identifier) @name (generic_name (identifier) @name)])])
        (member_access_expression expression: (identifier) @name)
        (object_creation_expression type: [(identifier) @name (generic_name (identifier) @name)])
        (base_list [(identifier) @name (generic_name (identifier) @name) (qualified_name name: (identifier) @name)])
        (variable_declaration type: [(identifier) @name (generic_name (identifier) @name)])
        (parameter type: [(identifier) @name (generic_name (identifier) @name)])
        (property_declaration type: [(identifier) @name (generic_name (identifier) @name)])
        (method_declaration returns: [(identifier) @name (generic_name (identifier) @name)])
        (nullable_type type: [(identifier) @name (generic_name (identifier) @name)])
        (array_type type: (identifier) @name)
        (type_argument_list (identifier) @name)
        (attribute name: (identifier) @name)
        (cast_expression type: (identifier) @name)
    """,
    imports="""
        (using_directive !name [(identifier) (qualified_name)] @module)
        (using_directive name: (identifier) @alias [(qualified_name) (generic_name)] @module)
    """,
    scanner=scanner(
        comments=(LINE_COMMENT, BLOCK_COMMENT),
        strings=(RAW_TRIPLE, rb'(?:@\$|\$@|@)"(?:[^"]++|"")*+(?:"|\Z)', DOUBLE, SINGLE),
        anchor=rb"""
            (?: (?:public|protected|private|internal|abstract|static|sealed|partial|readonly|ref|file) [ \t]++ )*+
            (?:class|interface|enum|struct|record|namespace|delegate)\b
        """,
        glue=rb"\[",
    ),
)
