"""The facts about one definition: what it says of itself, what is in it, what it calls and who calls it.

All of it from trees; what is told by a name alone is marked so. Knows no markup.
"""

from __future__ import annotations

from dataclasses import dataclass

from hirope_ls.engine.explain.calls import Call, Uses, called_by, calls_of
from hirope_ls.engine.explain.view import File, View
from hirope_ls.names import Candidate, Evidence, resolve
from hirope_ls.syntax.declared import Declared, declared, name_start
from hirope_ls.syntax.symbols import Definition, Reference
from hirope_ls.text import Encoding

SCREEN = 40
"""Lines from which on a definition of the same file is out of sight."""


@dataclass(frozen=True)
class Spot:
    """A place in a file: line and column from 0, the column in characters."""

    path: str
    line: int
    column: int = 0


@dataclass(frozen=True)
class Member:
    """A member of a class, or a base of one: `spot` is None where it is not in the workspace."""

    name: str
    kind: str
    signature: str
    spot: Spot | None


@dataclass(frozen=True)
class Facts:
    """See above. kind: "function", "nested function", "method", "property", "class", ...

    name: with the classes around it. language: the row's name. end: the last line of it. also: other definitions of
    that name in the same place, as overloads and setters are. evidence: why this one is what is meant.
    out_of_sight: whether it is in another file, or farther from where it was asked for than a screen. lines_away: how
    many lines below the place asked from (above where negative), in the same file.
    """

    name: str
    kind: str
    language: str
    signature: str
    decorators: tuple[str, ...]
    documentation: str
    spot: Spot
    end: int
    evidence: Evidence
    also: tuple[Member, ...]
    bases: tuple[Member, ...]
    members: tuple[Member, ...]
    num_members: int
    calls: tuple[Call, ...]
    num_calls: int
    callers: Uses
    out_of_sight: bool
    lines_away: int | None


def facts_about(view: View, candidate: Candidate, offset: int, screen: int = SCREEN) -> Facts | None:
    """The facts about what a name at byte `offset` may mean; None where the file does not say so any more."""
    file = view.file(candidate.path)
    at = None if file is None else standing(file, candidate)
    if file is None or at is None:
        return None
    symbols, bounds = file.symbols, view.bounds
    one = symbols.definitions[at]
    said = declared(file.parse, file.buffer.data, one)
    spot = spot_of(file, one)
    away = spot.line - view.buffer.line_of(offset) if file.path == view.path else None
    inside = [index for index, other in enumerate(symbols.definitions) if other.parent == at]
    members = [index for index in inside if one.kind == "class"]
    calls = calls_of(view, file, at) if one.kind == "function" else ()
    return Facts(
        symbols.dotted(at),
        _kind(file, at, said),
        symbols.language,
        said.signature,
        said.decorators,
        said.documentation,
        spot,
        file.buffer.line_of(max(one.end - 1, one.start)),
        candidate.evidence,
        tuple(_member(file, other) for other in _others(file, at))[: bounds.shown],
        tuple(_base(view, file, at, base) for base in one.bases),
        tuple(_member(file, index) for index in members[: bounds.shown]),
        len(members),
        calls[: bounds.shown],
        len(calls),
        called_by(view, file, at),
        away is None or abs(away) > screen,
        away,
    )


def standing(file: File, candidate: Candidate) -> int | None:
    """The index that a candidate has in its file as that is now."""
    definitions, wanted = file.symbols.definitions, candidate.definition
    if candidate.at < len(definitions) and definitions[candidate.at][:3] == wanted[:3]:
        return candidate.at
    fits = (
        at for at, one in enumerate(definitions) if one[:2] == wanted[:2] and (one.parent < 0) == (wanted.parent < 0)
    )
    return next(fits, None)


def spot_of(file: File, one: Definition) -> Spot:
    """Where the name of a definition stands."""
    at = name_start(file.parse, one)
    return Spot(file.path, *file.buffer.position(one.start if at is None else at, Encoding.UTF32))


def _others(file: File, at: int) -> list[int]:
    mine = file.symbols.definitions[at]
    return [
        index
        for index, one in enumerate(file.symbols.definitions)
        if index != at and (one.name, one.parent) == (mine.name, mine.parent) and one.kind in ("function", "class")
    ]


def _member(file: File, at: int) -> Member:
    one = file.symbols.definitions[at]
    said = declared(file.parse, file.buffer.data, one)
    return Member(one.name, _kind(file, at, said), said.signature, spot_of(file, one))


def _base(view: View, file: File, at: int, dotted: str) -> Member:
    receiver, _, name = dotted.rpartition(".")
    one = file.symbols.definitions[at]
    found = resolve(view.names, file.path, file.symbols, Reference(name, receiver, one.start, "base", one.parent))
    sure = [other for other in found if other.evidence in ("scope", "import", "type", "object")]
    held = view.file(sure[0].path) if sure else None
    index = standing(held, sure[0]) if held else None
    spot = spot_of(held, held.symbols.definitions[index]) if held and index is not None else None
    return Member(dotted, "class", dotted, spot)


def kind_of(file: File, at: int) -> str:
    """What definition number `at` is, as `Facts` have it."""
    return _kind(file, at, declared(file.parse, file.buffer.data, file.symbols.definitions[at]))


def _kind(file: File, at: int, said: Declared) -> str:
    one = file.symbols.definitions[at]
    if one.kind != "function" or one.parent < 0:
        return one.kind
    if file.symbols.definitions[one.parent].kind == "class":
        return said.kind or "method"
    return "nested function"
