"""What was heard of and not yet looked at, from all sides; a burst is one batch.

Knows paths, and nothing about them. Any thread may tell; one thread takes.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Final

_QUIET: Final = 0.05  # seconds without news that end a burst
_LONGEST: Final = 0.5  # seconds after which a burst is looked at all the same


@dataclass(slots=True)
class Batch:
    """Folders to read again, files to read again whatever their stamps say, and whether all must be read again."""

    folders: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    everything: bool = False

    def __bool__(self) -> bool:
        return bool(self.folders or self.files or self.everything)


class Pending:
    """The next batch."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._batch = Batch()
        self._first = self._last = 0.0
        self._woken = False

    def tell(self, folder: str | None = None, file: str | None = None, everything: bool = False) -> None:
        """Something may have changed."""
        with self._news:
            now = time.monotonic()
            if not self._batch:
                self._first = now
            self._last = now
            if folder is not None:
                self._batch.folders.add(folder)
            if file is not None:
                self._batch.files.add(file)
            self._batch.everything |= everything
            self._news.notify()

    def wake(self) -> None:
        """Let `take` return at once."""
        with self._news:
            self._woken = True
            self._news.notify()

    def take(self, timeout: float) -> Batch:
        """The batch, once its burst has ended; an empty one after `timeout` seconds, or when woken."""
        until = time.monotonic() + timeout
        with self._news:
            while not self._woken:
                now = time.monotonic()
                ripe = min(self._last + _QUIET, self._first + _LONGEST) if self._batch else until
                if self._batch and ripe <= now:
                    break
                if now >= until:
                    return Batch()
                self._news.wait(min(until, ripe) - now)
            self._woken = False
            batch, self._batch = self._batch, Batch()
            return batch

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take."""
        with self._news:
            return not self._batch
