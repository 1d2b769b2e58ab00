"""What the surroundings of a cursor use that other files define: from the uses there, by the names of the workspace.

In the order in which it is wanted: bases of the class around, what the function around uses, what is used near by, what
is imported besides. Knows names and bytes; no tokens, no texts of other files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hirope_ls.names import Names, resolve
from hirope_ls.syntax import Unit
from hirope_ls.syntax.symbols import EVERYTHING, UNKNOWN, FileSymbols, Reference

_NEAR = 2_000  # bytes each side of the cursor
_CERTAIN = ("object", "import", "type", "scope")


class Want(NamedTuple):
    """Definition number `at` of the file at `path`; `member` is what is used of it, where it is a class."""

    path: str
    at: int
    member: str
    why: str
    rank: int


def wants(names: Names, path: str, symbols: FileSymbols, unit: Unit, offset: int) -> list[Want]:
    """What is wanted in the file at `path` with the cursor at byte `offset`, in `unit`; best first, each once.

    What the file itself defines is left out, and what may be one of several.
    """
    found: dict[tuple[str, int, str], Want] = {}
    for rank, what, use in sorted(_uses(symbols, unit, offset), key=lambda one: one[0]):
        for candidate in resolve(names, path, symbols, use):
            if candidate.path == path or candidate.evidence == "ambiguous":
                continue
            why = what if candidate.evidence in _CERTAIN else f"{what}; the only one of its name"
            more = rank if candidate.evidence in _CERTAIN else rank + 2
            want = _of(names, candidate.path, candidate.at, f"{use.name}: {why}", more)
            key = want.path, want.at, want.member
            if key not in found or found[key].rank > more:
                found[key] = want
    return sorted(found.values(), key=lambda want: want.rank)


def _of(names: Names, path: str, index: int, why: str, rank: int) -> Want:
    """The definition, or the class that it is a member of."""
    symbols = names.symbols(path)
    assert symbols is not None
    outer = symbols.enclosing_class(symbols.definitions[index].parent)
    member = symbols.definitions[index].name if outer >= 0 else ""
    return Want(path, outer if outer >= 0 else index, member, why, rank)


def _uses(symbols: FileSymbols, unit: Unit, offset: int) -> Iterator[tuple[int, str, Reference]]:
    """(rank, what it is, the use) of what stands round the cursor."""
    owner = _class_around(symbols, unit)
    used: set[str] = set()
    for one in symbols.references:
        used.add((one.receiver or one.name).partition(".")[0])
        inside = unit.kind == "function" and unit.start <= one.start < unit.end
        if one.kind == "base" and one.scope == owner >= 0:
            yield 0, "base of the class here", one
        elif inside:
            yield 1, "used in the function here" if one.kind == "call" else "type in the function here", one
        elif abs(one.start - offset) <= _NEAR:
            yield 2, "used near by", one
        if inside or abs(one.start - offset) <= _NEAR:
            yield from _behind(one, 1 if inside else 2)
    for held in symbols.definitions:
        if held.parent == owner >= 0 and held.kind == "field" and held.type:
            yield 2, "type of a field here", _named(held.type, held.start, owner)
    for brought in symbols.imports:
        if brought.name != EVERYTHING and brought.called not in used:
            yield 3, "imported", Reference(brought.called, "", brought.start, "call")


def _behind(one: Reference, rank: int) -> Iterator[tuple[int, str, Reference]]:
    """The class of the variable that something is asked of, whatever that is."""
    if one.receiver and one.hint not in ("", UNKNOWN):
        yield rank, "class of a variable here", _named(one.hint, one.start, one.scope)


def _named(type: str, start: int, scope: int) -> Reference:
    receiver, _, name = type.removesuffix("()").split("[")[0].split("|")[0].rpartition(".")
    return Reference(name, receiver, start, "type", scope)


def _class_around(symbols: FileSymbols, unit: Unit) -> int:
    """The class that the unit is in, or a part of; -1 if there is none."""
    for index in range(len(symbols.definitions) - 1, -1, -1):
        one = symbols.definitions[index]
        if one.kind == "class" and one.start < unit.end and f"{unit.name}.".startswith(f"{symbols.dotted(index)}."):
            return index
    return -1
