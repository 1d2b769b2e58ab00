"""JavaScript and TypeScript, with and without markup. A function that is bound to a name is a unit of that name."""

from __future__ import annotations

from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import BLOCK_COMMENT, DOUBLE, LINE_COMMENT, SINGLE, TEMPLATE, scanner

_SCANNER = scanner(
    comments=(LINE_COMMENT, BLOCK_COMMENT),
    # A slash begins a regular expression where no value stands before it.
    strings=(
        *(DOUBLE, SINGLE, TEMPLATE),
        rb"(?<=[=(,:\[!&|?{};+]) [ \t]*+ / (?! [*/]) (?: [^/\\\[\n]++ | \\. | \[(?:[^\]\\\n]++|\\.)*+\]? )++ /?",
    ),
    anchor=rb"""
        export\b
        | (?:declare[ \t]++)?+ (?:abstract[ \t]++)?+ (?:async[ \t]++)?+
          (?:function|class|interface|enum|namespace|module|type)\b
        | (?:const|let|var)[ \t]++ [\w$]++ [^=\n]*+ = [ \t]*+ (?:async\b[ \t]*+)?+ (?:function\b|<|\(|[\w$]++[ \t]*+=>)
        | [\w$.]++ [ \t]*+ = [ \t]*+ (?:async\b[ \t]*+)?+ (?:function\b|\(|[\w$]++[ \t]*+=>)
    """,
    glue=rb"@ | [\w$.]++ [ \t]*+ = [ \t]*+ \r?+$",
)

_FUNCTIONS = frozenset(
    {
        *("function_declaration", "generator_function_declaration", "method_definition"),
        *("function_expression", "generator_function", "arrow_function"),
    }
)
_WRAPPERS = {
    "export_statement": "",
    "expression_statement": "",
    "lexical_declaration": "",
    "variable_declaration": "",
    "variable_declarator": "value",
    "assignment_expression": "right",
}
_CONTAINERS = frozenset(
    {
        *("program", "class_body", "statement_block", "if_statement", "else_clause", "for_statement"),
        *("for_in_statement", "while_statement", "do_statement", "try_statement", "catch_clause", "finally_clause"),
        *("switch_statement", "switch_body", "switch_case", "switch_default", "labeled_statement"),
    }
)
_CALLS = frozenset({"call_expression", "arguments", "parenthesized_expression", "await_expression"})
_PUNCTUATION = frozenset({"{", "}", "(", ")", "[", "]", ";", ","})
_OPENERS = {"function": "function", "class": "class"}
_PREFIXES = frozenset({"export", "default", "async", "abstract", "declare"})
_STRINGS = frozenset({"string", "template_string", "regex", "jsx_text"})
_NAME_FIELDS = ("name", "property", "left")
_NAMES = frozenset(
    {
        *("identifier", "property_identifier", "private_property_identifier"),
        *("string", "number", "computed_property_name", "member_expression", "object_pattern", "array_pattern"),
    }
)
_DEFINITIONS = """
    (function_declaration name: (identifier) @name)
    (generator_function_declaration name: (identifier) @name)
    ((method_definition name: (property_identifier) @name) (#not-eq? @name "constructor"))
    (program (lexical_declaration (variable_declarator name: (identifier) @name)))
    (program (variable_declaration (variable_declarator name: (identifier) @name)))
    (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)))
    (export_statement (variable_declaration (variable_declarator name: (identifier) @name)))
    (program (expression_statement (assignment_expression
        left: (member_expression property: (property_identifier) @name)
        right: [(function_expression) (arrow_function) (class)])))
"""
_REFERENCES = """
    (call_expression function: [(identifier) @name (member_expression property: (property_identifier) @name)])
    (new_expression constructor: [(identifier) @name (member_expression property: (property_identifier) @name)])
    (decorator [(identifier) @name (member_expression property: (property_identifier) @name)])
"""
_MARKUP = """
    (jsx_opening_element name: [(identifier) @name (member_expression property: (property_identifier) @name)])
    (jsx_self_closing_element name: [(identifier) @name (member_expression property: (property_identifier) @name)])
"""
_IMPORTS = """
    (import_statement (import_clause (identifier) @alias) source: (string (string_fragment) @module))
    (import_statement
        (import_clause (namespace_import "*" @name (identifier) @alias)) source: (string (string_fragment) @module))
    (import_statement
        (import_clause (named_imports (import_specifier name: (_) @name alias: (identifier)? @alias)))
        source: (string (string_fragment) @module))
    (import_statement . source: (string (string_fragment) @module))
    (export_statement (export_clause (export_specifier name: (_) @name alias: (_)? @alias))
        source: (string (string_fragment) @module))
    (export_statement "*" @name source: (string (string_fragment) @module))
    (variable_declarator name: (identifier) @alias
        value: (call_expression function: (identifier) @_require
            arguments: (arguments . (string (string_fragment) @module))) (#eq? @_require "require"))
    (variable_declarator
        name: (object_pattern [
            (shorthand_property_identifier_pattern) @name
            (pair_pattern key: (property_identifier) @name value: (identifier) @alias)])
        value: (call_expression function: (identifier) @_require
            arguments: (arguments . (string (string_fragment) @module))) (#eq? @_require "require"))
"""

JAVASCRIPT = Language(
    name="javascript",
    language_ids=frozenset({"javascript", "javascriptreact", "javascript.jsx"}),
    suffixes=frozenset({".js", ".mjs", ".cjs", ".jsx", ".es6"}),
    interpreters=frozenset({"node", "nodejs", "bun"}),
    grammar="tree_sitter_javascript:language",
    functions=_FUNCTIONS,
    classes=frozenset({"class_declaration", "class"}),
    wrappers={**_WRAPPERS, "field_definition": "value"},
    containers=_CONTAINERS,
    calls=_CALLS,
    punctuation=_PUNCTUATION,
    comments=frozenset({"comment", "hash_bang_line"}),
    attached=frozenset({"decorator"}),
    strings=_STRINGS,
    openers=_OPENERS,
    prefixes=_PREFIXES,
    name_fields=_NAME_FIELDS,
    names=_NAMES,
    parameters_field="parameters",
    definitions=_DEFINITIONS
    + """
    (class_declaration name: (identifier) @name)
    (field_definition property: (property_identifier) @name)
    """,
    references=_REFERENCES
    + _MARKUP
    + """
    (class_heritage [(identifier) @name (member_expression property: (property_identifier) @name)])
    """,
    imports=_IMPORTS,
    scanner=_SCANNER,
)


def _typescript(name: str, grammar: str, ids: set[str], suffixes: set[str], markup: str) -> Language:
    return Language(
        name=name,
        language_ids=frozenset(ids),
        suffixes=frozenset(suffixes),
        interpreters=frozenset({"ts-node", "tsx", "deno"}) if not markup else frozenset(),
        grammar=f"tree_sitter_typescript:{grammar}",
        functions=_FUNCTIONS | {"function_signature"},
        classes=frozenset(
            {
                *("class_declaration", "abstract_class_declaration", "class"),
                *("interface_declaration", "enum_declaration", "type_alias_declaration"),
            }
        ),
        wrappers={**_WRAPPERS, "public_field_definition": "value", "ambient_declaration": ""},
        containers=_CONTAINERS | {"internal_module", "module"},
        calls=_CALLS,
        punctuation=_PUNCTUATION,
        comments=frozenset({"comment", "hash_bang_line"}),
        attached=frozenset({"decorator"}),
        strings=_STRINGS,
        openers={**_OPENERS, "interface": "class", "enum": "class"},
        prefixes=_PREFIXES,
        name_fields=_NAME_FIELDS,
        names=_NAMES | {"type_identifier"},
        parameters_field="parameters",
        parameters={"required_parameter": "pattern", "optional_parameter": "pattern"},
        definitions=_DEFINITIONS
        + """
        (class_declaration name: (type_identifier) @name)
        (abstract_class_declaration name: (type_identifier) @name)
        (interface_declaration name: (type_identifier) @name)
        (type_alias_declaration name: (type_identifier) @name)
        (enum_declaration name: (identifier) @name)
        (enum_body name: (property_identifier) @name)
        (enum_assignment name: (property_identifier) @name)
        (function_signature name: (identifier) @name)
        (abstract_method_signature name: (property_identifier) @name)
        (method_signature name: (property_identifier) @name)
        (property_signature name: (property_identifier) @name)
        (public_field_definition name: (property_identifier) @name)
        (internal_module name: (identifier) @name)
        """,
        references=_REFERENCES
        + markup
        + """
        (extends_clause value: [(identifier) @name (member_expression property: (property_identifier) @name)])
        (implements_clause (type_identifier) @name)
        (extends_type_clause (type_identifier) @name)
        (nested_type_identifier name: (type_identifier) @name)
        (type_annotation (type_identifier) @name)
        (generic_type name: (type_identifier) @name)
        (type_arguments (type_identifier) @name)
        (union_type (type_identifier) @name)
        (intersection_type (type_identifier) @name)
        (array_type (type_identifier) @name)
        (readonly_type (type_identifier) @name)
        (constraint (type_identifier) @name)
        (type_alias_declaration value: (type_identifier) @name)
        (as_expression (type_identifier) @name)
        (satisfies_expression (type_identifier) @name)
        (type_predicate type: (type_identifier) @name)
        """,
        imports=_IMPORTS
        + """
        (import_statement (import_require_clause (identifier) @alias source: (string (string_fragment) @module)))
        """,
        scanner=_SCANNER,
    )


TYPESCRIPT = _typescript("typescript", "language_typescript", {"typescript"}, {".ts", ".mts", ".cts"}, "")
TSX = _typescript("tsx", "language_tsx", {"typescriptreact", "typescript.tsx"}, {".tsx"}, _MARKUP)
