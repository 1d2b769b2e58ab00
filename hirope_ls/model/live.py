"""What the rows of a session's live line were computed from: arrays with room, written row by row.

Knows ids, positions and mentions; no rows of keys and values, and no other lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hirope_ls.model.generator import IntArray
from hirope_ls.model.lines import Line
from hirope_ls.model.run import NO_MENTIONS, Pairs, Rows, between


class Live:
    """The first `length` rows count, and the first `exact` of them are what the model computes from these.

    Rows are written behind them, and appended once they are computed. Mentions are int64[2, m], (token, unit) ascending
    by token; those of tokens from `length` on are left from before.
    """

    def __init__(self, levels: int) -> None:
        self.length = self.exact = 0
        self._ids = np.zeros(0, np.int32)
        self._positions = np.zeros((levels, 0), np.int64)
        self._keys = torch.from_numpy(self._positions)  # the same memory
        self._mentions = NO_MENTIONS

    @property
    def levels(self) -> int:
        return len(self._positions)

    @property
    def ids(self) -> IntArray:
        """A view, which changes with it."""
        return self._ids[: self.length]

    @property
    def mentions(self) -> Tensor | None:
        """Those of the rows written last and of all before them, int64 [2, m] on the CPU; None where there are none."""
        return torch.from_numpy(self._mentions) if self._mentions.size else None

    def line(self, lies: NDArray[np.int64]) -> Line:
        """A view, good until they change; `lies`: the serial numbers of the rows in the slabs."""
        size = self.length
        mentions = between(self._mentions, 0, size)
        return Line(self._ids[:size], self._positions[:, :size], mentions, lies[:size], self.exact)

    def grow(self, capacity: int) -> None:
        """More room."""
        ids, positions = np.zeros(capacity, np.int32), np.zeros((self.levels, capacity), np.int64)
        ids[: self.length] = self._ids[: self.length]
        positions[:, : self.length] = self._positions[:, : self.length]
        self._ids, self._positions = ids, positions
        self._keys = torch.from_numpy(positions)

    def cut(self, length: int) -> None:
        """Keep the first rows."""
        self.length, self.exact = min(self.length, length), min(self.exact, length)

    def take(self, line: Line, length: int) -> None:
        """The first rows of another line count from now on."""
        self._ids[:length], self._positions[:, :length] = line.ids[:length], line.positions[:, :length]
        self._mentions = line.mentions
        self.length, self.exact = length, min(line.exact, length)

    def write(self, rows: Rows, part: slice) -> Tensor:
        """These of all rows come next; the positions of all keys then, int64 [levels, total] on the CPU."""
        self._mention(between(rows.mentions, part.start, part.stop))
        self._ids[part] = rows.ids[part]
        self._positions[:, part] = rows.positions[:, part]
        return self._keys[:, : part.stop]

    def write_next(self, token: int, mentioned: Sequence[int]) -> Tensor:
        """One token that continues the unit of the last row and mentions these units; as `write`."""
        end = self.length + 1
        self._mention(np.array([[self.length] * len(mentioned), mentioned], np.int64))
        self._ids[end - 1] = token
        self._positions[:, end - 1] = self._positions[:, end - 2]
        self._positions[-1, end - 1] += 1
        return self._keys[:, :end]

    def write_all(self, tokens: Sequence[int], mentioned: Sequence[Sequence[int]]) -> Tensor:
        """As `write_next`, for several tokens at once."""
        start, end = self.length, self.length + len(tokens)
        pairs = [(start + n, unit) for n, units in enumerate(mentioned) for unit in units]
        self._mention(np.array(pairs, np.int64).reshape(-1, 2).T)
        self._ids[start:end] = tokens
        self._positions[:, start:end] = self._positions[:, start - 1 : start]
        self._positions[-1, start:end] += np.arange(1, len(tokens) + 1)
        return self._keys[:, :end]

    def append(self, count: int) -> None:
        """So many of the rows written last are computed."""
        if self.exact == self.length:
            self.exact += count
        self.length += count

    def append_taken(self, rows: Rows, count: int) -> None:
        """So many of all rows come next, without mentions, and are there already: taken from another text."""
        part = slice(self.length, self.length + count)
        self._mentions = between(self._mentions, 0, part.start)
        self._ids[part], self._positions[:, part] = rows.ids[part], rows.positions[:, part]
        self.length = part.stop

    def _mention(self, pairs: Pairs) -> None:
        if pairs.size or self._mentions.size:
            self._mentions = np.concatenate((between(self._mentions, 0, self.length), pairs), axis=1)
