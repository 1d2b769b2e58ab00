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

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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

    `starts`, `firsts`, `units`: int64[blocks]; `tokens`: how many tokens there are; `smallest`: see above.
    """

    starts: Ints
    firsts: Ints
    units: Ints
    tokens: int
    smallest: int

    @cached_property
    def positions(self) -> NDArray[np.int32]:
        """int32[2, tokens]: the block's index, and the token's index inside the block; read-only."""
        sizes = np.diff(self.firsts, append=self.tokens)
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


def layout(unit_starts: Sequence[int], ends: Ints, trained_length: int, cut: CutUnit) -> Layout:
    """The blocks of a text with units at the byte offsets `unit_starts` and tokens that end at `ends` int64[n]."""
    longest = trained_length // 2
    firsts = first_tokens(ends, unit_starts)
    sizes = np.diff(firsts, append=len(ends))
    starts = np.asarray(unit_starts, np.int64)
    units = np.arange(len(starts))
    where: list[int] = []
    extra: list[int] = []
    for unit in np.flatnonzero(sizes > longest).tolist():
        cuts = cut(unit, int(firsts[unit]), int(firsts[unit] + sizes[unit]))
        extra += cuts
        where += [unit] * len(cuts)
    if extra:
        at = np.asarray(where) + 1
        tokens = np.asarray(extra, np.int64)
        starts = np.insert(starts, at, ends[tokens - 1])
        firsts = np.insert(firsts, at, tokens)
        units = np.insert(units, at, where)
    filled = np.diff(firsts, append=len(ends)) > 0
    return _joined(starts[filled], firsts[filled], units[filled], len(ends), trained_length)


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


def _joined(starts: Ints, firsts: Ints, units: Ints, tokens: int, trained_length: int) -> Layout:
    room = trained_length - trained_length // 2
    smallest = 0
    if len(starts) > room:
        borders = [*firsts.tolist(), tokens]
        sizes = np.sort(np.diff(firsts, append=tokens))[::-1]
        kept = None
        while kept is None:
            smallest = max(8, 2 * smallest)
            last_try = 2 * smallest > trained_length // 2
            if last_try or not _surely_too_many(sizes, smallest, room):
                kept = _join(borders, smallest, trained_length // 2, len(borders) if last_try else room)
        starts, firsts, units = starts[kept], firsts[kept], units[kept]
    return Layout(starts, firsts, units, tokens, smallest)


def _surely_too_many(sizes: Ints, smallest: int, room: int) -> bool:
    """Whether joining blocks of these sizes (descending) must leave more than `room`, told without joining them.

    A joined block ends with the first of its blocks that has `smallest` tokens, so each holds at most one of those;
    and before its last block it has fewer than `smallest`, so all the tokens but the `room` largest blocks' would have
    to fit into `room` times that.
    """
    return bool(sizes[room] >= smallest or sizes[room:].sum() > room * smallest)


def _join(borders: list[int], smallest: int, longest: int, room: int) -> list[int] | None:
    """The blocks that stay, by index: each takes in the next ones until it has `smallest` tokens, up to `longest`.

    None if they are more than `room`.
    """
    kept: list[int] = []
    at, count = 0, len(borders) - 1
    while at < count:
        if len(kept) == room:
            return None
        kept.append(at)
        after = bisect_left(borders, borders[at] + smallest, at + 1)
        if after > count or borders[after] - borders[at] > longest:
            after = max(bisect_right(borders, borders[at] + longest, at + 1) - 1, at + 1)
        at = after
    return kept
