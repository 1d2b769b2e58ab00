"""Joins small blocks where there are more than the unit level has room for; after an edit only round the edit.

From the start, a block takes in the next ones until it has `smallest` tokens, but never more than `Limits.longest`;
`smallest` is the least of 0, 8, 16, 32 ... that gives few enough. Where a joined block ends depends on where it begins
and on the blocks less than `longest` tokens further on. So of a list from before an edit the start holds, and the rest
holds from the first block on that begins where one did. Pure arithmetic on borders in tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.limits import Limits

Ints = NDArray[np.int64]

_AT_ONCE = 64  # blocks, at first


@dataclass(frozen=True, eq=False)
class Joins:
    """How the blocks of one text were joined.

    `borders` int64[blocks + 1]: where the blocks begin in tokens, and where the last one ends; `kept`: for each value
    of `smallest` that was tried, the blocks that stay, by index (int64); `smallest`: the one that was taken, 0 if none.
    """

    borders: Ints
    kept: dict[int, Ints]
    smallest: int


def join(firsts: Ints, tokens: int, limits: Limits, before: Joins | None) -> Joins:
    """How blocks that begin at the tokens `firsts` are joined; `before`: of much the same blocks, or None."""
    borders = np.append(firsts, tokens)
    room, longest = limits.count, limits.longest
    kept: dict[int, Ints] = {}
    smallest = 0
    if len(firsts) <= room:
        return Joins(borders, kept, smallest)
    # The `room` largest blocks come behind the others.
    sizes = np.partition(borders[1:] - borders[:-1], len(firsts) - 1 - room)
    largest, total = int(sizes[-1 - room]), int(sizes[: len(sizes) - room].sum())  # of the others
    known = _Known(before, borders, longest) if before else None
    while True:
        smallest = max(8, 2 * smallest)
        last_try = 2 * smallest > longest
        if last_try or not _surely_too_many(largest, total, smallest, room):
            kept[smallest] = _join(borders, smallest, longest, known)
            if last_try or len(kept[smallest]) <= room:
                return Joins(borders, kept, smallest)


def _surely_too_many(largest: int, total: int, smallest: int, room: int) -> bool:
    """Whether joining must leave more than `room` blocks, told without joining: from the tokens of the largest and of
    all blocks but the `room` largest.

    A joined block ends with the first of its blocks that has `smallest` tokens, so each holds at most one of those;
    and before its last block it has fewer than `smallest`, so all the tokens but the `room` largest blocks' would have
    to fit into `room` times that.
    """
    return largest >= smallest or total > room * smallest


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

    def begin(self, smallest: int) -> Ints:
        """The first of the blocks that stay."""
        kept = self.before.kept.get(smallest)
        if kept is None or not len(kept):
            return np.zeros(1, np.int64)
        return kept[: int(self.before.borders[kept].searchsorted(self.held)) + 1]

    def rest(self, smallest: int, at: int) -> Ints | None:
        """The blocks that stay from the block `at` on, if that can be told."""
        kept = self.before.kept.get(smallest)
        if kept is None or at < self.moved:
            return None
        index = int(kept.searchsorted(at - self.by))
        if index == len(kept) or kept[index] != at - self.by:
            return None
        return kept[index:] + self.by


def _join(borders: Ints, smallest: int, longest: int, known: _Known | None) -> Ints:
    """The blocks that stay, by index: each takes in the next ones until it has `smallest` tokens, up to `longest`."""
    begin = known.begin(smallest) if known else np.zeros(1, np.int64)
    at, count = int(begin[-1]), len(borders) - 1
    kept: list[int] = []
    rest = np.empty(0, np.int64)
    at_once = _AT_ONCE
    while at < count:
        low, high = at, min(at + at_once, count)
        after, moved = _after(borders, low, high, smallest, longest), known.moved if known else count
        while at < high:
            if at >= moved and known and (told := known.rest(smallest, at)) is not None:
                rest, at = told, count
            else:
                kept.append(at)
                at = after[at - low]
        at_once *= 2
    return np.concatenate((begin[:-1], np.array(kept, np.int64), rest))


def _after(borders: Ints, low: int, high: int, smallest: int, longest: int) -> list[int]:
    """For each of the blocks low..high the block behind what it would take in, told for all at once."""
    begins = borders[low:high]
    after = borders.searchsorted(begins + smallest)
    too_long = borders[np.minimum(after, len(borders) - 1)] - begins > longest
    most = np.maximum(borders.searchsorted(begins + longest, "right") - 1, np.arange(low, high) + 1)
    told: list[int] = np.where((after == len(borders)) | too_long, most, after).tolist()
    return told
