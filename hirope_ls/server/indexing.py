"""How far the workspace is known: a progress bar for the first time, and figures for whoever asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hirope_ls.server.progress import Progress as Bar

if TYPE_CHECKING:
    from hirope_ls.workspace import Progress

_MESSAGE: Final = "reading the workspace"
_REPORT_S: Final = 0.2  # between two reports


class Indexing:
    """Told how far it is; begins the bar, moves it and takes it away. Belongs to the event loop."""

    def __init__(self, bar: Bar, spawn: Callable[[Any], None]) -> None:
        self._bar = bar
        self._spawn = spawn
        self._now: Progress | None = None
        self._begun = False
        self._told = 0.0

    def progressed(self, progress: Progress) -> None:
        """The workspace is so far."""
        self._now = progress
        if progress.done >= progress.total:
            if self._begun:
                self._bar.end(f"{progress.total} files")
        elif not self._begun:
            self._begun = True
            self._spawn(self._bar.begin(_MESSAGE, 0))
        elif time.monotonic() - self._told > _REPORT_S:
            self._told = time.monotonic()
            text = f"{_MESSAGE}: {progress.done} of {progress.total} files"
            self._bar.report(text, 100 * progress.done // progress.total)

    def as_json(self) -> dict[str, int] | None:
        """Files done and files in all, while there are some to be done."""
        now = self._now
        return None if now is None or now.done >= now.total else {"done": now.done, "total": now.total}
