"""Which function or class a node is, decorates, exports or binds to a name, and what it is called. No recursion.

Knows nodes and the row of their language; no units, no pieces.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tree_sitter import Node

from hirope_ls.syntax.languages import Language

_LONGEST = 200  # bytes of a name that are looked at
_DEEPEST = 12  # steps from a definition to its name
_PARAMETERS_OF_TYPES = re.compile(r"(?<!operator)<[^()]*?>(?=::|[.:]|\Z)")


class Found(NamedTuple):
    """A definition, and the outermost node that gives it a name: itself, or what it is assigned to."""

    definition: Node
    named: Node


def definition_in(language: Language, node: Node) -> Found | None:
    """The function or class that `node` is, or that it wraps as the only one."""
    named: Node | None = None
    inner: Node | None = node
    while inner is not None and not _defines(language, inner):
        field = language.wrappers.get(inner.type)
        if field is None:
            return None
        if named is None and _holder(language, inner) is not None:
            named = inner
        inner = inner.child_by_field_name(field) if field else _wrapped(language, inner)
    return None if inner is None else Found(inner, named or inner)


def name_node(language: Language, named: Node) -> Node | None:
    """The node with the name of something that has one."""
    found = _holder(language, named)
    for _ in range(_DEEPEST):
        if found is None or found.type in language.names:
            return found
        found = _holder(language, found) or (found.named_children[0] if found.named_child_count == 1 else None)
    return None


def name_of(language: Language, named: Node) -> str:
    """The name, dotted where it is said of what it is a part; "" if there is none."""
    node = name_node(language, named) or _holder(language, named)
    text = (node.text or b"")[:_LONGEST].decode(errors="ignore") if node else ""
    text = _PARAMETERS_OF_TYPES.sub("", "".join(text.split()) if "\n" in text or " " in text else text)
    return text.partition("(")[0].replace("::", ".").replace(":", ".")


def _defines(language: Language, node: Node) -> bool:
    if node.type in language.functions:
        return node.is_named
    if node.type not in language.classes or not node.is_named:  # a keyword may be called as what it begins
        return False
    return not language.body_field or node.child_by_field_name(language.body_field) is not None


def _wrapped(language: Language, node: Node) -> Node | None:
    known = [
        child
        for child in node.named_children
        if child.type in language.functions or child.type in language.classes or child.type in language.wrappers
    ]
    return known[0] if len(known) == 1 else None


def _holder(language: Language, node: Node) -> Node | None:
    """What holds the name of `node`: by field, or by its kind."""
    for where in language.name_fields:
        inner = node.child_by_field_name(where)
        if inner is not None:
            return inner
    return next((child for child in node.named_children if child.type in language.name_kinds), None)
