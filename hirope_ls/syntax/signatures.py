"""What a call of a function may name: its name and its parameters' names, from the function's own bytes.

Knows one unit at a time; what a name means is not known here.
"""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from hirope_ls.syntax.languages import Language
from hirope_ls.syntax.naming import definition_in, name_node
from hirope_ls.syntax.parsing import parse_piece


class Signature(NamedTuple):
    """A function's name, the parameters that a call can name, and the offset at which its definition starts.

    Decorators and comments stand before `start`; receivers (`self`) are no parameters, nor are `*args` and `**kwargs`.
    """

    name: str
    parameters: tuple[str, ...]
    start: int


def signature(language: Language | None, unit: bytes) -> Signature | None:
    """The signature of the function that `unit` is; None if it is none, or broken."""
    tree = parse_piece(language, unit) if language else None
    if language is None or tree is None or tree.root_node.has_error:
        return None
    found = [inner for node in tree.root_node.named_children if (inner := definition_in(language, node))]
    if len(found) != 1 or found[0].definition.type not in language.functions:
        return None
    function, named = found[0]
    name, held = name_node(language, named), function.child_by_field_name(language.parameters_field)
    if name is None or held is None:
        return None
    return Signature(_text(name), tuple(_parameters(language, held)), function.start_byte)


def _parameters(language: Language, held: Node) -> list[str]:
    names: list[str] = []
    for node in held.named_children:
        if node.type in language.nameless:
            names.clear()
        elif node.type in language.parameters:
            name = _name(language, node)
            names += [name] if name and name not in language.receivers else []
    return names


def _name(language: Language, parameter: Node) -> str:
    """The name, "" where what comes first is none, as in `*args: int`."""
    if parameter.type in language.names:
        return _text(parameter)
    where = language.parameters[parameter.type]
    inner = parameter.child_by_field_name(where) if where else parameter.named_children[0]
    return _text(inner) if inner is not None and inner.type in language.names else ""


def _text(node: Node) -> str:
    return (node.text or b"").decode()
