"""The lines that a session keeps beside its live one, in the same slabs: which are kept, and where their rows lie.

A row of theirs that is in the way of new ones is set aside, and put back when its line is wanted. Knows serial numbers
and slabs; what rows are computed from is compared by the lines themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hirope_ls.model.aside import Aside, Serials
from hirope_ls.model.lines import Line
from hirope_ls.model.run import Rows
from hirope_ls.model.slabs import LayerShape, SlabCache, rounded
from hirope_ls.model.splice import Move, available, plan
from hirope_ls.problems import never

_WORTH = 32  # rows; a line with fewer of its own is not kept
_MOST_LINES = 4  # kept beside the live one
_MOST_ASIDE = 1024  # rows
_MOST_MOVED = 512  # rows of one line; where more are in the way, the text has changed and the line is of no more use
_NONE: Serials = np.zeros(0, np.int64)

Allow = Callable[[int], bool]
"""Whether a session may have so many bytes more, for which others may have to go."""


class Splice(NamedTuple):
    """Which rows of the line `base` are to be taken for another text."""

    base: Line
    moves: list[Move]

    @property
    def saved(self) -> int:
        return sum(move.size for move in self.moves)


class Shelf:
    """The lines beside the live one, and which row lies where in `cache`, the slabs that all of them share.

    `lies` are the serial numbers of the rows in the slabs, 0 for nobody's. `gone` is a line that could not be kept, but
    for what still lies in the slabs, which is good enough for a splice. `guarded`, one of the lines, is not to go.
    """

    def __init__(self, shapes: tuple[LayerShape, ...], dtype: torch.dtype, device: torch.device) -> None:
        self.cache = SlabCache(shapes, dtype, device)
        self.lies = _NONE
        self.lines: list[Line] = []  # the oldest first
        self.gone: Line | None = None
        self.guarded: Line | None = None
        self._serial = 0  # the last one
        self._aside = Aside(shapes, dtype, device)
        self._from = self._clear = 0  # new rows may be written from the one to the other; all is set aside there

    @property
    def nbytes(self) -> int:
        return self.cache.nbytes + self._aside.nbytes

    @property
    def most_aside(self) -> int:
        """Bytes that setting rows aside can cost at most, beyond those that it costs now."""
        return self._aside.growth(_MOST_ASIDE)

    def grow(self, capacity: int, length: int) -> None:
        """More room. What lies in the slabs stays, of the live line the first `length` rows."""
        gone = 0 if self.gone is None else len(self.gone)
        self.cache.grow(capacity, max([length, gone, *map(len, self.lines)]))
        self.lies = np.append(self.lies, np.zeros(capacity - len(self.lies), np.int64))

    def forget(self) -> None:
        """Keep the live line only."""
        self.lines, self.guarded, self.gone = [], None, None
        self._aside.keep(_NONE)
        self._clear = 0

    def release(self) -> None:
        """Give the memory back."""
        self.forget()
        self.cache.release()
        self.lies = _NONE

    def guard(self, live: Line) -> Line:
        """Keep a copy of the live line, whatever goes for it; it is returned."""
        self.guarded = live.copy()
        self.lines.append(self.guarded)
        self._clear = 0  # its rows are not set aside yet
        return self.guarded

    def can_come_back(self, live: Line, rows: Rows) -> bool:
        """Whether the live line can be laid again after `rows` were computed, and these be kept then."""
        moved = rounded(len(live)) - live.shared(rows)
        return len(live.positions) == len(rows.positions) and live.exact == len(live) and moved <= _MOST_MOVED

    def plan_splice(self, live: Line, rows: Rows) -> Splice | None:
        """Which rows that are here may serve for `rows`, if that saves much; perhaps none but those shared."""
        lines = [live, *reversed(self.lines)]
        exact, start = (max(line.shared(rows, nearly) for line in lines) for nearly in (False, True))
        if len(rows.ids) - exact < _MOST_MOVED:
            return None  # as soon as exact ones cost little, they are what is taken
        best = Splice(live, [])
        if len(rows.ids) - start >= _MOST_MOVED:
            for line in [*lines, *([self.gone] if self.gone else [])]:
                found = Splice(line.copy(), available(plan(line.rows(), rows, start), self._has(line)))
                best = max(best, found, key=lambda splice: splice.saved)
        return best if best.saved >= _WORTH or start > exact else None

    def lay(self, live: Line, line: Line, length: int, stop: int, splice: Splice | None, allow: Allow) -> bool:
        """Lay the first `length` rows of `line` in the slabs; new ones may be written up to `stop` without harm then.

        What that cuts off of `live`, the live line till now, is kept as long as it is worth it. False if rows are gone.
        """
        before = list(self.lines)
        self._choose(live, line, length)
        if line is live and not splice and self.lines == before and self._from <= length and stop <= self._clear:
            return True
        if self.lines or line is not live or len(self._aside):
            base = splice.base if splice and splice.moves else None
            if not self._arrange(line, length, self._target(line, length, stop, base), allow):
                return False
        self._from, self._clear = length, stop
        return True

    def overwrite(self, part: slice) -> None:
        """New rows are about to lie there. Lines that lose rows which nobody set aside are lost."""
        if part.stop > self._clear and self.lines:
            self._lose([line for line in self.lines if line.lying(self.lies[: part.stop])[part].any()])
        self.renumber(part)

    def renumber(self, part: slice) -> Serials:
        """Other rows lie there now; their serial numbers."""
        count = part.stop - part.start
        self.lies[part] = np.arange(self._serial + 1, self._serial + 1 + count)
        self._serial += count
        return self.lies[part]

    def copy_to(self, target: SlabCache, line: Line, start: int, stop: int) -> None:
        """Write the rows start .. stop-1 of a line to the same rows of `target`."""
        index = np.arange(start, stop)
        lying = line.lying(self.lies)[start:stop]
        if lying.all():
            target.take_part(self.cache, start, stop)
        else:
            target.take_rows(self.cache, index[lying], index[lying])
            self._aside.give(target, index[~lying], line.serials[start:stop][~lying])

    def _has(self, line: Line) -> NDArray[np.bool_]:
        """bool[len(line)]: which of its rows are here."""
        here = np.zeros(len(line), bool)
        lying = line.lying(self.lies)[: len(line)]
        here[: len(lying)] = lying
        return here | self._aside.has(line.serials)

    def _lose(self, lines: list[Line]) -> None:
        """These cannot be kept."""
        self.lines = [line for line in self.lines if line not in lines]
        self.gone = max(lines, key=len, default=self.gone)

    def _choose(self, live: Line, line: Line, length: int) -> None:
        """Choose what is kept beside the first `length` rows of `line`, which will be the live ones."""
        if len(live) - min(live.common(line), length) >= _WORTH:
            self.lines.append(live.copy())
        self.lines.sort(key=lambda one: one is line)  # the one that was chosen is the latest
        while self.lines:
            own, at = self._least(line, length)
            if own >= _WORTH and len(self.lines) <= _MOST_LINES:
                break
            del self.lines[at]

    def _least(self, line: Line, length: int) -> tuple[int, int]:
        """How many rows would be lost with the line that has the fewest of its own, and its place in the list."""
        own = []
        for one in self.lines:
            others = (one.common(other) for other in self.lines if other is not one)
            rest = len(one) - max([min(one.common(line), length), *others])
            own.append(rest if one is not self.guarded else len(self.lies) + 1)
        return min(own), own.index(min(own))

    def _target(self, line: Line, length: int, stop: int, base: Line | None) -> Serials:
        """What is to lie in the slabs: the live rows, room for new ones, and behind it what is left of the longest.

        Or behind the live rows all that is here of `base`.
        """
        target = self.lies.copy()
        target[:length] = line.serials[:length]
        if base is not None:
            here = np.flatnonzero(self._has(base)[length:]) + length
            target[here] = base.serials[here]
            return target
        target[length:stop] = 0
        if self.lines:
            longest = max(self.lines, key=len).serials
            target[stop : len(longest)] = longest[stop:]
        return target

    def _arrange(self, line: Line, length: int, target: Serials, allow: Allow) -> bool:
        """Lay the rows in the slabs as `target` says; those that leave and are still wanted are set aside."""
        moving = np.flatnonzero(target != self.lies)
        leaving, coming = self.lies[moving], target[moving]
        fetched = coming != 0
        if not self._aside.has(coming[fetched]).all():
            never("rows that a session should hold are gone")
            return False
        self._lose([one for one in self.lines if one.lying(self.lies)[moving].sum() > _MOST_MOVED])
        while True:
            away = self._away(target)
            wanted = np.union1d(away, coming[fetched])
            if (len(away) <= _MOST_ASIDE and allow(self._aside.growth(len(wanted)))) or not self.lines:
                break
            del self.lines[self._least(line, length)[1]]
        self._aside.keep(wanted)
        put = np.isin(leaving, away) & ~self._aside.has(leaving)
        self._aside.put(self.cache, moving[put], leaving[put])
        self._aside.give(self.cache, moving[fetched], coming[fetched])
        self._aside.keep(away)
        self.lies[moving[fetched]] = coming[fetched]  # the others lie there until they are written over
        return True

    def _away(self, target: Serials) -> Serials:
        """The rows of lines that are not where `target` has them: those to be set aside."""
        rows = [line.serials[~line.lying(target)[: len(line)]] for line in self.lines]
        return np.unique(np.concatenate([_NONE, *rows]))
