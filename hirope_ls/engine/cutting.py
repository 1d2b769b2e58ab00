"""Where units longer than they may be are cut; after an edit only those units that it touched.

Pure arithmetic on units in bytes and in tokens: knows no text. What a statement is, is asked of the caller.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

CutUnit = Callable[[int, int, int], list[int]]
"""(unit, first token, last token) -> where in those tokens a long unit is cut, counted from the first."""


@dataclass(frozen=True, eq=False)
class Cuts:
    """How the units of one text were cut: unit `where[i]` after `points[i]` tokens, in order (int64[cuts] both).

    `starts`: the units' starts in bytes; `ends`: the tokens' ends in bytes; `even`: without regard to statements.
    """

    where: Ints
    points: Ints
    starts: Ints
    ends: Ints
    even: bool


def sizes_of(firsts: Ints, tokens: int) -> Ints:
    """How many tokens each has of what begins at the tokens `firsts`."""
    sizes = np.empty_like(firsts)
    np.subtract(firsts[1:], firsts[:-1], out=sizes[:-1])
    if len(sizes):
        sizes[-1] = tokens - firsts[-1]
    return sizes


def cut_units(
    starts: Ints, firsts: Ints, ends: Ints, longest: int, cut: CutUnit | None, after: tuple[Cuts, int, int] | None
) -> Cuts:
    """The cuts of units that start at the bytes `starts` and the tokens `firsts`; evenly without `cut`.

    `after`: (the cuts before an edit, the byte before which and the one from which on the text is the same).
    """
    sizes = sizes_of(firsts, len(ends))
    if cut is None:
        counts = np.maximum(sizes - 1, 0) // longest
        where = np.repeat(np.arange(len(firsts)), counts)
        nth = np.arange(1, len(where) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
        return Cuts(where, longest * nth, starts, ends, True)
    known = after[0] if after and not after[0].even and len(after[0].ends) and len(ends) else None
    head, tail = _same(known, starts, firsts, ends, *after[1:]) if after and known else (0, len(starts))
    where_: list[int] = []
    points: list[int] = []
    for unit in (head + np.flatnonzero(sizes[head:tail] > longest)).tolist():
        found = cut(unit, int(firsts[unit]), int(firsts[unit] + sizes[unit]))
        points += found
        where_ += [unit] * len(found)
    where, at = np.asarray(where_, np.int64), np.asarray(points, np.int64)
    if known:
        moved = len(starts) - len(known.starts)
        low, high = np.searchsorted(known.where, (head, tail - moved)).tolist()
        where = np.concatenate((known.where[:low], where, known.where[high:] + moved))
        at = np.concatenate((known.points[:low], at, known.points[high:]))
    return Cuts(where, at, starts, ends, False)


def _same(known: Cuts, starts: Ints, firsts: Ints, ends: Ints, low: int, high: int) -> tuple[int, int]:
    """(head, tail): the units before `head`, and from `tail` on, are as they were, bytes and token ends."""
    by = int(ends[-1] - known.ends[-1])
    head_units, tail_units = _common(known.starts, starts, by)
    head_ends, tail_ends = _common(known.ends, ends, by)
    # A unit's end is the next one's start. The first token may begin behind the unit's start, so the end of the token
    # before it counts as well, and the one before that, which must not reach into the unit.
    before = np.searchsorted(starts[1:], low, side="right"), np.searchsorted(firsts[1:], head_ends, side="right")
    head = max(min(head_units - 1, *map(int, before)), 0)
    behind = np.searchsorted(starts, high), np.searchsorted(firsts, tail_ends + 1, side="right")
    return head, max(tail_units, head, *map(int, behind))


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
