"""Chooses what a prompt shows of other files, within a budget of tokens.

Meant for the background: it parses nothing but the file itself, yet it encodes every part. Chosen anew from what was
chosen before, it keeps the order, so that the model's cache loses little; and what stands in the file's own text is
never chosen. What is wanted and why: engine/wants.py; how it is shown: engine/excerpts.py.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np

from hirope_ls.engine.context import Context, Part, Shown, ordered, shown_path
from hirope_ls.engine.excerpts import excerpt, header, outline, stands
from hirope_ls.engine.limits import Limits
from hirope_ls.engine.question import Recipe
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.engine.wants import Want, wants
from hirope_ls.names import Names
from hirope_ls.syntax import Unit
from hirope_ls.syntax.extracting import symbols_of
from hirope_ls.syntax.symbols import FileSymbols

_LARGEST_PART = 384  # tokens; and never more than a unit may have
_DENSE = 2  # bytes a token, where code has few: so that a class that is cut to fit does fit
_SLACK = 16  # units that the file may gain until a context of many parts takes room from it
_FRESH = 0.75  # of the budget is filled at first, so that what is wanted later can be added behind
_SIBLINGS = 4
_PLACES = 6


class Place(NamedTuple):
    """Where somebody was at work: a byte of the file at `path`, the latest first wherever there are several."""

    path: str
    offset: int
    what: Literal["edited", "visited"]


class Texts(Protocol):
    """What the files of the workspace say; None for one that may not be read, or is gone."""

    def __call__(self, path: str) -> bytes | None: ...


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A workspace as the choice sees it. Paths as in `names`; `root` is left off where they are shown."""

    names: Names
    texts: Texts
    places: Sequence[Place] = ()
    root: str = ""

    def shown(self, path: str) -> str:
        """A path for people and models."""
        return shown_path(path, self.root)


def choose(
    snapshot: Snapshot, path: str, offset: int, around: Surroundings, recipe: Recipe, before: Context | None = None
) -> Context | None:
    """What is to be shown in prompts for the file at `path` with the cursor near byte `offset`; None for nothing.

    `before`: what was chosen for this file last. It comes back itself where nothing is to be changed.
    """
    budget = recipe.options.context_budget(recipe.card.trained_length)
    if not snapshot.served or budget <= 0:
        return None
    choice = _Choice(snapshot, path, offset, around, recipe)
    old = before.parts if before is not None else ()
    parts = choice.renewed(old, budget) if old else choice.filled((), int(_FRESH * budget))
    if not parts:
        return None
    if before is not None and len(parts) == len(old) and all(a is b for a, b in zip(parts, old, strict=True)):
        return before
    room = max(1, recipe.max_units - len(snapshot.layout.starts) - _SLACK)
    return Context(tuple(parts), room if room < len(parts) else None, choice.ending())


class _Choice:
    """One choice in the making."""

    def __init__(self, snapshot: Snapshot, path: str, offset: int, around: Surroundings, recipe: Recipe) -> None:
        self.path, self.around, self.recipe = path, around, recipe
        self.data, self.language = snapshot.buffer.data, snapshot.language
        self.symbols, self.offset = symbols_of(snapshot.parse), offset
        self.unit = _unit_at(snapshot, offset)
        self.largest = min(_LARGEST_PART, Limits.of(recipe.card.trained_length).longest)
        self.most = _DENSE * self.largest

    def renewed(self, old: Sequence[Part], budget: int) -> list[Part]:
        """The old parts that still hold, with what is wanted now behind them; from nothing where that is too much."""
        wanted = list(self._candidates())
        held = [part for part in old if self._holds(part, wanted)]
        new = [one for one in wanted if not any(one.same_as(part.shown) for part in held)]
        most_wanted = self.filled((), int(_FRESH * budget), wanted)
        missing = [part for part in most_wanted if any(part.shown is one for one in new)]
        if sum(part.cost for part in [*held, *missing]) > budget:
            return ordered(most_wanted, old)
        return [*held, *missing]

    def filled(self, held: Sequence[Part], budget: int, wanted: Sequence[Shown] | None = None) -> list[Part]:
        """Parts for what is wanted, most wanted first, up to the budget; then in the order of change and of paths."""
        parts = list(held)
        left = budget - sum(part.cost for part in parts)
        chosen: list[tuple[int, Part]] = []
        for shown in self._candidates() if wanted is None else wanted:
            part = self._part(shown)
            if part.cost <= min(left, self.largest):
                left -= part.cost
                chosen.append((int(shown.why.startswith(("edited", "visited"))), part))
        chosen.sort(key=lambda one: (one[0], one[1].shown.path, one[1].shown.start))
        return [*parts, *(part for _, part in chosen)]

    def ending(self) -> np.ndarray[tuple[int], np.dtype[np.int32]] | None:
        """For models that were trained on repositories: the name of the file that is to be gone on with."""
        special = self.recipe.tokenizer.special
        if special.file_sep is None or self.recipe.card.fim_order == "context-spm":
            return None
        name = self.recipe.tokenizer.encode(f"{self.around.shown(self.path)}\n".encode()).ids
        return np.append(np.int32(special.file_sep), name).astype(np.int32)

    def _part(self, shown: Shown) -> Part:
        ids = self.recipe.tokenizer.encode(shown.text.encode()).ids
        mark = self.recipe.tokenizer.special.file_sep
        return Part(shown, ids if mark is None else np.append(np.int32(mark), ids).astype(np.int32))

    def _holds(self, part: Part, wanted: Sequence[Shown]) -> bool:
        """Whether what was shown is still what the file says."""
        if any(part.shown.same_as(one) for one in wanted):
            return True
        if any(part.shown.path == one.path and part.shown.name == one.name for one in wanted):
            return False  # it says something else now
        known, data = self._file(posixpath.join(self.around.root, part.shown.path))
        return known is not None and part.shown.source in data and not self._stands_here(part.shown.text)

    def _candidates(self) -> Iterator[Shown]:
        """What could be shown, most wanted first, no two of the same text."""
        seen: set[tuple[str, str]] = set()
        for shown in self._all():
            key = shown.path, shown.text
            if key not in seen and not self._stands_here(shown.text):
                seen.add(key)
                yield shown

    def _all(self) -> Iterator[Shown]:
        found = wants(self.around.names, self.path, self.symbols, self.unit, self.offset)
        taken: set[tuple[str, int]] = set()
        for want in found:
            if (want.path, want.at) not in taken:
                taken.add((want.path, want.at))
                members = frozenset(one.member for one in found if one[:2] == want[:2] and one.member)
                yield from self._definition(want, members)
        for place in self.around.places[:_PLACES]:
            if place.path != self.path:
                yield from self._place(place, taken)
        near = {path for path, _ in taken}
        for path in _siblings(self.around.names, self.path)[:_SIBLINGS]:
            if path not in near:
                yield from self._sibling(path)

    def _definition(self, want: Want, members: frozenset[str]) -> Iterator[Shown]:
        symbols, data = self._file(want.path)
        if symbols is not None and stands(symbols, want.at, data):
            text = excerpt(symbols, want.at, data, members, self.most)
            yield self._shown(want.path, symbols, data, want.at, want.why, text)

    def _place(self, place: Place, taken: set[tuple[str, int]]) -> Iterator[Shown]:
        symbols, data = self._file(place.path)
        for index, one in enumerate(symbols.definitions if symbols else ()):
            if one.parent < 0 and one.start <= place.offset <= one.end and (place.path, index) not in taken:
                assert symbols is not None
                if stands(symbols, index, data):
                    taken.add((place.path, index))
                    text = excerpt(symbols, index, data, frozenset(), self.most)
                    yield self._shown(place.path, symbols, data, index, f"{place.what} lately", text)

    def _sibling(self, path: str) -> Iterator[Shown]:
        symbols, data = self._file(path)
        text = outline(symbols, data, self.most) if symbols else ""
        if text and symbols:
            name = self.around.shown(path)
            whole = header(name, symbols.language) + text
            yield Shown(name, 0, len(data), "", "in the same folder", whole, source=data)

    def _shown(self, path: str, symbols: FileSymbols, data: bytes, index: int, why: str, text: str) -> Shown:
        one, name = symbols.definitions[index], self.around.shown(path)
        # An outline is nothing to copy from: raised wherever its class is named, it cost likelihood.
        defines = () if one.kind == "class" else (one.name,)
        whole = header(name, symbols.language) + text
        dotted, source = symbols.dotted(index), data[one.start : one.end]
        return Shown(name, one.start, one.end, dotted, why, whole, defines, source)

    def _file(self, path: str) -> tuple[FileSymbols | None, bytes]:
        symbols = self.around.names.symbols(path)
        data = self.around.texts(path) if symbols is not None else None
        return (None, b"") if data is None else (symbols, data)

    def _stands_here(self, text: str) -> bool:
        """Whether the file itself has the text, but for the header."""
        return text.partition("\n")[2].strip().encode() in self.data


def _unit_at(snapshot: Snapshot, offset: int) -> Unit:
    """The unit at a place; what is typed below a function belongs to it until it is something else."""
    units = snapshot.parse.units
    index = int(np.searchsorted(snapshot.parse.unit_starts, offset, side="right")) - 1
    return units[max(index, 0)] if units else Unit(0, 0, "module", "")


def _siblings(names: Names, path: str) -> list[str]:
    """Files of the same folder, those whose names begin alike first; tests stand beside what they test."""
    stem = posixpath.basename(path).partition(".")[0].removeprefix("test_")
    folder = posixpath.dirname(path)
    suffix = posixpath.splitext(path)[1]
    beside = [one for one in names if one != path and one.endswith(suffix) and posixpath.dirname(one) == folder]
    tested = [one for one in names if posixpath.basename(one) == stem + suffix and one != path] if stem else []
    others = sorted(beside, key=lambda one: (-len(posixpath.commonprefix([posixpath.basename(one), stem])), one))
    return list(dict.fromkeys([*sorted(tested), *others]))
