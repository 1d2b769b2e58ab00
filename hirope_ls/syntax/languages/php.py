"""PHP, with the markup around it. Never cut: code is told from markup by what stands before it."""

from __future__ import annotations

import re

from hirope_ls.syntax.languages.row import Language

PHP = Language(
    name="php",
    language_ids=frozenset({"php"}),
    suffixes=frozenset({".php", ".phtml", ".php5", ".phps"}),
    interpreters=frozenset({"php"}),
    grammar="tree_sitter_php:language_php",
    functions=frozenset({"function_definition", "method_declaration", "anonymous_function", "arrow_function"}),
    classes=frozenset({"class_declaration", "interface_declaration", "trait_declaration", "enum_declaration"}),
    wrappers={"expression_statement": "", "assignment_expression": "right"},
    containers=frozenset(
        {
            *("program", "namespace_definition", "declaration_list", "enum_declaration_list", "compound_statement"),
            *("if_statement", "else_clause", "else_if_clause", "for_statement", "foreach_statement", "while_statement"),
            *("do_statement", "try_statement", "catch_clause", "finally_clause", "switch_statement", "switch_block"),
            *("case_statement", "default_statement", "colon_block"),
        }
    ),
    punctuation=frozenset({"{", "}", "(", ")", ";", ","}),
    comments=frozenset({"comment"}),
    strings=frozenset({"string", "encapsed_string", "heredoc", "nowdoc", "shell_command_expression", "text"}),
    openers={
        "function": "function",
        **dict.fromkeys(("class", "interface", "trait", "enum"), "class"),
    },
    prefixes=frozenset({"public", "protected", "private", "abstract", "final", "static", "readonly"}),
    name_fields=("name", "left"),
    names=frozenset({"name", "variable_name", "member_access_expression", "subscript_expression"}),
    parameters_field="parameters",
    parameters={"simple_parameter": "name", "property_promotion_parameter": "name"},
    definitions="""
        (function_definition name: (name) @name)
        ((method_declaration name: (name) @name) (#not-match? @name "^__"))
        (class_declaration name: (name) @name)
        (interface_declaration name: (name) @name)
        (trait_declaration name: (name) @name)
        (enum_declaration name: (name) @name)
        (enum_case name: (name) @name)
        (const_element . (name) @name)
        (property_element name: (variable_name (name) @name))
        (property_promotion_parameter name: (variable_name (name) @name))
    """,
    references="""
        (function_call_expression function: [(name) @name (qualified_name (name) @name)])
        (member_call_expression name: (name) @name)
        (nullsafe_member_call_expression name: (name) @name)
        (scoped_call_expression scope: [(name) @name (qualified_name (name) @name)])
        (scoped_call_expression name: (name) @name)
        (class_constant_access_expression . [(name) @name (qualified_name (name) @name)])
        (object_creation_expression [(name) @name (qualified_name (name) @name)])
        (base_clause [(name) @name (qualified_name (name) @name)])
        (class_interface_clause [(name) @name (qualified_name (name) @name)])
        (use_declaration [(name) @name (qualified_name (name) @name)])
        (named_type [(name) @name (qualified_name (name) @name)])
        (attribute [(name) @name (qualified_name (name) @name)])
        (binary_expression operator: "instanceof" right: [(name) @name (qualified_name (name) @name)])
    """,
    imports="""
        (namespace_use_declaration (namespace_use_clause
            . [(name) (qualified_name)] @module alias: (name)? @alias))
        (namespace_use_declaration (namespace_name) @module
            body: (namespace_use_group (namespace_use_clause . [(name) (qualified_name)] @name alias: (name)? @alias)))
        (require_once_expression (_) @module)
        (require_expression (_) @module)
        (include_expression (_) @module)
        (include_once_expression (_) @module)
    """,
    # Where a semicolon may be missing it looks past comments for what comes next, and does so again from each of them.
    slow=re.compile(rb"(?:^[ \t]*+(?:(?://|#)[^\n]*+)?\r?\n)++", re.MULTILINE),
)
