"""Python. Its blocks are told by their indentation, so the members of classes are pieces of their own."""

from __future__ import annotations

import re

from hirope_ls.syntax.languages.blocks import INDENTED
from hirope_ls.syntax.languages.row import Language

_SCANNER = re.compile(
    rb"""
    ^(?P<comment> [ \t\f]*+ \#[^\n]*+ \n?)
    | ^(?P<indent> [ \t\f]*+ ) (?:
        (?P<glue> @)
        | (?P<anchor> (?:def|async[ \t]+def)\b )
        | (?P<opener> class\b (?= [ \t]+ (?P<name> [\w\x80-\xff]++ ) )? )
        | (?P<other> (?= [^\s)\]}\#"'] ) )
      )
    | (?P<skip>
        \#[^\n]*+
        | \"\"\" (?: [^"\\]++ | \\. | "(?!"") )*+ (?: \"\"\" | \\?\Z )
        | \'\'\' (?: [^'\\]++ | \\. | '(?!\'\') )*+ (?: \'\'\' | \\?\Z )
        | " (?: [^"\\\n]++ | \\(?:\r\n|.) )*+ "?
        | ' (?: [^'\\\n]++ | \\(?:\r\n|.) )*+ '?
      )
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)

PYTHON = Language(
    name="python",
    language_ids=frozenset({"python"}),
    suffixes=frozenset({".py", ".pyi", ".pyw"}),
    interpreters=frozenset({"python", "python3"}),
    grammar="tree_sitter_python:language",
    functions=frozenset({"function_definition"}),
    classes=frozenset({"class_definition"}),
    wrappers={"decorated_definition": "definition"},
    containers=frozenset(
        {
            *(
                "module",
                "block",
                "with_statement",
                "for_statement",
                "while_statement",
                "match_statement",
                "case_clause",
            ),
            *("if_statement", "elif_clause", "else_clause"),
            *("try_statement", "except_clause", "finally_clause"),
        }
    ),
    comments=frozenset({"comment"}),
    strings=frozenset({"string"}),
    openers={"def": "function", "class": "class"},
    prefixes=frozenset({"async"}),
    parameters_field="parameters",
    parameters={
        "identifier": "",
        "typed_parameter": "",
        "default_parameter": "name",
        "typed_default_parameter": "name",
    },
    nameless=frozenset({"positional_separator"}),
    receivers=frozenset({"self", "cls"}),
    definitions="""
        (function_definition name: (identifier) @name)
        (class_definition name: (identifier) @name)
        (module (expression_statement (assignment left: (identifier) @name)))
        (class_definition body: (block (expression_statement (assignment left: (identifier) @name))))
    """,
    references="""
        (call function: [(identifier) @name (attribute attribute: (identifier) @name)])
        (class_definition superclasses: (argument_list [(identifier) @name (attribute attribute: (identifier) @name)]))
        (decorator [(identifier) @name (attribute attribute: (identifier) @name)])
        (type [(identifier) @name (attribute attribute: (identifier) @name)])
        (type (binary_operator [(identifier) @name (attribute attribute: (identifier) @name)]))
        (type (binary_operator (binary_operator [(identifier) @name (attribute attribute: (identifier) @name)])))
        (generic_type (identifier) @name)
        (union_type (type (identifier) @name))
        (except_clause [(identifier) @name (attribute attribute: (identifier) @name)])
        (except_clause (as_pattern [(identifier) @name (attribute attribute: (identifier) @name)]))
        (except_clause (tuple [(identifier) @name (attribute attribute: (identifier) @name)]))
        (except_clause (as_pattern (tuple [(identifier) @name (attribute attribute: (identifier) @name)])))
        (raise_statement [(identifier) @name (attribute attribute: (identifier) @name)])
    """,
    imports="""
        (import_statement name: (dotted_name) @module)
        (import_statement name: (aliased_import name: (dotted_name) @module alias: (identifier) @alias))
        (import_from_statement module_name: (_) @module name: (dotted_name) @name)
        (import_from_statement
            module_name: (_) @module name: (aliased_import name: (dotted_name) @name alias: (identifier) @alias))
        (import_from_statement module_name: (_) @module (wildcard_import) @name)
    """,
    blocks=INDENTED,
    scanner=_SCANNER,
    # It looks past comments and joined lines for the next indentation, and does so again from each of them.
    slow=re.compile(rb"(?:^[ \t\f]*+(?:#[^\n]*+)?\\?\r?\n)++", re.MULTILINE),
)
