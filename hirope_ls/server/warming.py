"""Has the model read what will be asked for: when a file opens or gains focus, and when the user pauses after an edit.

Below everything that is asked for. Before the first completion in a file it is read from its start. Later only what a
completion at the cursor's last known place begins with: all of it, at every pause, would keep a laptop busy; the rest
waits for a longer one (`server/rest.py`). Belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from hirope_ls.engine.context import Context
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.engine.warmup import warm, warm_here
from hirope_ls.model.generator import LanguageModel, StopFlag
from hirope_ls.server.ahead import LookAhead
from hirope_ls.server.backend import Backend, Kit
from hirope_ls.server.documents import Document
from hirope_ls.server.progress import Bars
from hirope_ls.server.rest import Rest
from hirope_ls.server.status import Status
from hirope_ls.server.switches import Switches
from hirope_ls.text.edit import Edit
from hirope_ls.text.encoding import character_start

PAUSE_S: Final = 0.3  # without an edit: the user thinks, or looks elsewhere


@dataclass(eq=False)
class _File:
    """What is known of a document. `place`: the cursor's last, in bytes; `asked`: whether a completion was computed."""

    place: int | None = None
    asked: bool = False
    running: asyncio.Future[float] | None = None
    took: float = 0.0  # seconds, the longest reading so far
    pause: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        if self.running is not None:
            self.running.cancel()
        if self.pause is not None:
            self.pause.cancel()
        self.running = self.pause = None


class Warming:
    """The warm-ups that wait or run, and the places they are for."""

    def __init__(
        self, backend: Backend, status: Status, wish: Callable[[], LookAhead], switches: Switches, bars: Bars
    ) -> None:
        self._backend = backend
        self._status = status
        self._rest = Rest(backend, status, wish)
        self._switches = switches
        self._bars = bars
        self._files: dict[str, _File] = {}
        self._focus: str | None = None
        self.read: Callable[[str], None] = lambda uri: None
        """Told the document, of which all that a completion begins with is computed for its present text."""

    def start(self, document: Document) -> None:
        """Read the document when nothing else is to be done; nothing if it cannot be read now."""
        snapshot, kit, worker = document.snapshot, self._backend.kit, self._backend.worker
        if self._backend.state != "ready" or snapshot is None or kit is None or worker is None:
            return
        if self._switches.rule(document.uri, document.language_id) is not None:
            return
        self._rest.put_off()
        file = self._file(document.uri)
        file.stop()
        context = self._backend.contexts.get(document.uri)
        job = partial(self._read, kit, snapshot, context, file.place if file.asked else None)
        file.running = asyncio.wrap_future(worker.warm(document.uri, job, first=document.uri == self._focus))
        file.running.add_done_callback(partial(self._read_through, document.uri))
        if document.uri == self._focus:
            self._bars.watch(file.running, "hirope/warm", "reading the file")

    def focus(self, document: Document) -> None:
        """The user looks at this document now."""
        if self._focus != document.uri:
            self._focus = document.uri
            self.start(document)

    def asked(self, document: Document, place: int) -> None:
        """A request is about this place: the cursor is there, and the document has the focus."""
        self._file(document.uri).place = place
        self._focus = document.uri
        self._rest.later(document, place)

    def computed(self, uri: str) -> None:
        """A completion of this document goes to the model: its own prefill takes over."""
        file = self._file(uri)
        file.asked = True
        if file.running is not None:
            file.running.cancel()

    def refresh(self, document: Document) -> None:
        """Rows from before an edit served for an answer: in a pause they are computed anew, for the next one."""
        file = self._file(document.uri)
        if file.pause is not None:
            file.pause.cancel()
        file.pause = asyncio.get_running_loop().call_later(PAUSE_S, self._pause, document)

    def edited(self, document: Document, edits: Sequence[Edit]) -> None:
        """The document changed: it is read again once the user pauses, and not for its old text.

        One edit leaves the cursor at its end; several, as of a formatter, leave it where it was.
        """
        file = self._file(document.uri)
        file.stop()
        for edit in edits:
            file.place = moved(file.place, edit) if len(edits) > 1 else edit.new_end
        file.pause = asyncio.get_running_loop().call_later(PAUSE_S, self._pause, document)
        self._rest.wait()

    def place(self, uri: str) -> int:
        """The cursor's last known place in the document, in bytes; its start if none is known."""
        return self._file(uri).place or 0

    def took(self, uri: str) -> float:
        """Seconds that it takes to read the document, as far as is known."""
        return self._file(uri).took

    def reset(self) -> None:
        """Another model, or the same with empty caches: nothing is read yet."""
        for file in self._files.values():
            file.stop()
            file.asked = False
        self._rest.reset()

    def closed(self, uri: str) -> None:
        """The document was closed."""
        if (file := self._files.pop(uri, None)) is not None:
            file.stop()
        self._rest.wait()
        self._rest.forget(uri)
        if self._focus == uri:
            self._focus = None

    def _pause(self, document: Document) -> None:
        file = self._file(document.uri)
        self.start(document)
        if file.asked and file.place is not None and self._switches.rule(document.uri, document.language_id) is None:
            self._rest.later(document, file.place)

    def _file(self, uri: str) -> _File:
        return self._files.setdefault(uri, _File())

    def _read(
        self,
        kit: Kit,
        snapshot: Snapshot,
        context: Context | None,
        place: int | None,
        model: LanguageModel,
        stop: StopFlag,
    ) -> float:
        """On the model's thread; the seconds it takes."""
        began = time.monotonic()
        if place is None:
            warm(snapshot, kit.recipe, model, stop, context)
        else:
            data = snapshot.buffer.data
            warm_here(kit.question(snapshot, character_start(data, min(place, len(data))), context), model, stop)
        return time.monotonic() - began

    def _read_through(self, uri: str, future: asyncio.Future[float]) -> None:
        if not future.cancelled() and future.exception() is None:
            file = self._file(uri)
            file.took = max(file.took, future.result())
            self._status.count("warmed")
            self.read(uri)


def moved(place: int | None, edit: Edit) -> int | None:
    """Where a place is after an edit."""
    if place is None or place <= edit.start:
        return place
    return edit.new_end if place < edit.old_end else place + edit.delta
