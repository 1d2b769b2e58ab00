"""Turned keys that are kept beside the unrotated ones of a cache, so that a step turns only the rows that are new.

A cache that wants them offers a `TurnedCache` as its attribute `turned` and tells it which rows it forgets; any other
cache works without. How a far key is turned depends on its own position ids and the scheme alone, how a near one on its
index alone; so one room a layer serves both: the far rows first, then the near ones, and a row is turned anew when it
passes from the one to the other. Knows no attention, no models and no budgets.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hirope_ls.hirope.scheme import Scheme

Turn = Callable[[Tensor, int], Tensor]  # heads [B, h, n, d] of the absolute rows first, first + 1, ...; turned


class TurnedKeys:
    """One layer's turned keys: rows [0, far) of `room` by hierarchical positions, rows [far, ready) ordinarily.

    room: [B, kv_heads, capacity, key_dim]; the cache that owns it may move it to a larger tensor between passes.
    """

    def __init__(self, room: Tensor) -> None:
        self.room = room
        self.far = self.ready = 0

    def serves(self, keys: Tensor) -> bool:
        """Whether the room fits unrotated keys [B, kv_heads, n, key_dim]."""
        room = self.room
        fits = room.shape[0] == keys.shape[0] and room.shape[2] >= keys.shape[2]
        return fits and room.dtype == keys.dtype and room.device == keys.device

    def forget(self, length: int) -> None:
        """Rows from `length` on hold nothing any more."""
        self.far, self.ready = min(self.far, length), min(self.ready, length)

    def next_after(self, first: int) -> int:
        """The first row from `first` on that is not turned ordinarily; what was turned otherwise there is forgotten."""
        if self.far > first:
            self.forget(first)
        return self.ready

    def append(self, turned: Tensor, first: int) -> Tensor:
        """Take the next rows, turned ordinarily; all rows from `first` on, a view."""
        start, self.ready = self.ready, self.ready + turned.shape[2]
        self.room[:, :, start : self.ready] = turned
        return self.room[:, :, first : self.ready]

    def ordinary(self, keys: Tensor, first: int, stop: int, turn: Turn) -> Tensor:
        """Rows first .. stop-1 with ordinary RoPE, a view; keys [B, kv_heads, >= stop, d] unrotated from row 0 on."""
        start = self.next_after(first)
        if start < stop:
            self.append(turn(keys[:, :, start:stop], start), start)
        return self.room[:, :, first:stop]

    def following(self, turned: Tensor, keys: Tensor, first: int, turn: Turn) -> Tensor:
        """As `ordinary` for all `keys`, of which the last are here `turned` already."""
        if self.next_after(first) == keys.shape[2] - turned.shape[2]:
            return self.append(turned, first)
        return self.ordinary(keys, first, keys.shape[2], turn)

    def hierarchical(self, keys: Tensor, stop: int, turn: Turn) -> Tensor:
        """Rows 0 .. stop-1 by hierarchical positions, a view; keys as above."""
        if self.far < stop:
            self.room[:, :, self.far : stop] = turn(keys[:, :, self.far : stop], self.far)
            self.far, self.ready = stop, max(self.ready, stop)
        return self.room[:, :, :stop]


class TurnedCache:
    """The turned keys of a cache's layers, None for a layer that keeps none, and what they were turned by."""

    def __init__(self, layers: list[TurnedKeys | None]) -> None:
        self.layers = layers
        self._owner: object = None
        self._scheme: Scheme | None = None
        self._positions = torch.empty(0, 0, dtype=torch.int64)
        self._known = 0  # columns of _positions: those that far rows were turned by

    def begin(self, owner: object, scheme: Scheme, positions: Tensor, num_far: int) -> None:
        """Forget what another model, scheme or other positions turned; rows below `num_far` may then be turned.

        positions: int64 [levels, >= num_far] on the CPU, of which a copy is kept.
        """
        if owner is not self._owner:
            self._forget_all()
        elif scheme != self._scheme or len(positions) != len(self._positions):
            self._forget_far(0)
        elif not scheme.far_keys_alike:
            self._forget_far(self._agreeing(positions))
        self._owner, self._scheme = owner, scheme
        self._learn(positions, 0 if scheme.far_keys_alike else num_far)

    def _agreeing(self, positions: Tensor) -> int:
        """Columns, of those known, whose positions are the same."""
        size = min(self._known, positions.shape[1])
        ours, theirs = self._positions[:, :size], positions[:, :size]
        if torch.equal(ours, theirs):
            return size
        return int((ours != theirs).any(dim=0).int().argmax())

    def _forget_far(self, length: int) -> None:
        """No far row from `length` on is right."""
        self._known = min(self._known, length)
        for layer in self.layers:
            if layer is not None and layer.far > length:
                layer.forget(length)

    def _forget_all(self) -> None:
        self._known = 0
        for layer in self.layers:
            if layer is not None:
                layer.forget(0)

    def _learn(self, positions: Tensor, num_far: int) -> None:
        levels, capacity = self._positions.shape
        if len(positions) != levels or num_far > capacity:
            wider = torch.empty(len(positions), max(num_far, 2 * capacity), dtype=torch.int64)
            if len(positions) == levels:
                wider[:, : self._known] = self._positions[:, : self._known]
            self._positions = wider
        if num_far > self._known:
            self._positions[:, self._known : num_far] = positions[:, self._known : num_far]
            self._known = num_far
