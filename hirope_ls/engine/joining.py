"""Joins small blocks where there are more than the unit level has room for; after an edit only round the edit.

From the start, a block takes in the next ones until it has `smallest` tokens, but never more than `Limits.longest`;
`smallest` is the least of 0, 8, 16, 32 ... that gives few enough. Where a joined block ends depends on where it begins
and on the blocks less than `longest` tokens further on. So of a list from before an edit the start holds, and the rest
holds from the first block on that begins where one did. Pure arithmetic on borders in tokens.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.limits import Limits

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Joins:
    """How the blocks of one text were joined.

    `borders` int64[blocks + 1]: where the blocks begin in tokens, and where the last one ends; `kept`: for each value
    of `smallest` that was tried, the blocks that stay, by index; `smallest`: the one that was taken, 0 if none.
    """

    borders: Ints
    kept: dict[int, list[int]]
    smallest: int


def join(firsts: Ints, tokens: int, limits: Limits, before: Joins | None) -> Joins:
    """How blocks that begin at the tokens `firsts` are joined; `before`: of much the same blocks, or None."""
    borders = np.append(firsts, tokens)
    room, longest = limits.count, limits.longest
    kept: dict[int, list[int]] = {}
    smallest = 0
    if len(firsts) <= room:
        return Joins(borders, kept, smallest)
    sizes = np.sort(borders[1:] - borders[:-1])[::-1]
    known = _Known(before, borders, longest) if before else None
    plain = borders.tolist()
    while True:
        smallest = max(8, 2 * smallest)
        last_try = 2 * smallest > longest
        if last_try or not _surely_too_many(sizes, smallest, room):
            kept[smallest] = _join(plain, smallest, longest, known)
            if last_try or len(kept[smallest]) <= room:
                return Joins(borders, kept, smallest)


def _surely_too_many(sizes: Ints, smallest: int, room: int) -> bool:
    """Whether joining blocks of these sizes (descending) must leave more than `room`, told without joining them.

    A joined block ends with the first of its blocks that has `smallest` tokens, so each holds at most one of those;
    and before its last block it has fewer than `smallest`, so all the tokens but the `room` largest blocks' would have
    to fit into `room` times that.
    """
    return bool(sizes[room] >= smallest or sizes[room:].sum() > room * smallest)


class _Known:
    """What lists of blocks from before still hold for the blocks at `borders`."""

    def __init__(self, before: Joins, borders: Ints, longest: int) -> None:
        shorter = min(len(borders), len(before.borders))
        differ = np.flatnonzero(before.borders[:shorter] != borders[:shorter])
        same = int(differ[0]) if len(differ) else shorter
        # What begins before this token ends by borders that are the same.
        self.held = int(borders[same - 1]) - longest if same else 0
        shift = borders[-1] - before.borders[-1]
        differ = np.flatnonzero(before.borders[-shorter:] + shift != borders[-shorter:])
        self.moved = len(borders) - shorter + (int(differ[-1]) + 1 if len(differ) else 0)
        self.by = len(borders) - len(before.borders)
        self.before = before

    def begin(self, smallest: int) -> list[int]:
        """The first of the blocks that stay."""
        kept = self.before.kept.get(smallest)
        if not kept:
            return [0]
        return kept[: bisect_left(kept, self.held, key=self.before.borders.__getitem__) + 1]

    def rest(self, smallest: int, at: int) -> list[int] | None:
        """The blocks that stay from the block `at` on, if that can be told."""
        kept = self.before.kept.get(smallest)
        if not kept or at < self.moved:
            return None
        index = bisect_left(kept, at - self.by)
        if index == len(kept) or kept[index] != at - self.by:
            return None
        return [block + self.by for block in kept[index:]]


def _join(borders: list[int], smallest: int, longest: int, known: _Known | None) -> list[int]:
    """The blocks that stay, by index: each takes in the next ones until it has `smallest` tokens, up to `longest`."""
    kept = known.begin(smallest) if known else [0]
    at, count = kept.pop(), len(borders) - 1
    while at < count:
        rest = known.rest(smallest, at) if known else None
        if rest is not None:
            return kept + rest
        kept.append(at)
        after = bisect_left(borders, borders[at] + smallest, at + 1)
        if after > count or borders[after] - borders[at] > longest:
            after = max(bisect_right(borders, borders[at] + longest, at + 1) - 1, at + 1)
        at = after
    return kept
