"""What a language's trees tell of the meaning of names, beyond what its row says of names themselves.

A language without a row here has references without receivers, and no local variables. tree-sitter queries:

references  a use of a name: the capture `call`, `type` or `base`, with `receiver` in the same match if there is one.
bindings    a name that is local to the function around it: `bound`; or a field that a method gives its object:
            `object` and `field`; with what is evident of the value: `type`, an annotation, `made`, what is called to
            make it, or `same`, another name. `member`: a parameter that is a field of its object, too.
inner       functions inside functions that the row does not tell as definitions: `name`.
exports     other names for what the file defines: `name`, and `alias`, or `default` for what it exports by default.
values      a name that is used in some other way: `attribute` with its `receiver`; `label`, one that names no value.
plain       kinds of names that stand for a value by themselves.
returns     the field of a function's node with the type of its result. body: that of its body.
paths       whether modules are named by paths; then an alias without a name is what the module exports by default.
builtins    names that need neither definition nor import, and methods of builtin types: no evidence of anything.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Queries:
    """One row; the module's docstring says what its fields are."""

    references: str = ""
    bindings: str = ""
    exports: str = ""
    inner: str = ""
    returns: str = "return_type"
    body: str = "body"
    paths: bool = False
    builtins: frozenset[str] = field(default=frozenset(), repr=False)
    values: str = ""
    plain: frozenset[str] = frozenset({"identifier"})


_BUILTIN_TYPES = (str, bytes, bytearray, list, tuple, dict, set, frozenset, int, float, object, type, BaseException)
_LIBRARY = frozenset(
    {
        *("read", "write", "close", "flush", "seek", "readline", "readlines", "writelines"),
        *("match", "search", "sub", "fullmatch", "finditer", "findall", "group", "groups", "start", "end", "span"),
    }
)

PYTHON = Queries(
    references="""
        (call function: (identifier) @call)
        (call function: (attribute object: (_) @receiver attribute: (identifier) @call))
        (decorator (identifier) @call)
        (decorator (attribute object: (_) @receiver attribute: (identifier) @call))
        (type (identifier) @type)
        (type (attribute object: (_) @receiver attribute: (identifier) @type))
        (generic_type (identifier) @type)
        (class_definition superclasses: (argument_list (identifier) @base))
        (class_definition superclasses: (argument_list
            (attribute object: (_) @receiver attribute: (identifier) @base)))
        (class_definition superclasses: (argument_list (subscript value: (identifier) @base)))
        (class_definition superclasses: (argument_list
            (subscript value: (attribute object: (_) @receiver attribute: (identifier) @base))))
    """,
    bindings="""
        (parameters (identifier) @bound)
        (parameters (typed_parameter . (identifier) @bound type: (type) @type))
        (parameters (typed_default_parameter name: (identifier) @bound type: (type) @type))
        (parameters (default_parameter name: (identifier) @bound))
        (parameters (_ (list_splat_pattern (identifier) @bound)))
        (parameters (_ (dictionary_splat_pattern (identifier) @bound)))
        (list_splat_pattern (identifier) @bound)
        (dictionary_splat_pattern (identifier) @bound)
        (lambda_parameters (identifier) @bound)
        (lambda_parameters (default_parameter name: (identifier) @bound))
        (assignment left: (identifier) @bound)
        (assignment left: (identifier) @bound type: (type) @type)
        (assignment left: (identifier) @bound right: (call function: [(identifier) (attribute)] @made))
        (named_expression name: (identifier) @bound)
        (named_expression name: (identifier) @bound value: (call function: [(identifier) (attribute)] @made))
        (pattern_list (identifier) @bound)
        (tuple_pattern (identifier) @bound)
        (for_statement left: (identifier) @bound)
        (for_in_clause left: (identifier) @bound)
        (as_pattern alias: (as_pattern_target (identifier) @bound))
        (with_item value: (as_pattern (call function: [(identifier) (attribute)] @made)
            alias: (as_pattern_target (identifier) @bound)))
        (except_clause value: (as_pattern [(identifier) (attribute)] @type
            alias: (as_pattern_target (identifier) @bound)))
        (assignment left: (attribute object: (identifier) @object attribute: (identifier) @field))
        (assignment left: (attribute object: (identifier) @object attribute: (identifier) @field) type: (type) @type)
        (assignment left: (attribute object: (identifier) @object attribute: (identifier) @field)
            right: (call function: [(identifier) (attribute)] @made))
        (assignment left: (attribute object: (identifier) @object attribute: (identifier) @field)
            right: (identifier) @same)
    """,
    values="""
        (attribute object: (_) @receiver attribute: (identifier) @attribute)
        (keyword_argument name: (identifier) @label)
        (import_statement (_ (identifier) @label))
        (import_from_statement (_ (identifier) @label))
    """,
    builtins=frozenset([*dir(builtins), *(name for one in _BUILTIN_TYPES for name in dir(one)), *_LIBRARY]),
)

_VALUE = "[(identifier) (member_expression)] @made"
_MADE = f"""[
    (new_expression constructor: {_VALUE})
    (call_expression function: {_VALUE})
    (await_expression (call_expression function: {_VALUE}))
    (await_expression (new_expression constructor: {_VALUE}))
]"""
_CALLS = """
    (call_expression function: (identifier) @call)
    (call_expression function: (member_expression object: (_) @receiver property: (property_identifier) @call))
    (new_expression constructor: (identifier) @call)
    (new_expression constructor: (member_expression object: (_) @receiver property: (property_identifier) @call))
    (decorator (identifier) @call)
"""
_MARKUP = """
    (jsx_opening_element name: (identifier) @call)
    (jsx_self_closing_element name: (identifier) @call)
"""
_TYPES = """
    (extends_clause value: (identifier) @base)
    (extends_clause value: (member_expression object: (_) @receiver property: (property_identifier) @base))
    (extends_type_clause (type_identifier) @base)
    (implements_clause (type_identifier) @type)
    (type_annotation (type_identifier) @type)
    (generic_type name: (type_identifier) @type)
    (type_arguments (type_identifier) @type)
    (union_type (type_identifier) @type)
    (intersection_type (type_identifier) @type)
    (array_type (type_identifier) @type)
    (as_expression (type_identifier) @type)
"""
_LOCALS = f"""
    (variable_declarator name: (identifier) @bound)
    (variable_declarator name: (identifier) @bound value: {_MADE})
    (arrow_function parameter: (identifier) @bound)
    (catch_clause parameter: (identifier) @bound)
    (for_in_statement left: (identifier) @bound)
    (shorthand_property_identifier_pattern) @bound
    (pair_pattern value: (identifier) @bound)
    (array_pattern (identifier) @bound)
    (rest_pattern (identifier) @bound)
    (assignment_expression left: (member_expression object: (this) @object property: (property_identifier) @field))
    (assignment_expression left: (member_expression object: (this) @object property: (property_identifier) @field)
        right: {_MADE})
    (assignment_expression left: (member_expression object: (this) @object property: (property_identifier) @field)
        right: (identifier) @same)
"""
_PLAIN_LOCALS = f"""
    (formal_parameters (identifier) @bound)
    (formal_parameters (assignment_pattern left: (identifier) @bound))
    (field_definition property: (property_identifier) @bound value: {_MADE})
"""
_TYPED_LOCALS = f"""
    (required_parameter pattern: (identifier) @bound)
    (required_parameter pattern: (identifier) @bound type: (type_annotation) @type)
    (optional_parameter pattern: (identifier) @bound)
    (optional_parameter pattern: (identifier) @bound type: (type_annotation) @type)
    (required_parameter (accessibility_modifier) pattern: (identifier) @member type: (type_annotation) @type)
    (variable_declarator name: (identifier) @bound type: (type_annotation) @type)
    (public_field_definition name: (property_identifier) @bound type: (type_annotation) @type)
    (public_field_definition name: (property_identifier) @bound value: {_MADE})
    (property_signature name: (property_identifier) @bound type: (type_annotation) @type)
"""
_FUNCTION = "value: [(arrow_function) (function_expression)]"
_INNER = f"""
    (statement_block (lexical_declaration (variable_declarator name: (identifier) @name {_FUNCTION})))
    (statement_block (variable_declaration (variable_declarator name: (identifier) @name {_FUNCTION})))
"""
_EXPORTS = """
    (export_statement "default" declaration: (_ name: (_) @default))
    (export_statement "default" value: (identifier) @default)
    (export_statement (export_clause (export_specifier name: (identifier) @default alias: (identifier) @_default))
        !source (#eq? @_default "default"))
    (export_statement (export_clause (export_specifier name: (identifier) @name alias: (identifier) @alias)) !source)
"""
_VALUES = """
    (member_expression object: (_) @receiver property: (property_identifier) @attribute)
    (labeled_statement label: (_) @label)
"""
_PLAIN = frozenset({"identifier", "type_identifier", "shorthand_property_identifier"})
_SCRIPT_BUILTINS = frozenset(
    {
        *("require", "parseInt", "parseFloat", "isNaN", "fetch", "setTimeout", "clearTimeout", "setInterval", "String"),
        *("Number", "Boolean", "Object", "Array", "Map", "Set", "WeakMap", "Promise", "Error", "TypeError", "Date"),
        *("RegExp", "Symbol", "BigInt", "URL", "Proxy", "push", "pop", "shift", "unshift", "slice", "splice", "map"),
        *("filter", "reduce", "forEach", "find", "findIndex", "some", "every", "includes", "indexOf", "join", "concat"),
        *("flat", "flatMap", "sort", "reverse", "keys", "values", "entries", "get", "set", "has", "add", "delete"),
        *("clear", "split", "replace", "replaceAll", "trim", "startsWith", "endsWith", "toString", "toLowerCase"),
        *("toUpperCase", "substring", "charAt", "charCodeAt", "padStart", "repeat", "match", "test", "exec", "then"),
        *("catch", "finally", "resolve", "reject", "all", "assign", "freeze", "create", "defineProperty", "isArray"),
        *("from", "of", "stringify", "parse", "log", "warn", "error", "on", "once", "off", "emit", "call", "apply"),
        *("bind", "addEventListener", "removeEventListener", "next", "return", "throw", "constructor", "at", "fill"),
        *("hasOwnProperty", "getOwnPropertyNames", "floor", "max", "min", "round", "now", "write", "end", "read"),
    }
)

JAVASCRIPT = Queries(
    references=_CALLS
    + _MARKUP
    + """
    (class_heritage (identifier) @base)
    (class_heritage (member_expression object: (_) @receiver property: (property_identifier) @base))
    """,
    bindings=_LOCALS + _PLAIN_LOCALS,
    exports=_EXPORTS,
    inner=_INNER,
    paths=True,
    builtins=_SCRIPT_BUILTINS,
    values=_VALUES,
    plain=_PLAIN,
)
TYPESCRIPT = Queries(
    _CALLS + _TYPES,
    _LOCALS + _TYPED_LOCALS,
    _EXPORTS,
    _INNER,
    paths=True,
    builtins=_SCRIPT_BUILTINS,
    values=_VALUES,
    plain=_PLAIN,
)
TSX = replace(TYPESCRIPT, references=_CALLS + _MARKUP + _TYPES)

QUERIES: dict[str, Queries] = {"python": PYTHON, "javascript": JAVASCRIPT, "typescript": TYPESCRIPT, "tsx": TSX}
"""By the name of the language."""
