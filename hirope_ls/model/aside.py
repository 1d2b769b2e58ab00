"""Rows taken out of a session's slabs because others needed their place, kept by serial number until they go back.

Knows slabs and serial numbers; not which rows are worth keeping.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from hirope_ls.model.slabs import LayerShape, SlabCache, rounded

Serials = NDArray[np.int64]


def plain(shapes: tuple[LayerShape, ...]) -> tuple[LayerShape, ...]:
    """The same without turned keys."""
    return tuple(replace(shape, turned=False) for shape in shapes)


class Aside:
    """A few hundred rows without an order. Turned keys are not among them: attention turns rows anew."""

    def __init__(self, shapes: tuple[LayerShape, ...], dtype: torch.dtype, device: torch.device) -> None:
        self.row_bytes = sum(shape.row_numbers for shape in plain(shapes)) * dtype.itemsize
        self._cache = SlabCache(plain(shapes), dtype, device)
        self._serials: Serials = np.zeros(0, np.int64)  # of the row in each place; 0 where it is free

    def __len__(self) -> int:
        return int(np.count_nonzero(self._serials))

    @property
    def nbytes(self) -> int:
        return self._cache.nbytes

    def has(self, serials: Serials) -> NDArray[np.bool_]:
        """For each serial number whether its row is here."""
        return np.isin(serials, self._serials)

    def growth(self, rows: int) -> int:
        """Bytes that it takes to hold `rows` rows, beyond the present ones, while room for them is being made."""
        capacity = self._capacity_for(rows)
        if capacity == self._cache.capacity:
            return 0
        layer = max(layer.nbytes for layer in self._cache.layers)  # held twice for a moment
        return capacity * self.row_bytes - self.nbytes + layer

    def put(self, source: SlabCache, rows: NDArray[np.int64], serials: Serials) -> None:
        """Copy these rows of `source` here."""
        if not len(rows):
            return
        capacity = self._capacity_for(len(self) + len(rows))
        if capacity > self._cache.capacity:
            self._cache.grow(capacity, self._cache.capacity)
            self._serials = np.append(self._serials, np.zeros(capacity - len(self._serials), np.int64))
        places = np.flatnonzero(self._serials == 0)[: len(rows)]
        self._serials[places] = serials
        self._cache.take_rows(source, rows, places)

    def give(self, target: SlabCache, rows: NDArray[np.int64], serials: Serials) -> None:
        """Copy the rows with these serial numbers, which are here, to these rows of `target`."""
        if not len(rows):
            return
        order = np.argsort(self._serials)
        places = order[np.searchsorted(self._serials, serials, sorter=order)]
        target.take_rows(self._cache, places, rows)

    def keep(self, wanted: Serials) -> None:
        """Forget all rows but those with these serial numbers; the memory goes back with the last one."""
        self._serials[~np.isin(self._serials, wanted)] = 0
        if not self._serials.any():
            self._cache.release()
            self._serials = np.zeros(0, np.int64)

    def _capacity_for(self, rows: int) -> int:
        return max(rounded(rows), self._cache.capacity)
