"""Where units longer than they may be are cut; after an edit only those units that it touched.

Pure arithmetic on units in bytes and in tokens: knows no text. What a statement is, is asked of the caller.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.model.runs import Tokens

Ints = NDArray[np.int64]

CutUnit = Callable[[int, int, int], list[int]]
"""(unit, first token, last token) -> where in those tokens a long unit is cut, counted from the first."""


@dataclass(frozen=True, eq=False)
class Cuts:
    """The units of one text, and the parts they were cut into; parts without tokens are left out.

    `unit_starts`, `unit_firsts` int64[units]: where each unit starts in bytes and in tokens; `starts`, `firsts`,
    `units` int64[parts]: where each part does, and its unit; `size`, `tokens`: bytes and tokens of the text; `even`:
    cut without regard to statements.
    """

    unit_starts: Ints
    unit_firsts: Ints
    starts: Ints
    firsts: Ints
    units: Ints
    size: int
    tokens: int
    even: bool


def sizes_of(firsts: Ints, tokens: int) -> Ints:
    """How many tokens each has of what begins at the tokens `firsts`."""
    sizes = np.empty_like(firsts)
    np.subtract(firsts[1:], firsts[:-1], out=sizes[:-1])
    if len(sizes):
        sizes[-1] = tokens - firsts[-1]
    return sizes


def cut_units(
    starts: Ints, tokens: Tokens, longest: int, cut: CutUnit | None, after: tuple[Cuts, int, int] | None
) -> Cuts:
    """The units that start at the bytes `starts`, cut into parts of at most `longest` tokens; evenly without `cut`.

    `after`: (the cuts before an edit, the byte before which and the one from which on the text is the same and has the
    same tokens; both are borders of tokens).
    """
    size, count = int(tokens.bases[-1]), len(tokens)
    known = after[0] if after and after[0].even == (cut is None) else None
    head, tail = _same(known, starts, size, *after[1:]) if after and known else (0, len(starts))
    was = tail - len(starts) + len(known.unit_starts) if known else 0  # what is now the unit `tail`
    moved = count - known.tokens if known else 0
    end = int(known.unit_firsts[was]) + moved if known and tail < len(starts) else count
    firsts = tokens.first_from(starts[head:tail])
    middle = _parts(starts[head:tail], firsts, tokens, end, longest, cut and _from(cut, head))
    if not known:
        return Cuts(starts, firsts, *middle, size, count, cut is None)
    low, high = known.units.searchsorted((head, was)).tolist()
    return Cuts(
        starts,
        np.concatenate((known.unit_firsts[:head], firsts, known.unit_firsts[was:] + moved)),
        np.concatenate((known.starts[:low], middle[0], known.starts[high:] + (size - known.size))),
        np.concatenate((known.firsts[:low], middle[1], known.firsts[high:] + moved)),
        np.concatenate((known.units[:low], middle[2] + head, known.units[high:] + (tail - was))),
        size,
        count,
        cut is None,
    )


def _from(cut: CutUnit, head: int) -> CutUnit:
    return lambda unit, first, last: cut(head + unit, first, last)


def _parts(
    starts: Ints, firsts: Ints, tokens: Tokens, end: int, longest: int, cut: CutUnit | None
) -> tuple[Ints, Ints, Ints]:
    """Some units next to each other, the last of which ends at the token `end`, cut: see `Cuts`."""
    units = np.arange(len(starts))
    where, points = _points(firsts, sizes_of(firsts, end), longest, cut)
    if len(where):
        at, cuts = where + 1, firsts[where] + points
        starts = np.insert(starts, at, tokens.begins(cuts))
        firsts = np.insert(firsts, at, cuts)
        units = np.insert(units, at, where)
    filled = sizes_of(firsts, end) > 0
    return starts[filled], firsts[filled], units[filled]


def _points(firsts: Ints, sizes: Ints, longest: int, cut: CutUnit | None) -> tuple[Ints, Ints]:
    """(units, points): these units are cut after so many tokens, in order."""
    if cut is None:
        counts = np.maximum(sizes - 1, 0) // longest
        where = np.repeat(np.arange(len(firsts)), counts)
        return where, longest * (np.arange(1, len(where) + 1) - np.repeat(np.cumsum(counts) - counts, counts))
    found = [
        (unit, point)
        for unit in np.flatnonzero(sizes > longest).tolist()
        for point in cut(unit, int(firsts[unit]), int(firsts[unit] + sizes[unit]))
    ]
    where, points = np.array(found, np.int64).reshape(-1, 2).T
    return where, points


def _same(known: Cuts, starts: Ints, size: int, low: int, high: int) -> tuple[int, int]:
    """(head, tail): the units before `head`, and from `tail` on, are as they were, bytes and token ends."""
    head, tail = _common(known.unit_starts, starts, size - known.size)
    # A unit's end is the next one's start.
    head = max(min(head - 1, int(np.searchsorted(starts[1:], low, side="right"))), 0)
    return head, max(tail, head, int(np.searchsorted(starts, high)))


def _common(was: Ints, now: Ints, by: int) -> tuple[int, int]:
    """(head, tail): now[:head] is was[:head], and now[tail:] is the end of `was` plus `by`."""
    shorter = min(len(was), len(now))
    differ = was[:shorter] != now[:shorter]
    head = int(differ.argmax()) if shorter and differ.any() else shorter
    differ = (was[len(was) - shorter :] + by != now[len(now) - shorter :])[::-1]
    tail = int(differ.argmax()) if shorter and differ.any() else shorter
    return head, len(now) - tail


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
