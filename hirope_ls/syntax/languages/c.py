"""C and C++. Names stand inside declarators; a class without its body is only announced.

Nothing tells a header of C from one of C++, so `.h` is read as C++, which is close to a superset.
"""

from __future__ import annotations

from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import BLOCK_COMMENT, DOUBLE, LINE_COMMENT, scanner

_CHARACTER = rb"(?<![0-9a-fA-F])'(?:[^'\\\n]++|\\.)*+'?"  # not 1'000'000
_RAW = rb'R"(?P<fence>[^()\\\s"]{0,16}+)\((?:[^)]++|\)(?!(?P=fence)"))*+(?:\)(?P=fence)"|\Z)'
# A function's name with its parameters, and no semicolon on the line but in a body; its type may have lines of its own.
_ANCHOR = rb"""
    (?:typedef[ \t]++)?+ (?:struct|union|enum|class|namespace)\b
    | (?:inline[ \t]++)?+ namespace\b
    | extern[ \t]++"C(?:\+\+)?+"
    | template[ \t]*+<[^\n]*+
    | (?!(?:return|else|if|for|while|switch|case|default|do|goto|using|typedef|public|private|protected)\b)
      [A-Za-z_~] [\w \t*&:<>,~]*+ (?:operator[^\w\n][^\n(]*+)?+ \( [^;{\n]*+ (?:\{[^\n]*+)?+ $
"""
_GLUE = rb"""
    template[ \t]*+<[^\n{;(]*+(?<=[>\r])$
    | (?!(?:else|do|default|public|private|protected|namespace|struct|union|enum|class|typedef|using)\b)
      [A-Za-z_] [\w \t*&:<>]*+ (?<![:\t ]) \r?+$
"""
_SCANNER = scanner(
    comments=(LINE_COMMENT, BLOCK_COMMENT), strings=(_RAW, DOUBLE, _CHARACTER), anchor=_ANCHOR, glue=_GLUE
)
_CONTAINERS = frozenset(
    {
        *("translation_unit", "preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif", "preproc_elifdef"),
        *("declaration_list", "field_declaration_list", "enumerator_list", "linkage_specification"),
        *("compound_statement", "if_statement", "else_clause", "for_statement", "while_statement", "do_statement"),
        *("switch_statement", "case_statement", "labeled_statement"),
    }
)
_WRAPPERS = {"type_definition": "type", "declaration": "type", "field_declaration": "type"}
_PUNCTUATION = frozenset({"{", "}", "(", ")", ";", ",", "#endif", "\n"})
_STRINGS = frozenset({"string_literal", "char_literal", "system_lib_string"})
_IMPORTS = """
    (preproc_include path: [(string_literal) (system_lib_string)] @module)
"""
_DECLARATORS = """
    (function_declarator declarator: (identifier) @name)
    (preproc_def name: (identifier) @name)
    (preproc_function_def name: (identifier) @name)
    (type_definition declarator: (type_identifier) @name)
    (type_definition declarator: (pointer_declarator declarator: (type_identifier) @name))
    (type_definition declarator: (function_declarator
        declarator: (parenthesized_declarator (pointer_declarator declarator: (type_identifier) @name))))
    (struct_specifier name: (type_identifier) @name body: (_))
    (union_specifier name: (type_identifier) @name body: (_))
    (enum_specifier name: (type_identifier) @name body: (_))
    (enumerator name: (identifier) @name)
    (field_declaration declarator: (field_identifier) @name)
    (field_declaration declarator: (pointer_declarator declarator: (field_identifier) @name))
    (field_declaration declarator: (array_declarator declarator: (field_identifier) @name))
    (translation_unit (declaration declarator: (identifier) @name))
    (translation_unit (declaration declarator: (init_declarator declarator: (identifier) @name)))
    (translation_unit (declaration declarator: (init_declarator declarator: (array_declarator
        declarator: (identifier) @name))))
    (translation_unit (declaration declarator: (array_declarator declarator: (identifier) @name)))
    (translation_unit (declaration declarator: (init_declarator declarator: (pointer_declarator
        declarator: (identifier) @name))))
"""
_REFERENCES = """
    (call_expression function: [(identifier) @name (field_expression field: (field_identifier) @name)])
    (struct_specifier name: (type_identifier) @name !body)
    (union_specifier name: (type_identifier) @name !body)
    (enum_specifier name: (type_identifier) @name !body)
    (declaration type: (type_identifier) @name)
    (parameter_declaration type: (type_identifier) @name)
    (field_declaration type: (type_identifier) @name)
    (function_definition type: (type_identifier) @name)
    (type_definition type: (type_identifier) @name)
    (type_descriptor type: (type_identifier) @name)
"""

C = Language(
    name="c",
    language_ids=frozenset({"c"}),
    suffixes=frozenset({".c"}),
    grammar="tree_sitter_c:language",
    functions=frozenset({"function_definition"}),
    classes=frozenset({"struct_specifier", "union_specifier", "enum_specifier"}),
    wrappers=_WRAPPERS,
    containers=_CONTAINERS,
    punctuation=_PUNCTUATION,
    comments=frozenset({"comment"}),
    strings=_STRINGS,
    body_field="body",
    openers={"struct": "class", "union": "class"},
    prefixes=frozenset({"typedef", "static"}),
    name_fields=("name", "declarator"),
    names=frozenset({"identifier", "field_identifier", "type_identifier"}),
    definitions=_DECLARATORS,
    references=_REFERENCES,
    imports=_IMPORTS,
    scanner=_SCANNER,
)

CPP = Language(
    name="c++",
    language_ids=frozenset({"cpp", "c++", "cuda-cpp", "cuda"}),
    suffixes=frozenset(
        {".h", ".hh", ".hpp", ".hxx", ".h++", ".inl", ".ipp", ".tpp", ".cpp", ".cc", ".cxx", ".c++", ".cu", ".cuh"}
    ),
    grammar="tree_sitter_cpp:language",
    functions=frozenset({"function_definition", "concept_definition"}),
    classes=frozenset({"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"}),
    wrappers={**_WRAPPERS, "template_declaration": ""},
    containers=_CONTAINERS
    | {"namespace_definition", "try_statement", "catch_clause", "for_range_loop", "preproc_elifdef"},
    punctuation=_PUNCTUATION,
    comments=frozenset({"comment"}),
    strings=_STRINGS | {"raw_string_literal"},
    body_field="body",
    openers={"struct": "class", "union": "class", "class": "class"},
    prefixes=frozenset({"typedef", "static"}),
    name_fields=("name", "declarator"),
    name_kinds=frozenset({"function_declarator"}),  # of a reference
    names=frozenset(
        {
            *("identifier", "field_identifier", "type_identifier", "qualified_identifier", "destructor_name"),
            *("operator_name", "operator_cast", "template_type"),
        }
    ),
    definitions=_DECLARATORS
    + """
        (class_specifier name: (type_identifier) @name body: (_))
        (function_declarator declarator: (field_identifier) @name)
        (function_declarator declarator: (qualified_identifier name: (identifier) @name))
        (function_declarator declarator: (qualified_identifier name: (qualified_identifier name: (identifier) @name)))
        (alias_declaration name: (type_identifier) @name)
        (concept_definition name: (identifier) @name)
        (namespace_definition name: (namespace_identifier) @name)
        (declaration_list (declaration declarator: (identifier) @name))
        (declaration_list (declaration declarator: (init_declarator declarator: (identifier) @name)))
        (declaration_list (declaration declarator: (init_declarator declarator: (array_declarator
            declarator: (identifier) @name))))
    """,
    references=_REFERENCES
    + """
        (class_specifier name: (type_identifier) @name !body)
        (call_expression function: (qualified_identifier name: [
            (identifier) @name
            (template_function name: (identifier) @name)
            (qualified_identifier name: [(identifier) @name (template_function name: (identifier) @name)])]))
        (call_expression function: (template_function name: (identifier) @name))
        (call_expression function: (field_expression field: (template_method name: (field_identifier) @name)))
        (qualified_identifier scope: (namespace_identifier) @name)
        (qualified_identifier name: (type_identifier) @name)
        (template_type name: (type_identifier) @name)
        (base_class_clause (type_identifier) @name)
        (new_expression type: (type_identifier) @name)
    """,
    imports=_IMPORTS
    + """
        (using_declaration (qualified_identifier) @module)
        (using_declaration "namespace" (identifier) @module)
    """,
    scanner=_SCANNER,
)
