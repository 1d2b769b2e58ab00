"""Prompts put together from parts of sources, with their position ids: files one after another, units counted on.

Knows tokens and units; knows no model and no task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.joining import join
from hirope_ls.engine.limits import Limits
from hirope_ls.lab.eval.sources import Source
from hirope_ls.lab.methods import Units
from hirope_ls.model.tokens import TextTokenizer

Ints = NDArray[np.int64]

_EVEN = 64  # tokens of a unit where units are even


@dataclass(frozen=True)
class Part:
    """The tokens `first` .. `last` - 1 of a source. Raises ValueError where it has no such tokens."""

    source: Source
    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last <= len(self.source):
            raise ValueError(f"{self.source.name} has no tokens {self.first}..{self.last}")

    def __len__(self) -> int:
        return self.last - self.first


@dataclass(frozen=True)
class Prompt:
    """Parts in the order in which they are read."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, source: Source, first: int = 0, last: int | None = None) -> Prompt:
        """The tokens `first` .. `last` - 1 of one source; all of them if none is named."""
        return cls((Part(source, first, len(source) if last is None else last),))

    def __len__(self) -> int:
        """Tokens."""
        return sum(map(len, self.parts))

    def __add__(self, other: Prompt) -> Prompt:
        return Prompt(self.parts + other.parts)

    def last(self, count: int) -> Prompt:
        """The last `count` tokens. Raises ValueError if there are not as many."""
        if not 0 <= count <= len(self):
            raise ValueError(f"a prompt of {len(self)} tokens has no last {count}")
        kept: list[Part] = []
        for part in reversed(self.parts):
            taken = min(len(part), count)
            kept.append(Part(part.source, part.last - taken, part.last))
            count -= taken
        return Prompt(tuple(part for part in reversed(kept) if len(part)))

    @cached_property
    def ids(self) -> NDArray[np.int32]:
        """int32[n], the tokens."""
        return np.concatenate([np.empty(0, np.int32), *(p.source.tokens.ids[p.first : p.last] for p in self.parts)])

    @property
    def tokenizer(self) -> TextTokenizer:
        """That of its parts, of which there must be one."""
        return self.parts[0].source.tokenizer

    @cached_property
    def definitions(self) -> list[tuple[str, int]]:
        """(name, token) of the names that the prompt's text defines, in order; the token is where the name begins."""
        found, begin = list[tuple[str, int]](), 0
        for part in self.parts:
            defined = part.source.parse.definitions
            tokens = np.searchsorted(part.source.tokens.ends, [offset for offset, _ in defined], side="right")
            for (_, name), token in zip(defined, tokens.tolist(), strict=True):
                if part.first <= token < part.last:
                    found.append((name, begin + token - part.first))
            begin += len(part)
        return found

    def positions(self, units: Units) -> Ints:
        """int64[levels, n]: the index of the file where there are three levels, the unit's, the token's in its unit.

        Every part begins a unit, unless it goes on where the part before it ended; a part that begins inside a unit
        counts that unit's tokens from 0. Where several parts have more units than there may be, small ones are joined
        as in one file. Even units pay no heed to any of it.
        """
        if units.units == "even":
            return np.stack(np.divmod(np.arange(len(self)), _EVEN))
        runs = _runs(self.parts)
        found = _counted_on([_of_run(run, units) for run in runs])
        if len(runs) > 1:
            found = _within(found, units.limits(runs[0].source.trained_length))
        return found if units.levels == 2 else np.vstack((_files(runs), found))


def _runs(parts: Sequence[Part]) -> list[Part]:
    """The parts that are not empty, with those that go on from the one before joined to it."""
    runs: list[Part] = []
    for part in parts:
        if runs and runs[-1].source is part.source and runs[-1].last == part.first:
            runs[-1] = Part(part.source, runs[-1].first, part.last)
        elif len(part):
            runs.append(part)
    return runs


def _of_run(run: Part, units: Units) -> Ints:
    """int64[2, n], both levels from 0 on."""
    own = run.source.positions(units)[:, run.first : run.last].astype(np.int64)
    own[0] -= own[0, 0]
    own[1, own[0] == 0] -= own[1, 0]
    return own


def _counted_on(runs: Sequence[Ints]) -> Ints:
    unit = 0
    for own in runs:
        own[0] += unit
        unit = int(own[0, -1]) + 1
    return np.concatenate([np.empty((2, 0), np.int64), *runs], axis=1)


def _within(positions: Ints, limits: Limits) -> Ints:
    firsts = np.flatnonzero(positions[1] == 0)
    joins = join(firsts, positions.shape[1], limits, None)
    if not joins.smallest:
        return positions
    firsts = firsts[joins.kept[joins.smallest]]
    sizes = np.diff(firsts, append=positions.shape[1])
    return np.stack((np.repeat(np.arange(len(firsts)), sizes), np.arange(sizes.sum()) - np.repeat(firsts, sizes)))


def _files(runs: Sequence[Part]) -> Ints:
    """int64[n]: how often the source's name has changed before each token: made-up text may bear a file's name."""
    changes = [int(at > 0 and run.source.name != runs[at - 1].source.name) for at, run in enumerate(runs)]
    return np.repeat(np.cumsum(changes, dtype=np.int64), [len(run) for run in runs])
