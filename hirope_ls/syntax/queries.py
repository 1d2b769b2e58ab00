"""What a language's trees tell of the meaning of names, beyond what its row in `languages` says of names themselves.

A language without a row here has references without receivers, and no local variables. tree-sitter queries:

references  a use of a name: the capture `call`, `type` or `base`, with `receiver` in the same match if there is one.
bindings    a name that is local to the function around it: `bound`; or a field that a method gives its object:
            `object` and `field`; with what is evident of the value: `type`, an annotation, `made`, what is called to
            make it, or `same`, another name.
returns     the field of a function's node with the type of its result. body: that of its body.
builtins    names that need neither definition nor import, and methods of builtin types: no evidence of anything.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Queries:
    """One row; the module's docstring says what its fields are."""

    references: str = ""
    bindings: str = ""
    returns: str = "return_type"
    body: str = "body"
    builtins: frozenset[str] = field(default=frozenset(), repr=False)


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
    builtins=frozenset([*dir(builtins), *(name for one in _BUILTIN_TYPES for name in dir(one)), *_LIBRARY]),
)

QUERIES: dict[str, Queries] = {"python": PYTHON}
"""By the name of the language."""
