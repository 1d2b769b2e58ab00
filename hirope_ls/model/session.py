"""A session: the cached rows of one file, and what each was computed from.

The cursor jumps, and the text after the place it jumps to is wanted again when it comes back. So what a new prompt
cuts off stays where it lies in the slabs, as a line of its own; only the rows in the way are set aside, and are put
back when a later prompt agrees with them. Reuse compares ids, positions and mentions exactly, never a hash alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hirope_ls.model.aside import Aside, Serials
from hirope_ls.model.generator import IntArray
from hirope_ls.model.lines import Line
from hirope_ls.model.run import NO_MENTIONS, Pairs, Rows, between
from hirope_ls.model.slabs import LayerShape, SlabCache
from hirope_ls.model.splice import Move, available, order, plan
from hirope_ls.problems import never

WORTH = 32  # rows; a line with fewer of its own is not kept
_MOST_LINES = 4  # kept beside the live one
_MOST_ASIDE = 1024  # rows
_MOST_MOVED = 512  # rows of one line; where more are in the way, the text has changed and the line is of no more use
_ROUND = 64  # rows
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


class Source(Protocol):
    """Whatever holds the rows of lines."""

    def copy_to(self, target: SlabCache, line: Line, start: int, stop: int) -> None: ...


class Session:
    """A cache and the ids, position ids and mentions its rows were computed from.

    Rows are first staged, then computed, then committed: a failure between leaves the committed rows as they were.
    Mentions are int64[2, m], (token, unit) ascending by token; those of tokens from `length` on are left from before.
    The first `exact` rows are what the model computes; those after them rest on rows that were taken from another text.
    `lease` tells a paused generation whether the session is still its own.
    """

    def __init__(self, shapes: tuple[LayerShape, ...], dtype: torch.dtype, device: torch.device, levels: int) -> None:
        self.cache = SlabCache(shapes, dtype, device)
        self.length = self.exact = 0
        self.computed = 0  # rows, since the session was resumed
        self.lease = object()
        self._ids = np.zeros(0, np.int32)
        self._positions = np.zeros((levels, 0), np.int64)
        self._keys = torch.from_numpy(self._positions)  # the same memory
        self._mentions = NO_MENTIONS
        self._lies = _NONE  # serial numbers of the rows in the slabs; 0: nobody's
        self._serial = 0  # the last one
        self._lines: list[Line] = []  # beside the live one, the oldest first
        self._aside = Aside(shapes, dtype, device)
        self._guarded: Line | None = None  # one of the lines: it is not to go
        self._gone: Line | None = None  # lost, but for what still lies in the slabs, which is good enough for a splice
        self._waiting: list[Move] = []  # moved already; they count when the rows before them are there
        self._spliced: Rows = Rows(self._ids, np.zeros((levels, 0), np.int32))  # what the waiting ones belong to
        self._from = self._clear = 0  # new rows may be written from the one to the other; all is set aside there

    @property
    def levels(self) -> int:
        return len(self._positions)

    @property
    def nbytes(self) -> int:
        return self.cache.nbytes + self._aside.nbytes

    @property
    def ids(self) -> IntArray:
        """Those of the rows of the live line; a view, which changes with the session."""
        return self._ids[: self.length]

    @property
    def mentions(self) -> Tensor | None:
        """Those of the rows staged last and of all before them, int64 [2, m] on the CPU; None where there are none."""
        return torch.from_numpy(self._mentions) if self._mentions.size else None

    @property
    def live(self) -> Line:
        """The rows that the cache holds, a view: good until they change."""
        size = self.length
        mentions = between(self._mentions, 0, size)
        return Line(self._ids[:size], self._positions[:, :size], mentions, self._lies[:size], self.exact)

    @property
    def lines(self) -> list[Line]:
        """All that can be reused, the live one first."""
        return [self.live, *reversed(self._lines)]

    def grow(self, capacity: int) -> None:
        """More room. What lies in the slabs stays."""
        gone = 0 if self._gone is None else len(self._gone)
        self.cache.grow(capacity, max([self.length, gone, *map(len, self._lines)]))
        ids, positions = np.zeros(capacity, np.int32), np.zeros((self.levels, capacity), np.int64)
        ids[: self.length] = self._ids[: self.length]
        positions[:, : self.length] = self._positions[:, : self.length]
        self._ids, self._positions = ids, positions
        self._keys = torch.from_numpy(positions)
        self._lies = np.append(self._lies, np.zeros(capacity - len(self._lies), np.int64))

    def shared(self, rows: Rows, approximate: bool = False) -> int:
        """Length of the longest prefix that is in one of the lines."""
        return max(line.shared(rows, approximate) for line in self.lines)

    def truncate(self, length: int) -> None:
        """Keep the first rows of the live line, and nothing else. Copies nothing."""
        self.length, self.exact = min(self.length, length), min(self.exact, length)
        self.cache.truncate(self.length)
        self.forget_lines()

    def resume(self, rows: Rows, most: int, ahead: int, allow: Allow, splice: Splice | None = None) -> None:
        """Make the longest prefix of `rows` that is here, but no more than `most`, the live line.

        What that cuts off is kept as long as it is worth it; about `ahead` rows beyond the prompt may be written then
        without harm to it. With a plan for a splice, approximate rows will do, and what the plan needs is laid ready.
        """
        lines = self.lines
        shared = [line.shared(rows, splice is not None) for line in lines]
        best = shared.index(max(shared))  # the live one, if it is as good as others
        line, length = lines[best], min(shared[best], most)
        self.computed, self._waiting = 0, []
        same = min(lines[0].common(line), length)  # rows that stay where they lie
        stop = -(-(len(rows.ids) + ahead) // _ROUND) * _ROUND
        before = list(self._lines)
        self._keep_lines(line, length)
        cleared = not best and not splice and self._lines == before and self._from <= length and stop <= self._clear
        if not cleared and (self._lines or best or len(self._aside)):
            base = splice.base if splice and splice.moves else None
            if not self._arrange(line, length, self._target(line, length, stop, base), allow):
                self.truncate(0)
                return
        self._set_live(line, best == 0, length, same)
        if not cleared:
            self._from, self._clear = length, stop

    @property
    def most_aside(self) -> int:
        """Bytes that setting rows aside can cost at most, beyond those that it costs now."""
        return self._aside.growth(_MOST_ASIDE)

    def can_step_aside(self, rows: Rows) -> bool:
        """Whether the live line can come back to its place after `rows` were computed, and these be kept then."""
        moved = -(-self.length // _ROUND) * _ROUND - self.live.shared(rows)
        return self.levels == len(rows.positions) and self.exact == self.length and moved <= _MOST_MOVED

    def step_aside(self, rows: Rows, allow: Allow) -> Line:
        """As `resume`, for all of `rows` and a while; the live line is kept before all others, and returned."""
        self._guarded = live = self.live.copy()
        self._lines.append(live)
        self._clear = 0  # its rows are not set aside yet
        self.resume(rows, len(rows.ids), 0, allow)
        return live

    def step_back(self, live: Line, allow: Allow) -> None:
        """Make the line that `step_aside` returned the live one again."""
        self._guarded = None
        self.resume(live.rows(), len(live), 0, allow)

    def plan_splice(self, rows: Rows) -> Splice | None:
        """Which of its rows may serve for `rows`, if that saves computing them; perhaps none but those shared."""
        exact, start = self.shared(rows), self.shared(rows, approximate=True)
        if len(rows.ids) - exact < _MOST_MOVED:
            return None  # as soon as exact ones cost little, they are what is taken
        best = Splice(self.live, [])
        if len(rows.ids) - start >= _MOST_MOVED:
            for line in [*self.lines, *([self._gone] if self._gone else [])]:
                found = Splice(line.copy(), available(plan(line.rows(), rows, start), self._has(line)))
                best = max(best, found, key=lambda splice: splice.saved)
        return best if best.saved >= WORTH or start > exact else None

    def splice(self, rows: Rows, wanted: Splice) -> None:
        """Move the old rows to where they are wanted; they count as soon as the rows before them are computed."""
        if not wanted.moves:
            return
        moves = available(wanted.moves, wanted.base.lying(self._lies)[: len(wanted.base)])
        self.forget_lines()
        sources, places = order(moves)
        self.cache.take_rows(self.cache, sources, places)
        serials = np.full(len(rows.ids), -1)
        for move in moves:
            part = slice(move.target, move.target + move.size)
            self._renumber(part)
            serials[part] = self._lies[part]
        self._waiting, self._spliced = moves, rows
        self._gone = Line(rows.ids, rows.positions.astype(np.int64), rows.mentions, serials, 0)
        self._take_waiting()

    def adopt(self, source: Source, line: Line, rows: Rows, length: int) -> None:
        """Append those of `rows` up to `length` that are missing, from a line of `source`, which has them."""
        start = self.length
        self.stage(rows, length - start)
        source.copy_to(self.cache, line, start, length)
        self.cache.count(length, start)
        self._append(length - start)

    def copy_to(self, target: SlabCache, line: Line, start: int, stop: int) -> None:
        """Write the rows start .. stop-1 of one of its lines to the same rows of `target`."""
        index = np.arange(start, stop)
        lying = line.lying(self._lies)[start:stop]
        if lying.all():
            target.take_part(self.cache, start, stop)
        else:
            target.take_rows(self.cache, index[lying], index[lying])
            self._aside.give(target, index[~lying], line.serials[start:stop][~lying])

    def restore(self, source: Source, line: Line) -> None:
        """Fill the empty session, which has the room, with a line of `source`."""
        self.adopt(source, line, line.rows(), len(line))

    def lay_longest(self) -> Line:
        """Make the exact part of the longest line the live one, without any more memory."""
        line = max(self.lines, key=lambda line: line.exact)
        self.resume(line.rows(), line.exact, 0, lambda more: more == 0)
        return self.live

    def stage(self, rows: Rows, count: int) -> Tensor:
        """Write down which of all rows are computed next: `count` from `length` on, or those that are missing there.

        Returns the positions of all keys then, int64 [levels, total] on the CPU.
        """
        end = self._waiting[0].target if self._waiting else len(rows.ids)
        part = slice(self.length, min(self.length + count, end))
        self._mention(between(rows.mentions, part.start, part.stop))
        self._overwrite(part)
        self._ids[part] = rows.ids[part]
        self._positions[:, part] = rows.positions[:, part]
        return self._keys[:, : part.stop]

    def stage_next(self, token: int, mentioned: Sequence[int] = ()) -> Tensor:
        """Stage one token that continues the unit of the last row and mentions these units."""
        end = self.length + 1
        self._mention(np.array([[self.length] * len(mentioned), mentioned], np.int64))
        self._overwrite(slice(end - 1, end))
        self._ids[end - 1] = token
        self._positions[:, end - 1] = self._positions[:, end - 2]
        self._positions[-1, end - 1] += 1
        return self._keys[:, :end]

    def stage_all(self, tokens: Sequence[int], mentioned: Sequence[Sequence[int]]) -> Tensor:
        """As `stage_next`, for several tokens at once."""
        start, end = self.length, self.length + len(tokens)
        pairs = [(start + n, unit) for n, units in enumerate(mentioned) for unit in units]
        self._mention(np.array(pairs, np.int64).reshape(-1, 2).T)
        self._overwrite(slice(start, end))
        self._ids[start:end] = tokens
        self._positions[:, start:end] = self._positions[:, start - 1 : start]
        self._positions[-1, start:end] += np.arange(1, len(tokens) + 1)
        return self._keys[:, :end]

    def retract(self, count: int) -> None:
        """Forget the rows committed last. What they were written over is gone all the same."""
        self.length -= count
        self.exact = min(self.exact, self.length)
        self.cache.truncate(self.length)

    def commit(self, count: int) -> None:
        self._append(count)
        self.computed += count
        self._take_waiting()

    def forget_lines(self) -> None:
        """Keep the live line only."""
        self._lines, self._guarded, self._gone, self._waiting = [], None, None, []
        self._aside.keep(_NONE)
        self._clear = 0

    def release(self) -> None:
        """Give the memory back; nothing is held afterwards."""
        self.truncate(0)
        self.cache.release()
        self._lies = _NONE

    def _append(self, count: int) -> None:
        if self.exact == self.length:
            self.exact += count
        self.length += count

    def _take_waiting(self) -> None:
        """Count the moved rows that come next."""
        while self._waiting and self._waiting[0].target == self.length:
            _, start, count = self._waiting.pop(0)
            part = slice(start, start + count)
            self._mentions = between(self._mentions, 0, start)  # they have none
            self._ids[part], self._positions[:, part] = self._spliced.ids[part], self._spliced.positions[:, part]
            self.length += count
            self.cache.count(self.length, start)

    def _has(self, line: Line) -> NDArray[np.bool_]:
        """bool[len(line)]: which of its rows are here."""
        here = np.zeros(len(line), bool)
        lying = line.lying(self._lies)[: len(line)]
        here[: len(lying)] = lying
        return here | self._aside.has(line.serials)

    def _mention(self, pairs: Pairs) -> None:
        if pairs.size or self._mentions.size:
            self._mentions = np.concatenate((between(self._mentions, 0, self.length), pairs), axis=1)

    def _overwrite(self, part: slice) -> None:
        """New rows are about to lie there. Lines that lose rows which nobody set aside are lost."""
        if part.stop > self._clear and self._lines:
            self._lose([line for line in self._lines if line.lying(self._lies[: part.stop])[part].any()])
        self._renumber(part)

    def _lose(self, lines: list[Line]) -> None:
        """These cannot be kept."""
        self._lines = [line for line in self._lines if line not in lines]
        self._gone = max(lines, key=len, default=self._gone)

    def _renumber(self, part: slice) -> None:
        """Other rows lie there now."""
        count = part.stop - part.start
        self._lies[part] = np.arange(self._serial + 1, self._serial + 1 + count)
        self._serial += count

    def _keep_lines(self, line: Line, length: int) -> None:
        """Choose what is kept beside the first `length` rows of `line`, which will be the live ones."""
        live = self.live
        if len(live) - min(live.common(line), length) >= WORTH:
            self._lines.append(live.copy())
        self._lines.sort(key=lambda one: one is line)  # the one that was chosen is the latest
        while self._lines:
            own, at = self._least(line, length)
            if own >= WORTH and len(self._lines) <= _MOST_LINES:
                break
            del self._lines[at]

    def _least(self, line: Line, length: int) -> tuple[int, int]:
        """How many rows would be lost with the line that has the fewest of its own, and its place in the list."""
        own = []
        for one in self._lines:
            others = (one.common(other) for other in self._lines if other is not one)
            rest = len(one) - max([min(one.common(line), length), *others])
            own.append(rest if one is not self._guarded else len(self._lies) + 1)
        return min(own), own.index(min(own))

    def _target(self, line: Line, length: int, stop: int, base: Line | None) -> Serials:
        """What is to lie in the slabs: the live rows, room for new ones, and behind it what is left of the longest.

        Or behind the live rows all that is here of `base`.
        """
        target = self._lies.copy()
        target[:length] = line.serials[:length]
        if base is not None:
            here = np.flatnonzero(self._has(base)[length:]) + length
            target[here] = base.serials[here]
            return target
        target[length:stop] = 0
        if self._lines:
            longest = max(self._lines, key=len).serials
            target[stop : len(longest)] = longest[stop:]
        return target

    def _arrange(self, line: Line, length: int, target: Serials, allow: Allow) -> bool:
        """Lay the rows in the slabs as `target` says; those that leave and are still wanted are set aside."""
        moving = np.flatnonzero(target != self._lies)
        leaving, coming = self._lies[moving], target[moving]
        fetched = coming != 0
        if not self._aside.has(coming[fetched]).all():
            never("rows that a session should hold are gone")
            return False
        self._lose([one for one in self._lines if one.lying(self._lies)[moving].sum() > _MOST_MOVED])
        while True:
            away = self._away(target)
            wanted = np.union1d(away, coming[fetched])
            if (len(away) <= _MOST_ASIDE and allow(self._aside.growth(len(wanted)))) or not self._lines:
                break
            del self._lines[self._least(line, length)[1]]
        self._aside.keep(wanted)
        put = np.isin(leaving, away) & ~self._aside.has(leaving)
        self._aside.put(self.cache, moving[put], leaving[put])
        self._aside.give(self.cache, moving[fetched], coming[fetched])
        self._aside.keep(away)
        self._lies[moving[fetched]] = coming[fetched]  # the others lie there until they are written over
        return True

    def _away(self, target: Serials) -> Serials:
        """The rows of lines that are not where `target` has them: those to be set aside."""
        rows = [line.serials[~line.lying(target)[: len(line)]] for line in self._lines]
        return np.unique(np.concatenate([_NONE, *rows]))

    def _set_live(self, line: Line, is_live: bool, length: int, same: int) -> None:
        """`line`, of which the slabs hold `length` rows, is the live one from now on, or was it and is cut."""
        if not is_live:
            self._ids[:length], self._positions[:, :length] = line.ids[:length], line.positions[:, :length]
            self._mentions = line.mentions
        self.length, self.exact = length, min(line.exact, length)
        self.cache.count(length, same)
