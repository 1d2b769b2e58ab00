"""From units to blocks, the position units: what one step on the unit level is, for every token.

A unit longer than half the trained length is cut into blocks, at the starts of statements where there are any.
Where the blocks are more than the unit level has room for (trained length minus window, window = half of it), small
neighbours are joined: from the start, a block takes in the next ones until it has `smallest` tokens, but never more
than half the trained length; `smallest` is the least of 0, 8, 16, 32 ... that gives few enough. So a block's index
depends on the text up to it alone, except when `smallest` changes or a unit comes to be longer than it may be.
No block is longer than half the trained length; a text of more than about a quarter of its square in tokens has more
blocks than there is room for. Empty blocks do not count. Pure arithmetic: knows no text, files or models.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.joining import Joins, join

Ints = NDArray[np.int64]


class Block(NamedTuple):
    """One position unit: the bytes `start..end`, the tokens `first..last`, and the unit it begins in.

    `unit` counts in the parse's units; `kind` and `name` are that unit's.
    """

    start: int
    end: int
    first: int
    last: int
    unit: int
    kind: str
    name: str


@dataclass(frozen=True, eq=False)
class Layout:
    """The blocks of one text as arrays: where each starts in bytes and in tokens, and the unit it begins in.

    `starts`, `firsts`, `units`: int64[blocks]; `tokens`: how many tokens there are; `smallest`: see above; `joins`:
    what the next layout of this text can go on from.
    """

    starts: Ints
    firsts: Ints
    units: Ints
    tokens: int
    smallest: int
    joins: Joins = field(repr=False)

    @cached_property
    def positions(self) -> NDArray[np.int32]:
        """int32[2, tokens]: the block's index, and the token's index inside the block; read-only."""
        sizes = _sizes(self.firsts, self.tokens)
        positions = np.empty((2, self.tokens), np.int32)
        positions[0] = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        positions[1] = np.arange(self.tokens, dtype=np.int32)
        positions[1] -= np.repeat(self.firsts.astype(np.int32), sizes)
        positions.flags.writeable = False
        return positions


CutUnit = Callable[[int, int, int], Sequence[int]]
"""(unit, first token, last token) -> the tokens after the first at which a long unit's further blocks begin."""


def first_tokens(ends: Ints, starts: Sequence[int]) -> Ints:
    """For each byte offset of `starts`, the first token that begins there or later; a token begins where one ends.

    So a token belongs to the unit in which its first byte lies.
    """
    at = np.asarray(starts, np.int64)
    return np.where(at > 0, np.minimum(np.searchsorted(ends, at, side="left") + 1, len(ends)), 0)


def layout(
    unit_starts: Sequence[int], ends: Ints, trained_length: int, cut: CutUnit | None, before: Layout | None = None
) -> Layout:
    """The blocks of a text with units at the byte offsets `unit_starts` and tokens that end at `ends` int64[n].

    `cut` is asked where to cut long units; without it they are cut evenly. `before`: a layout for the same trained
    length of much the same text; what it has in common with this one is not worked out again.
    """
    firsts = first_tokens(ends, unit_starts)
    sizes = _sizes(firsts, len(ends))
    starts = np.asarray(unit_starts, np.int64)
    units = np.arange(len(starts))
    where, extra = (
        _even_cuts(firsts, sizes, trained_length // 2)
        if cut is None
        else _cuts(firsts, sizes, trained_length // 2, cut)
    )
    if len(extra):
        at = where + 1
        starts = np.insert(starts, at, ends[extra - 1])
        firsts = np.insert(firsts, at, extra)
        units = np.insert(units, at, where)
    filled = _sizes(firsts, len(ends)) > 0
    starts, firsts, units = starts[filled], firsts[filled], units[filled]
    joins = join(firsts, len(ends), trained_length, before.joins if before else None)
    if joins.smallest:
        kept = joins.kept[joins.smallest]
        starts, firsts, units = starts[kept], firsts[kept], units[kept]
    return Layout(starts, firsts, units, len(ends), joins.smallest, joins)


def _sizes(firsts: Ints, tokens: int) -> Ints:
    """How many tokens each has of what begins at the tokens `firsts`."""
    sizes = np.empty_like(firsts)
    np.subtract(firsts[1:], firsts[:-1], out=sizes[:-1])
    if len(sizes):
        sizes[-1] = tokens - firsts[-1]
    return sizes


def _cuts(firsts: Ints, sizes: Ints, longest: int, cut: CutUnit) -> tuple[Ints, Ints]:
    where: list[int] = []
    extra: list[int] = []
    for unit in np.flatnonzero(sizes > longest).tolist():
        cuts = cut(unit, int(firsts[unit]), int(firsts[unit] + sizes[unit]))
        extra += cuts
        where += [unit] * len(cuts)
    return np.asarray(where, np.int64), np.asarray(extra, np.int64)


def _even_cuts(firsts: Ints, sizes: Ints, longest: int) -> tuple[Ints, Ints]:
    counts = np.maximum(sizes - 1, 0) // longest
    where = np.repeat(np.arange(len(firsts)), counts)
    nth = np.arange(1, len(where) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
    return where, firsts[where] + longest * nth


def cut_points(statements: Ints, begin: int, ends: Ints, longest: int) -> list[int]:
    """Where a unit of more than `longest` tokens is cut: at the last statement that fits, else after `longest`.

    `statements`: where statements start, `begin`: where the unit's first token begins, `ends`: where its tokens end,
    all in bytes from one same place; the result counts tokens from the unit's first.
    """
    # The first token that begins at a statement or later: a token begins where the one before it ends.
    begins = np.searchsorted(np.concatenate(([begin], ends)), statements, side="left").tolist()
    points: list[int] = []
    at = 0
    while len(ends) - at > longest:
        index = bisect_right(begins, at + longest) - 1
        fits = index >= 0 and begins[index] > at
        at = begins[index] if fits else at + longest
        points.append(at)
    return points
