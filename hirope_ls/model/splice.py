"""The approximate splice: which rows of a text from before an edit may serve, as they are, for the text after it.

Exact reuse ends at the first token that changed, as all rows after it have seen that token. But a unit far below an
edit hardly heeds it, and its keys are stored unrotated: so its rows may be moved to where the unit is now. Only what
was edited is computed, and what stands near the cursor. A pure function over two lists of rows; knows no tensors.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirope_ls.model.run import Rows

FRESH = 64  # rows at the end that are always computed


class Move(NamedTuple):
    """The rows source .. source + size - 1 of the old text are taken for the rows from `target` on of the new one."""

    source: int
    target: int
    size: int


def plan(old: Rows, new: Rows, start: int, fresh: int = FRESH) -> list[Move]:
    """Which units of `new` beyond its first `start` rows can be taken from `old`, in the order of both.

    A unit counts if all its ids are the same, and no row of it has mentions; where it stands in the text may differ.
    """
    if len(old.ids) <= start:
        return []
    before, after = _units(old, start), _units(new, start)
    same = SequenceMatcher(None, [key for _, _, key in before], [key for _, _, key in after], autojunk=False)
    found = []
    for at_old, at_new, count in same.get_matching_blocks():
        for (source, _, _), (target, end, _) in zip(
            before[at_old : at_old + count], after[at_new : at_new + count], strict=True
        ):
            if end <= len(new.ids) - fresh:
                found.append(Move(source, target, end - target))
    return _joined(found)


def _units(rows: Rows, start: int) -> list[tuple[int, int, bytes]]:
    """The whole units from `start` on that have no mentions: where each begins and ends, and its ids."""
    borders = np.flatnonzero(np.diff(rows.positions[-2])) + 1
    begins = np.append(0, borders)
    ends = np.append(borders, len(rows.ids))
    spoken = np.isin(np.arange(len(begins)), np.searchsorted(ends, rows.mentions[0], side="right"))
    kept = (begins >= start) & (rows.positions[-1][begins] == 0) & ~spoken
    return [
        (int(begin), int(end), rows.ids[begin:end].tobytes())
        for begin, end in zip(begins[kept], ends[kept], strict=True)
    ]


def _joined(moves: list[Move]) -> list[Move]:
    """The same with neighbours that go the same way made one."""
    joined: list[Move] = []
    for move in moves:
        last = joined[-1] if joined else Move(-1, -1, 0)
        if (last.source + last.size, last.target + last.size) == (move.source, move.target):
            joined[-1] = last._replace(size=last.size + move.size)
        else:
            joined.append(move)
    return joined


def available(moves: list[Move], here: NDArray[np.bool_]) -> list[Move]:
    """Those parts of the moves whose old rows are still there; here: bool, one for each row."""
    found = []
    for move in moves:
        part = np.flatnonzero(np.diff(here[move.source : move.source + move.size], prepend=False, append=False))
        for begin, end in part.reshape(-1, 2).tolist():
            found.append(Move(move.source + begin, move.target + begin, end - begin))
    return found


def order(moves: list[Move]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All rows that move and their places, ordered so that they can be copied in place, one after the other.

    What moves down goes from its end; so nothing is written over before it was read.
    """
    up = [move for move in moves if move.target < move.source]
    down = [move for move in reversed(moves) if move.target > move.source]
    rows = [np.arange(move.source, move.source + move.size) for move in up]
    rows += [np.arange(move.source + move.size - 1, move.source - 1, -1) for move in down]
    shifts = [np.full(move.size, move.target - move.source) for move in [*up, *down]]
    source = np.concatenate([np.zeros(0, np.int64), *rows])
    return source, source + np.concatenate([np.zeros(0, np.int64), *shifts])
