"""After a suggestion was shown and nothing else is to be done: have the one made that follows if it is accepted whole.

One step ahead only, stopped by whatever is asked for, and left out where the machine would notice. Belongs to the
event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import psutil  # type: ignore[import-untyped]

from hirope_ls.engine.completion import Completion
from hirope_ls.engine.recent import Recent
from hirope_ls.server.backend import Backend
from hirope_ls.server.documents import Document
from hirope_ls.server.generations import Generation, Generations
from hirope_ls.server.status import Status
from hirope_ls.text.edit import Edit

_IDLE_S = 0.05  # after a reply: what the editor says next goes first
_CHEAP_MS = 1000.0  # a suggestion that took longer than this is not made unasked

LookAhead = Literal["auto", "on", "off"]


class Ahead:
    """The one suggestion that is made ahead, or will be in a moment."""

    def __init__(
        self, backend: Backend, generations: Generations, recent: Recent, status: Status, wish: Callable[[], LookAhead]
    ) -> None:
        self._backend = backend
        self._generations = generations
        self._recent = recent
        self._status = status
        self._wish = wish
        self._timer: asyncio.TimerHandle | None = None
        self._cheap = True

    def wait(self) -> None:
        """Something else is to be done first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def shown(self, document: Document, completion: Completion) -> None:
        """This was shown, for the document as it is now."""
        self.wait()
        timings = completion.timings
        if "decode" in timings:
            self._cheap = timings.get("prefill", 0) + timings["decode"] <= _CHEAP_MS
        if self._wish() == "on" or (self._wish() == "auto" and self._cheap and not on_battery()):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_IDLE_S, self._begin, document, document.buffer.data, completion)

    def _begin(self, document: Document, data: bytes, completion: Completion) -> None:
        kit, worker, snapshot = self._backend.kit, self._backend.worker, document.snapshot
        if kit is None or worker is None or snapshot is None or snapshot.buffer.data != data:
            return
        edit = Edit(completion.start, completion.end, completion.text.encode())
        if self._generations.runs(document.uri) or self._recent.known(document.uri, edit.apply(data), edit.new_end):
            return
        then = kit.pipeline.edit(snapshot, [edit], snapshot.version)
        now, accepted = (
            kit.question(*place, self._backend.contexts.get(document.uri))
            for place in ((snapshot, completion.start), (then, edit.new_end))
        )
        made = self._generations.start_ahead(worker, now, accepted)
        made.done.add_done_callback(lambda _: self._count(document.uri, made))

    def _count(self, uri: str, made: Generation) -> None:
        known = self._recent.known(uri, made.data, made.offset)
        if known is not None and known.ahead and known.offset == made.offset:
            self._status.count("ahead")


def on_battery() -> bool:
    """Whether the machine runs on its battery, as far as it says."""
    try:
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    except (OSError, psutil.Error):
        return False
    return battery is not None and battery.power_plugged is False
