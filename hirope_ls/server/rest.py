"""Has the rest of the file in view read when nothing has happened for a while, so that jumping past an edit is cheap.

One reading for each text, of one file at a time; stopped by whatever happens, and left out where the machine would
notice. Belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from hirope_ls.engine.context import Context
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.engine.warmup import warm_rest
from hirope_ls.model.generator import LanguageModel, StopFlag
from hirope_ls.server.ahead import LookAhead, on_battery
from hirope_ls.server.backend import Backend, Kit
from hirope_ls.server.documents import Document
from hirope_ls.server.status import Status
from hirope_ls.text.buffer import Buffer
from hirope_ls.text.encoding import character_start

REST_S: Final = 2.0  # without an edit or a request: the user reads
_MOST_S: Final = 5.0  # of reading at a stretch, unless it is wished for whatever it costs

_Text = tuple[Buffer, Context | None]


class Rest:
    """The one file whose rest is being read, or will be in a moment."""

    def __init__(self, backend: Backend, status: Status, wish: Callable[[], LookAhead]) -> None:
        self._backend = backend
        self._status = status
        self._wish = wish
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[None] | None = None
        self._next: tuple[Document, int] | None = None  # what waits or runs
        self._read: dict[str, _Text] = {}  # of each document what was read to its end last

    def wait(self) -> None:
        """Something else is to be done first."""
        if self._timer is not None:
            self._timer.cancel()
        if self._running is not None:
            self._running.cancel()
        self._timer = self._running = self._next = None

    def put_off(self) -> None:
        """Something else is to be done first, and nothing happened to the file: it is to be read a while later."""
        if self._next is not None:
            self.later(*self._next)

    def later(self, document: Document, place: int) -> None:
        """Something happened at byte `place` of the document: after a while its rest may be read, and no other's."""
        self.wait()
        if self._wish() != "off":
            self._next = document, place
            self._timer = asyncio.get_running_loop().call_later(REST_S, self._begin, document, place)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._read.pop(uri, None)

    def reset(self) -> None:
        """Nothing is read of any document."""
        self.wait()
        self._read.clear()

    def _begin(self, document: Document, place: int) -> None:
        snapshot, kit, worker = document.snapshot, self._backend.kit, self._backend.worker
        self._timer = None
        if self._backend.state != "ready" or snapshot is None or kit is None or worker is None:
            return
        text = snapshot.buffer, self._backend.contexts.get(document.uri)
        if self._read.get(document.uri) == text or (self._wish() == "auto" and on_battery()):
            return
        future = worker.warm(("rest", document.uri), partial(self._job, kit, snapshot, text[1], place))
        self._running = asyncio.wrap_future(future)
        self._running.add_done_callback(partial(self._ended, document.uri, text))

    def _job(
        self,
        kit: Kit,
        snapshot: Snapshot,
        context: Context | None,
        place: int,
        model: LanguageModel,
        stop: StopFlag,
    ) -> None:
        """On the model's thread."""
        data, until = snapshot.buffer.data, stop if self._wish() == "on" else _Until(stop, time.monotonic() + _MOST_S)
        at = character_start(data, min(place, len(data)))
        warm_rest(kit.question(snapshot, at, context), model, until)

    def _ended(self, uri: str, text: _Text, future: asyncio.Future[None]) -> None:
        if future is self._running:
            self._running = self._next = None
        if not future.cancelled() and future.exception() is None:
            self._read[uri] = text
            self._status.count("whole")


class _Until:
    """A stop flag that is set from a time of time.monotonic() on, if not before."""

    def __init__(self, stop: StopFlag, end: float) -> None:
        self._stop, self._end = stop, end

    def is_set(self) -> bool:
        return self._stop.is_set() or time.monotonic() >= self._end
