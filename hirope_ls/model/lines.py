"""A line: the rows of one sequence, what each was computed from, and which computed row it is.

A computed row has a serial number, and is a function of all rows before it: so two lines that hold the same row at an
index hold the same rows before it. Knows ids, positions and mentions; no tensors and no budgets.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.model.generator import IntArray
from hirope_ls.model.run import Pairs, Rows, common


@dataclass(frozen=True, eq=False)
class Line:
    """ids int32[n], positions int64[levels, n], mentions int64[2, m], serials int64[n]: one for each row.

    The first `exact` rows are what the model computes from these; the others were taken from another text.
    """

    ids: IntArray
    positions: NDArray[np.int64]
    mentions: Pairs
    serials: NDArray[np.int64]
    exact: int

    def __len__(self) -> int:
        return len(self.ids)

    def copy(self) -> Line:
        return Line(self.ids.copy(), self.positions.copy(), self.mentions.copy(), self.serials.copy(), self.exact)

    def rows(self) -> Rows:
        """What its rows were computed from."""
        return Rows(self.ids, self.positions.astype(np.int32), self.mentions)

    def shared(self, rows: Rows, approximate: bool = False) -> int:
        """Length of the longest common prefix, equal in ids, in every level of the positions, and in mentions.

        Only of exact rows, unless approximate ones will do.
        """
        if len(rows.positions) != len(self.positions):
            return 0
        size = min(len(self) if approximate else self.exact, len(rows.ids))
        return common((self.ids, self.positions, self.mentions), rows, size)

    def common(self, other: Line) -> int:
        """How many rows, from the first on, are the very same in both."""
        size = min(len(self), len(other))
        return bisect_left(range(size), True, key=lambda row: bool(self.serials[row] != other.serials[row]))

    def lying(self, lies: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool[len(lies)]: which of the rows with the serials `lies` are this line's."""
        own = np.zeros(len(lies), bool)
        size = min(len(self), len(lies))
        own[:size] = self.serials[:size] == lies[:size]
        return own
