"""The KV store: sessions of cached rows under one budget of bytes.

A `Session` pairs slabs with the ids, positions and mentions their rows were computed from, and those are compared
exactly, never by a hash alone. Knows no model and no documents; a session's key is any string.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from hirope_ls.model.generator import IntArray
from hirope_ls.model.run import NO_MENTIONS, Pairs, Rows
from hirope_ls.model.slabs import LayerShape, SlabCache
from hirope_ls.problems import never

_ROUND = 64  # rows; capacities are multiples of it, where the budget allows


class BudgetError(Exception):
    """A single session needs more rows than the whole budget holds."""


class Session:
    """A cache and the ids, position ids and mentions its rows were computed from.

    Rows are first staged, then computed, then committed: a failure between leaves the committed rows as they were.
    Mentions are int64[2, m], (token, unit) ascending by token; those of tokens from `length` on are left from before.
    `lease` tells a paused generation whether the session is still its own.
    """

    def __init__(self, cache: SlabCache, levels: int) -> None:
        self.cache = cache
        self.length = 0
        self.lease = object()
        self._ids = np.zeros(0, np.int32)
        self._positions = np.zeros((levels, 0), np.int64)
        self._keys = torch.from_numpy(self._positions)  # the same memory
        self._mentions = NO_MENTIONS

    @property
    def levels(self) -> int:
        return len(self._positions)

    @property
    def ids(self) -> IntArray:
        """Those of the committed rows; a view, which changes with the session."""
        return self._ids[: self.length]

    @property
    def mentions(self) -> Tensor | None:
        """Those of the rows staged last and of all before them, int64 [2, m] on the CPU; None where there are none."""
        return torch.from_numpy(self._mentions) if self._mentions.size else None

    def grow(self, capacity: int) -> None:
        self.cache.grow(capacity)
        ids, positions = np.zeros(capacity, np.int32), np.zeros((self.levels, capacity), np.int64)
        ids[: self.length] = self._ids[: self.length]
        positions[:, : self.length] = self._positions[:, : self.length]
        self._ids, self._positions = ids, positions
        self._keys = torch.from_numpy(positions)

    def shared(self, rows: Rows) -> int:
        """Length of the longest common prefix, equal in ids, in every level of the positions, and in mentions."""
        ids, positions, mentions = rows
        size = min(self.length, len(ids))
        if len(positions) != self.levels:
            return 0
        differs = ids[:size] != self._ids[:size]
        differs |= (positions[:, :size] != self._positions[:, :size]).any(axis=0)
        size = int(differs.argmax()) if differs.any() else size
        return min(size, _first_difference(self._mentions, mentions, size))

    def truncate(self, length: int) -> None:
        self.length = min(self.length, length)
        self.cache.truncate(self.length)

    def stage(self, rows: Rows, count: int) -> Tensor:
        """Write down which of all rows are computed next: `count` from `length` on, or those that there are.

        Returns the positions of all keys then, int64 [levels, total] on the CPU.
        """
        part = slice(self.length, min(self.length + count, len(rows.ids)))
        self._mention(_between(rows.mentions, part.start, part.stop))
        self._ids[part] = rows.ids[part]
        self._positions[:, part] = rows.positions[:, part]
        return self._keys[:, : part.stop]

    def stage_next(self, token: int, mentioned: Sequence[int] = ()) -> Tensor:
        """Stage one token that continues the unit of the last row and mentions these units."""
        end = self.length + 1
        self._mention(np.array([[self.length] * len(mentioned), mentioned], np.int64))
        self._ids[end - 1] = token
        self._positions[:, end - 1] = self._positions[:, end - 2]
        self._positions[-1, end - 1] += 1
        return self._keys[:, :end]

    def stage_all(self, tokens: Sequence[int], mentioned: Sequence[Sequence[int]]) -> Tensor:
        """As `stage_next`, for several tokens at once."""
        start, end = self.length, self.length + len(tokens)
        pairs = [(start + n, unit) for n, units in enumerate(mentioned) for unit in units]
        self._mention(np.array(pairs, np.int64).reshape(-1, 2).T)
        self._ids[start:end] = tokens
        self._positions[:, start:end] = self._positions[:, start - 1 : start]
        self._positions[-1, start:end] += np.arange(1, len(tokens) + 1)
        return self._keys[:, :end]

    def commit(self, count: int) -> None:
        self.length += count

    def _mention(self, pairs: Pairs) -> None:
        if pairs.size or self._mentions.size:
            self._mentions = np.concatenate((_between(self._mentions, 0, self.length), pairs), axis=1)


class KVStore:
    """Sessions by key, the least recently used first, never holding more than `budget_bytes` in slabs.

    Owned by the thread that first uses it. Whole sessions are evicted, oldest first, before another one grows.
    """

    def __init__(
        self, shapes: tuple[LayerShape, ...], dtype: torch.dtype, device: torch.device, budget_bytes: int
    ) -> None:
        self._shapes, self._dtype, self._device = shapes, dtype, device
        self.budget_bytes = budget_bytes
        self.row_bytes = sum(shape.row_numbers for shape in shapes) * dtype.itemsize
        self._sessions: dict[str, Session] = {}
        self._owner: int | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._sessions)

    @property
    def used_bytes(self) -> int:
        return sum(session.cache.nbytes for session in self._sessions.values())

    @property
    def most_rows(self) -> int:
        """Rows that the budget holds for a session that has it all to itself."""
        return self.budget_bytes // self.row_bytes

    def get(self, key: str) -> Session | None:
        self._check_owner()
        return self._sessions.get(key)

    def open(self, key: str, levels: int) -> Session:
        """The session of that key, or a new one: now the most recently used, and leased to the caller."""
        self._check_owner()
        session = self._sessions.pop(key, None)
        if session is None or session.levels != levels:
            if session is not None:
                session.cache.release()
            session = Session(SlabCache(self._shapes, self._dtype, self._device), levels)
        self._sessions[key] = session
        session.lease = object()
        return session

    def reserve(self, key: str, least: int, wanted: int) -> int:
        """Give the session `key` room for `wanted` rows, or as many as fit but no fewer than `least`; the room it has.

        Others are evicted for it. Rows already held survive where the budget allows copying them (old and new of one
        layer exist at the same time), else the session is emptied. Raises BudgetError.
        """
        self._check_owner()
        session = self._sessions[key]
        if least > self.most_rows:
            raise BudgetError
        wanted = min(wanted, self.most_rows)
        if session.cache.capacity < wanted:
            self._grow(session, wanted)
        if self.used_bytes > self.budget_bytes:
            never("the KV budget is exceeded", used=self.used_bytes, budget=self.budget_bytes)
        return session.cache.capacity

    def _grow(self, session: Session, rows: int) -> None:
        if rows * self.row_bytes + _copying(session) > self.budget_bytes:
            session.truncate(0)
            session.cache.release()
        need = rows * self.row_bytes + _copying(session)
        self._evict(session, self.budget_bytes - need)
        others = self.used_bytes - session.cache.nbytes
        room = (self.budget_bytes - others - _copying(session)) // self.row_bytes
        generous = max(2 * session.cache.capacity, -(-rows // _ROUND) * _ROUND)
        session.grow(min(generous, room))

    def _evict(self, keep: Session, allowed: int) -> None:
        """Drop the oldest sessions until all but `keep` fit into `allowed` bytes."""
        for key in [key for key, session in self._sessions.items() if session is not keep]:
            if self.used_bytes - keep.cache.nbytes <= allowed:
                return
            self.drop(key)

    def drop(self, key: str) -> None:
        self._check_owner()
        session = self._sessions.pop(key, None)
        if session is not None:
            session.lease = object()  # a paused generation may still hold it
            session.truncate(0)
            session.cache.release()

    def clear(self) -> None:
        for key in list(self._sessions):
            self.drop(key)

    def _check_owner(self) -> None:
        here = threading.get_ident()
        if self._owner is None:
            self._owner = here
        if self._owner != here:
            never("the KV store is used from a second thread")


def _copying(session: Session) -> int:
    """Bytes held twice while the session grows: one layer's slabs."""
    return max(layer.nbytes for layer in session.cache.layers)


def _between(mentions: Pairs, start: int, end: int) -> Pairs:
    """Those of the tokens start .. end-1."""
    low, high = np.searchsorted(mentions[0], (start, end)).tolist() if mentions.size else (0, 0)
    return mentions[:, low:high]


def _first_difference(one: Pairs, two: Pairs, size: int) -> int:
    """The first token, below `size`, whose mentions are not the same in both; `size` if there is none."""
    one, two = _between(one, 0, size), _between(two, 0, size)
    common = min(one.shape[1], two.shape[1])
    differs = (one[:, :common] != two[:, :common]).any(axis=0)
    at = int(differs.argmax()) if differs.any() else common
    return int(min((pairs[0, at] for pairs in (one, two) if at < pairs.shape[1]), default=size))
