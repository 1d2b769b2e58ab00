"""The KV store: sessions of cached rows under one budget of bytes.

Which rows of a session can be reused is the session's own business. Knows no model and no documents; a session's key
is any string.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from hirope_ls.model.lines import Line
from hirope_ls.model.offload import HostStore, Packed
from hirope_ls.model.run import Rows
from hirope_ls.model.session import Session
from hirope_ls.model.slabs import LayerShape, rounded
from hirope_ls.problems import never

_AHEAD = 256  # generated rows for which room is made among those that are kept; more cost some of these
_FEW = 64  # rows that are not worth looking for in other sessions, or copying from them


class _Source(NamedTuple):
    """Where a prefix can be copied from: how long it is, and which line of which session has it."""

    shared: int
    key: str
    line: Line


class BudgetError(Exception):
    """A single session needs more rows than the whole budget holds."""


class KVStore:
    """Sessions by key, the least recently used first, never holding more than `budget_bytes` in slabs.

    Owned by the thread that first uses it. Whole sessions are evicted, oldest first, before another one grows; they go
    to host memory, and come back from there, as far as `host_bytes` allow.
    """

    def __init__(
        self,
        shapes: tuple[LayerShape, ...],
        dtype: torch.dtype,
        device: torch.device,
        budget_bytes: int,
        host_bytes: int = 0,
    ) -> None:
        self._shapes, self._dtype, self._device = shapes, dtype, device
        self.budget_bytes = budget_bytes
        self.host = HostStore(shapes, dtype, device, host_bytes)
        self.row_bytes = sum(shape.row_numbers for shape in shapes) * dtype.itemsize
        self._sessions: dict[str, Session] = {}
        self._owner: int | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._sessions)

    @property
    def used_bytes(self) -> int:
        return sum([session.nbytes for session in self._sessions.values()])

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
                session.release()
            session = Session(self._shapes, self._dtype, self._device, levels)
        self._sessions[key] = session
        session.lease = object()
        if (packed := self.host.take(key)) and session.levels == len(packed.line.positions):
            self._come_back(key, packed)
        return session

    def resume(self, key: str, rows: Rows, most: int, new: int, approximate: bool = False) -> Session:
        """The session of that key, cut to what it shares with `rows`, at most `most`, with room for all and `new` more.

        Where another session shares much more, that is copied from there. What is cut off is kept for later where that
        fits. approximate: rows from before an edit may serve after it (`model/splice.py`). Raises BudgetError.
        """
        session, size = self.open(key, len(rows.positions)), len(rows.ids)
        if approximate and (splice := session.plan_splice(rows)):
            session.resume(rows, most, min(new, _AHEAD), lambda more: self._allow(session, more), splice)
            self.reserve(key, size, size + new)
            session.splice(rows, splice)
            return session
        source = self._elsewhere(session, rows)
        held = self._sessions.get(source.key) if source else None
        if source and held and held.nbytes + size * self.row_bytes > self.budget_bytes:
            session, source = self._take_over(source.key, key), None
        session.resume(rows, most, min(new, _AHEAD), lambda more: self._allow(session, more))
        self.reserve(key, size, size + new, source.key if source else None)
        if source and (source := self._elsewhere(session, rows)):  # making room may have moved it, or taken it
            holder = self._sessions.get(source.key) or self.host.packs[source.key]
            session.adopt(holder, source.line, rows, min(source.shared, most))
        return session

    @contextmanager
    def beside(self, key: str, rows: Rows) -> Iterator[Session | None]:
        """For a while, the session cut to what it shares with `rows`, with room for all; then it lies as it did before.

        None where all of them are there, or where anything would have to go for them: other sessions, or the live line.
        """
        session, size = self.get(key), len(rows.ids)
        if session is None or session.shared(rows) == size or not self._fits_beside(session, rows):
            yield None
            return
        session.lease = object()

        def allow(more: int) -> bool:
            return self.used_bytes + more <= self.budget_bytes

        live = session.step_aside(rows, allow)
        session.grow(max(size, session.cache.capacity))
        try:
            yield session
        finally:
            session.step_back(live, allow)

    def _fits_beside(self, session: Session, rows: Rows) -> bool:
        size, more = len(rows.ids), session.most_aside
        if size > session.cache.capacity:
            more += size * self.row_bytes - session.cache.nbytes + max(layer.nbytes for layer in session.cache.layers)
        return self.used_bytes + more <= self.budget_bytes and session.can_step_aside(rows)

    def _come_back(self, key: str, packed: Packed) -> None:
        rows = len(packed.line)
        if rows <= self.most_rows:
            self.reserve(key, rows, rows)
            self._sessions[key].restore(packed, packed.line)

    def _elsewhere(self, session: Session, rows: Rows) -> _Source | None:
        """The line of another session, here or in host memory, that shares most with `rows`; None if that is little."""
        own = session.shared(rows)
        if len(rows.ids) - own < _FEW:
            return None
        held = [(key, pack.line) for key, pack in self.host.packs.items()]
        for key, other in self._sessions.items():
            held += [(key, line) for line in other.lines if other is not session]
        found = [_Source(line.shared(rows), key, line) for key, line in held]
        best = max(found, key=lambda source: source.shared, default=None)
        return best if best and best.shared >= own + _FEW else None

    def _take_over(self, source: str, key: str) -> Session:
        """Two of them would not fit: the session `source` goes on under another key."""
        self.drop(key)
        session = self._sessions[key] = self._sessions.pop(source)
        session.lease = object()
        return session

    def reserve(self, key: str, least: int, wanted: int, spared: str | None = None) -> int:
        """Give the session `key` room for `wanted` rows, or as many as fit but no fewer than `least`; the room it has.

        Others are evicted for it, `spared` last of all. Rows already held survive where the budget allows copying them
        (old and new of one layer exist at the same time), else the session is emptied. Raises BudgetError.
        """
        self._check_owner()
        session = self._sessions[key]
        if least > self.most_rows:
            raise BudgetError
        wanted = min(wanted, self.most_rows)
        if session.cache.capacity < wanted:
            self._grow(session, wanted, spared)
        if self.used_bytes > self.budget_bytes:
            never("the KV budget is exceeded", used=self.used_bytes, budget=self.budget_bytes)
        return session.cache.capacity

    def _allow(self, session: Session, more: int) -> bool:
        """Make room for so many bytes more in the session; False where it would be too large."""
        if not more:
            return True
        allowed = self.budget_bytes - session.nbytes - more
        if allowed >= 0:
            self._evict(session, allowed)
        return allowed >= 0

    def _grow(self, session: Session, rows: int, spared: str | None) -> None:
        if rows * self.row_bytes + _beside(session) > self.budget_bytes:
            session.forget_lines()
        if rows * self.row_bytes + _beside(session) > self.budget_bytes:
            session.release()
        need = rows * self.row_bytes + _beside(session)
        self._evict(session, self.budget_bytes - need, spared)
        others = self.used_bytes - session.nbytes
        room = (self.budget_bytes - others - _beside(session)) // self.row_bytes
        held = session.cache.capacity
        generous = max(held + held // 8, rounded(rows))  # doubling would leave half of a long file's memory idle
        session.grow(min(generous, room))

    def _evict(self, keep: Session, allowed: int, spared: str | None = None) -> None:
        """Drop the oldest sessions until all but `keep` fit into `allowed` bytes."""
        others = [key for key, session in self._sessions.items() if session is not keep]
        for key in sorted(others, key=lambda key: key == spared):
            if self.used_bytes - keep.nbytes <= allowed:
                return
            if self.host.budget_bytes:
                self.host.put(key, self._sessions[key].lay_longest(), self._sessions[key].cache)  # exact rows only
            self._release(key)

    def drop(self, key: str) -> None:
        self._check_owner()
        self.host.take(key)
        self._release(key)

    def clear(self) -> None:
        """Give all memory of the device back."""
        for key in list(self._sessions):
            self._release(key)

    def _release(self, key: str) -> None:
        session = self._sessions.pop(key, None)
        if session is not None:
            session.lease = object()  # a paused generation may still hold it
            session.release()

    def _check_owner(self) -> None:
        here = threading.get_ident()
        if self._owner is None:
            self._owner = here
        if self._owner != here:
            never("the KV store is used from a second thread")


def _beside(session: Session) -> int:
    """Bytes held beside the slabs while the session grows: rows set aside, and one layer's slabs a second time."""
    return session.nbytes - session.cache.nbytes + max(layer.nbytes for layer in session.cache.layers)
