"""The tokens of one text, in runs of a few thousand, so that an edit makes one run anew and not the file.

Each run counts its bytes from its own start and its tokens from its own first: what moves is one number a run, and
texts before and after an edit share all other runs. Where runs begin is of no meaning: only what they hold is. Whoever
asks for all tokens has them joined, once. Knows ids and bytes; no tokenizer, no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Ids = NDArray[np.int32]

_T = TypeVar("_T", np.int32, np.int64)

_RUN = 4096  # tokens: half as many to twice as many, but for a text's last ones


class Run(NamedTuple):
    """Tokens next to each other: `ids` int32[k], and `ends` int64[k], where their bytes end, from the run's start."""

    ids: Ids
    ends: Ints


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of one text; nothing in it is ever changed, and its arrays are read-only.

    Their bytes joined are the text exactly, so a token begins where the one before it ends. `firsts` int64[runs + 1]:
    which token each run begins with, and how many there are; `bases` int64[runs + 1]: at which byte, and where the text
    ends. No run is empty.
    """

    runs: tuple[Run, ...]
    firsts: Ints
    bases: Ints

    @classmethod
    def of(cls, ids: Ids, ends: Ints) -> Tokens:
        """From the ids int32[n] and ends int64[n] of all tokens."""
        return cls(*_cut(ids, ends))

    @cached_property
    def ids(self) -> Ids:
        """int32[n]: the ids of all tokens, joined on first use."""
        return self.ids_in(0, len(self))

    @cached_property
    def ends(self) -> Ints:
        """int64[n]: where the bytes of each end, joined on first use."""
        return self.ends_in(0, len(self))

    def __len__(self) -> int:
        return int(self.firsts[-1])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tokens):
            return NotImplemented
        return np.array_equal(self.ids, other.ids) and np.array_equal(self.ends, other.ends)

    def ids_in(self, first: int, last: int) -> Ids:
        """The ids of the tokens `first..last`, or as many of them as there are."""
        return _joined([self.runs[run].ids[part] for run, part in self._parts(first, last)], np.int32)

    def ends_in(self, first: int, last: int) -> Ints:
        """Where the bytes of the tokens `first..last` end."""
        return _joined(
            [self.runs[run].ends[part] + self.bases[run] for run, part in self._parts(first, last)], np.int64
        )

    def before(self, offset: int) -> int:
        """How many tokens end at or before the byte `offset`."""
        return int(self._ended(np.array([offset + 1]))[0])

    def first_from(self, offsets: Ints) -> Ints:
        """For each byte of `offsets` (ascending) the first token that begins there or later, the number of all if none.

        So a token belongs to what its first byte lies in.
        """
        return np.where(offsets > 0, np.minimum(self._ended(offsets) + 1, len(self)), 0)

    def begins(self, tokens: Ints) -> Ints:
        """At which byte each of `tokens` (ascending, 0..n) begins."""
        found = np.zeros(len(tokens), np.int64)
        for run, part in _shared_out(tokens, self.firsts):
            found[part] = self.runs[run].ends[tokens[part] - self.firsts[run] - 1] + self.bases[run]
        return found

    def replaced(self, low: int, high: int, new: Tokens) -> Tokens:
        """These with `new` in the place of the tokens `low..high`. Costs the runs that those are in, not the file."""
        first = max(min(int(self.firsts.searchsorted(low, "right")), len(self.runs)) - 1, 0)
        last = max(int(self.firsts.searchsorted(high)), first)
        more = len(new) - (high - low)
        if self.firsts[last] - self.firsts[first] + more < _RUN // 2 and last < len(self.runs):  # no crumbs
            last += 1
        start, end = self.begins(np.array([low, high])).tolist()
        by, begin, after = int(new.bases[-1]) - (end - start), int(self.firsts[first]), int(self.firsts[last])
        ids = np.concatenate((self.ids_in(begin, low), new.ids, self.ids_in(high, after)))
        ends = np.concatenate((self.ends_in(begin, low), new.ends + start, self.ends_in(high, after) + by))
        made = _cut(ids, ends - self.bases[first])
        return Tokens(
            (*self.runs[:first], *made.runs, *self.runs[last:]),
            _frozen(_moved(self.firsts, first, made.firsts, last, more)),
            _frozen(_moved(self.bases, first, made.bases, last, by)),
        )

    def _ended(self, offsets: Ints) -> Ints:
        """For each byte of `offsets` (ascending), how many tokens end before it."""
        found = np.zeros(len(offsets), np.int64)
        found[np.searchsorted(offsets, self.bases[-1], "right") :] = len(self)
        for run, part in _shared_out(offsets, self.bases):
            found[part] = self.runs[run].ends.searchsorted(offsets[part] - self.bases[run]) + self.firsts[run]
        return found

    def _parts(self, first: int, last: int) -> Iterator[tuple[int, slice]]:
        """The runs that have some of the tokens `first..last`, and which of theirs these are."""
        run, last = max(int(self.firsts.searchsorted(first, "right")) - 1, 0), min(last, len(self))
        while first < last:
            begin, after = int(self.firsts[run]), int(self.firsts[run + 1])
            yield run, slice(first - begin, min(last, after) - begin)
            run, first = run + 1, after


class _Runs(NamedTuple):
    runs: tuple[Run, ...]
    firsts: Ints
    bases: Ints


def _cut(ids: Ids, ends: Ints) -> _Runs:
    """Tokens in even runs, where a text begins with the first one."""
    count = -(-len(ids) // (2 * _RUN))
    firsts = np.array([len(ids) * run // count for run in range(count + 1)] if count else [0], np.int64)
    bases = np.array([int(ends[first - 1]) if first else 0 for first in firsts.tolist()], np.int64)
    parts = zip(pairwise(firsts.tolist()), bases.tolist(), strict=False)
    runs = tuple(Run(_frozen(ids[low:high]), _frozen(ends[low:high] - base)) for (low, high), base in parts)
    return _Runs(runs, _frozen(firsts), _frozen(bases))


def _moved(borders: Ints, first: int, made: Ints, last: int, by: int) -> Ints:
    """The borders of runs after those from `first` to `last` became those with the borders `made`."""
    return np.concatenate((borders[:first], made[:-1] + borders[first], borders[last:] + by))


def _shared_out(values: Ints, borders: Ints) -> Iterator[tuple[int, slice]]:
    """The runs r with values (ascending) in borders[r] + 1 .. borders[r + 1], and which of them these are."""
    if not len(values):
        return
    low, high = borders.searchsorted(values[[0, -1]]).tolist()
    low, high = max(low - 1, 0), min(high, len(borders) - 1)
    parts = pairwise(values.searchsorted(borders[low : high + 1], "right").tolist())
    yield from ((low + run, slice(*part)) for run, part in enumerate(parts) if part[0] < part[1])


def _joined(parts: list[NDArray[_T]], kind: type[_T]) -> NDArray[_T]:
    if len(parts) == 1:
        return _frozen(parts[0])
    return _frozen(np.concatenate(parts) if parts else np.empty(0, kind))


def _frozen(array: NDArray[_T]) -> NDArray[_T]:
    array.flags.writeable = False
    return array
