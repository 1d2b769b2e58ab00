"""Preallocated key and value slabs as a transformers Cache: written in place, cut without copying.

Knows shapes and rows; knows no tokens, positions or budgets. Keys are stored as the model makes them, before any
rotation: positions are applied when attention is computed, so a changed position id never makes a stored key wrong.
What attention turned may be kept beside them; attention itself knows how long that is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from hirope_ls.hirope.turned import TurnedCache, TurnedKeys

Index = NDArray[np.int64]

_AT_ONCE = 1024  # rows copied by way of a tensor of their own
_ROUND = 64  # rows


def rounded(rows: int) -> int:
    """Room for so many rows, in steps that make growing rare."""
    return -(-rows // _ROUND) * _ROUND


@dataclass(frozen=True)
class LayerShape:
    """What one layer caches for each token: `kv_heads` keys of `key_dim` and values of `value_dim` numbers."""

    kv_heads: int
    key_dim: int
    value_dim: int
    turned: bool = False  # whether the keys are kept once more, as attention turned them

    @property
    def row_numbers(self) -> int:
        """Numbers held for a token."""
        return self.kv_heads * (self.key_dim * (2 if self.turned else 1) + self.value_dim)


class SlabLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer's keys [1, kv_heads, capacity, key_dim] and values, of which the first `length` rows count.

    Turned keys [1, kv_heads, capacity, key_dim] stand beside them where `turned` is not None; attention fills them.
    `update` writes in place and returns views. A sliding-window layer too keeps every row: the attention function
    looks at the window itself, and a dropped row could not come back when the text is cut. `nbytes`: of all three.
    """

    is_sliding = False
    is_croppable = True
    keys: Tensor
    values: Tensor

    def __init__(self, shape: LayerShape, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.keys = torch.empty(1, shape.kv_heads, 0, shape.key_dim, dtype=dtype, device=device)
        self.values = torch.empty(1, shape.kv_heads, 0, shape.value_dim, dtype=dtype, device=device)
        self.turned = TurnedKeys(torch.empty_like(self.keys)) if shape.turned else None
        self.length = self.nbytes = 0
        self.is_initialized = True

    @property
    def capacity(self) -> int:
        return self.keys.shape[2]

    def grow(self, capacity: int, held: int = 0, pinned: bool = False) -> None:
        """Move to slabs of `capacity` rows, keeping the first `length`, or the first `held` if those are more."""
        rows = min(max(self.length, held), self.capacity)
        self.keys = self._moved(self.keys, capacity, rows, pinned)
        self.values = self._moved(self.values, capacity, rows, pinned)
        if self.turned is not None:
            self.turned.room = self._moved(self.turned.room, capacity, self.length)
        turned = 0 if self.turned is None else self.turned.room.nbytes
        self.nbytes = self.keys.nbytes + self.values.nbytes + turned  # asked for often: of all files at each key

    def truncate(self, length: int) -> None:
        """Keep the first `length` rows. Copies nothing."""
        self.length = min(self.length, length)
        if self.turned is not None:
            self.turned.forget(self.length)

    def count(self, length: int, same: int) -> None:
        """The first `length` rows count; the first `same` of them have not changed."""
        self.truncate(same)
        self.length = length

    def _moved(self, slab: Tensor, capacity: int, rows: int, pinned: bool = False) -> Tensor:
        wider = slab.new_empty((1, slab.shape[1], capacity, slab.shape[3]), pin_memory=pinned)
        wider[:, :, :rows] = slab[:, :, :rows]
        return wider

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append rows [1, kv_heads, n, dim]; views of all rows so far come back."""
        start = self.extend(key_states.shape[2])
        end = self.length
        self.keys.narrow(2, start, end - start).copy_(key_states)
        self.values.narrow(2, start, end - start).copy_(value_states)
        return self.keys.narrow(2, 0, end), self.values.narrow(2, 0, end)

    def extend(self, rows: int) -> int:
        """Count so many rows more, whose keys and values the caller writes; where the first of them belongs."""
        start, end = self.length, self.length + rows
        if end > self.capacity:
            self.grow(max(end, 2 * self.capacity))
        self.length = end
        return start

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing is lazy here: the shapes are known beforehand."""

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.length + query_length, 0

    def get_seq_length(self) -> int:
        return self.length

    def get_max_length(self) -> int:
        return -1

    def reset(self) -> None:
        self.truncate(0)

    def crop(self, tokens_to_remove: int) -> None:
        """Forget the last -`tokens_to_remove` rows (transformers counts them negatively)."""
        self.truncate(max(0, self.length - abs(tokens_to_remove)))


class SlabCache(Cache):
    """A transformers Cache of slab layers, for one sequence."""

    layers: list[SlabLayer]  # type: ignore[assignment]

    def __init__(self, shapes: tuple[LayerShape, ...], dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(layers=[SlabLayer(shape, dtype, device) for shape in shapes])
        self.turned = TurnedCache([layer.turned for layer in self.layers])

    @property
    def capacity(self) -> int:
        return min(layer.capacity for layer in self.layers)

    @property
    def nbytes(self) -> int:
        return sum([layer.nbytes for layer in self.layers])

    def grow(self, capacity: int, held: int = 0, pinned: bool = False) -> None:
        """Grow every layer to `capacity` rows, one after the other, so that only one is ever held twice.

        At least the first `held` rows stay as they are, counted or not. pinned: host memory that a GPU copies to and
        from by itself.
        """
        for layer in self.layers:
            if layer.capacity < capacity:
                layer.grow(capacity, held, pinned)

    def truncate(self, length: int) -> None:
        """Keep the first `length` rows of every layer. Copies nothing."""
        for layer in self.layers:
            layer.truncate(length)

    def count(self, length: int, same: int) -> None:
        """From now on the first `length` rows count, whatever did before; the first `same` of them have not changed."""
        for layer in self.layers:
            layer.count(length, same)

    def take_rows(self, source: SlabCache, rows: Index, places: Index) -> None:
        """Copy the rows `rows` of `source` to the places `places`, counted or not; turned keys are not copied."""
        for mine, theirs in zip(self.layers, source.layers, strict=True):
            _copy_rows(theirs.keys, rows, mine.keys, places)
            _copy_rows(theirs.values, rows, mine.values, places)

    def take_part(self, source: SlabCache, start: int, stop: int) -> None:
        """Copy the rows start .. stop-1 of `source` to the same places, counted or not; turned keys are not copied.

        Between pinned memory and a GPU it is only queued: whoever reads the target on the host must wait.
        """
        for mine, theirs in zip(self.layers, source.layers, strict=True):
            for target, held in ((mine.keys, theirs.keys), (mine.values, theirs.values)):
                target[:, :, start:stop].copy_(held[:, :, start:stop], non_blocking=True)

    def release(self) -> None:
        """Give the memory back; the cache is empty afterwards."""
        for layer in self.layers:
            layer.truncate(0)
            layer.grow(0)


def _copy_rows(source: Tensor, rows: Index, target: Tensor, places: Index) -> None:
    """target[:, :, places] = source[:, :, rows], two tensors, perhaps of two devices."""
    from_rows, to_places = torch.from_numpy(rows).to(source.device), torch.from_numpy(places).to(target.device)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        target.index_copy_(2, to_places[part], source.index_select(2, from_rows[part]).to(target.device))
