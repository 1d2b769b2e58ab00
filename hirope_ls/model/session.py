"""A session: the cached rows of one file, and what each was computed from.

The cursor jumps, and the text after the place it jumps to is wanted again when it comes back. So what a new prompt
cuts off stays where it lies in the slabs, as a line of its own (`model/shelf.py`); only the rows in the way are set
aside, and are put back when a later prompt agrees with them. Reuse compares ids, positions and mentions exactly, never
a hash alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from hirope_ls.model.generator import IntArray
from hirope_ls.model.lines import Line
from hirope_ls.model.live import Live
from hirope_ls.model.run import Rows
from hirope_ls.model.shelf import Allow, Shelf, Splice
from hirope_ls.model.slabs import LayerShape, SlabCache, rounded
from hirope_ls.model.splice import Move, available, order


class Source(Protocol):
    """Whatever holds the rows of lines."""

    def copy_to(self, target: SlabCache, line: Line, start: int, stop: int) -> None: ...


class Session:
    """A cache and the ids, position ids and mentions its rows were computed from.

    Rows are first staged, then computed, then committed: a failure between leaves the committed rows as they were.
    The first `exact` rows are what the model computes; those after them rest on rows that were taken from another text.
    `lease` tells a paused generation whether the session is still its own.
    """

    def __init__(self, shapes: tuple[LayerShape, ...], dtype: torch.dtype, device: torch.device, levels: int) -> None:
        self.computed = 0  # rows, since the session was resumed
        self.lease = object()
        self._live = Live(levels)
        self._shelf = Shelf(shapes, dtype, device)
        self.cache = self._shelf.cache
        self._waiting: list[Move] = []  # moved already; they count when the rows before them are there
        self._spliced: Rows  # what the waiting ones belong to

    @property
    def levels(self) -> int:
        return self._live.levels

    @property
    def length(self) -> int:
        return self._live.length

    @property
    def exact(self) -> int:
        return self._live.exact

    @property
    def nbytes(self) -> int:
        return self._shelf.nbytes

    @property
    def most_aside(self) -> int:
        """Bytes that setting rows aside can cost at most, beyond those that it costs now."""
        return self._shelf.most_aside

    @property
    def ids(self) -> IntArray:
        """Those of the rows of the live line; a view, which changes with the session."""
        return self._live.ids

    @property
    def mentions(self) -> Tensor | None:
        """Those of the rows staged last and of all before them, int64 [2, m] on the CPU; None where there are none."""
        return self._live.mentions

    @property
    def live(self) -> Line:
        """The rows that the cache holds, a view: good until they change."""
        return self._live.line(self._shelf.lies)

    @property
    def lines(self) -> list[Line]:
        """All that can be reused, the live one first."""
        return [self.live, *reversed(self._shelf.lines)]

    def grow(self, capacity: int) -> None:
        """More room. What lies in the slabs stays."""
        self._shelf.grow(capacity, self.length)
        self._live.grow(capacity)

    def shared(self, rows: Rows, approximate: bool = False) -> int:
        """Length of the longest prefix that is in one of the lines."""
        return max(line.shared(rows, approximate) for line in self.lines)

    def truncate(self, length: int) -> None:
        """Keep the first rows of the live line, and nothing else. Copies nothing."""
        self._live.cut(length)
        self.cache.truncate(self.length)
        self.forget_lines()

    def forget_lines(self) -> None:
        """Keep the live line only."""
        self._waiting = []
        self._shelf.forget()

    def release(self) -> None:
        """Give the memory back; nothing is held afterwards."""
        self.truncate(0)
        self._shelf.release()

    def resume(self, rows: Rows, most: int, ahead: int, allow: Allow, splice: Splice | None = None) -> None:
        """Make the longest prefix of `rows` that is here, but no more than `most`, the live line.

        What that cuts off is kept as long as it is worth it; about `ahead` rows beyond the prompt may be written then
        without harm to it. With a plan for a splice, approximate rows will do, and what the plan needs is laid ready.
        """
        lines = self.lines
        shared = [line.shared(rows, splice is not None) for line in lines]
        best = shared.index(max(shared))  # the live one, if it is as good as others
        line, length = lines[best], min(shared[best], most)
        same = min(lines[0].common(line), length)  # rows that stay where they lie
        stop = rounded(len(rows.ids) + ahead)
        self.computed, self._waiting = 0, []
        if not self._shelf.lay(lines[0], line, length, stop, splice, allow):
            self.truncate(0)
            return
        if best:
            self._live.take(line, length)
        else:
            self._live.cut(length)
        self.cache.count(length, same)

    def can_step_aside(self, rows: Rows) -> bool:
        """Whether `step_back` is possible after `rows` were computed, and these be kept then."""
        return self._shelf.can_come_back(self.live, rows)

    def step_aside(self, rows: Rows, allow: Allow) -> Line:
        """As `resume`, for all of `rows` and a while; the live line is kept before all others, and returned."""
        live = self._shelf.guard(self.live)
        self.resume(rows, len(rows.ids), 0, allow)
        return live

    def step_back(self, live: Line, allow: Allow) -> None:
        """Make the line that `step_aside` returned the live one again."""
        self._shelf.guarded = None
        self.resume(live.rows(), len(live), 0, allow)

    def plan_splice(self, rows: Rows) -> Splice | None:
        """Which of its rows may serve for `rows`, if that saves computing them; perhaps none but those shared."""
        return self._shelf.plan_splice(self.live, rows)

    def splice(self, rows: Rows, wanted: Splice) -> None:
        """Move the old rows to where they are wanted; they count as soon as the rows before them are computed."""
        if not wanted.moves:
            return
        moves = available(wanted.moves, wanted.base.lying(self._shelf.lies)[: len(wanted.base)])
        self.forget_lines()
        sources, places = order(moves)
        self.cache.take_rows(self.cache, sources, places)
        serials = np.full(len(rows.ids), -1)
        for move in moves:
            part = slice(move.target, move.target + move.size)
            serials[part] = self._shelf.renumber(part)
        self._waiting, self._spliced = moves, rows
        self._shelf.gone = Line(rows.ids, rows.positions.astype(np.int64), rows.mentions, serials, 0)
        self._take_waiting()

    def adopt(self, source: Source, line: Line, rows: Rows, length: int) -> None:
        """Append those of `rows` up to `length` that are missing, from a line of `source`, which has them."""
        start = self.length
        self.stage(rows, length - start)
        source.copy_to(self.cache, line, start, length)
        self.cache.count(length, start)
        self._live.append(length - start)

    def copy_to(self, target: SlabCache, line: Line, start: int, stop: int) -> None:
        """Write the rows start .. stop-1 of one of its lines to the same rows of `target`."""
        self._shelf.copy_to(target, line, start, stop)

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
        self._shelf.overwrite(part)
        return self._live.write(rows, part)

    def stage_next(self, token: int, mentioned: Sequence[int] = ()) -> Tensor:
        """Stage one token that continues the unit of the last row and mentions these units."""
        self._shelf.overwrite(slice(self.length, self.length + 1))
        return self._live.write_next(token, mentioned)

    def stage_all(self, tokens: Sequence[int], mentioned: Sequence[Sequence[int]]) -> Tensor:
        """As `stage_next`, for several tokens at once."""
        self._shelf.overwrite(slice(self.length, self.length + len(tokens)))
        return self._live.write_all(tokens, mentioned)

    def retract(self, count: int) -> None:
        """Forget the rows committed last. What they were written over is gone all the same."""
        self._live.cut(self.length - count)
        self.cache.truncate(self.length)

    def commit(self, count: int) -> None:
        self._live.append(count)
        self.computed += count
        self._take_waiting()

    def _take_waiting(self) -> None:
        """Count the moved rows that come next."""
        while self._waiting and self._waiting[0].target == self.length:
            _, start, count = self._waiting.pop(0)
            self._live.append_taken(self._spliced, count)
            self.cache.count(self.length, start)
