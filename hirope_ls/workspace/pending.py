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
_TYPING: Final = 0.4  # seconds without a keystroke that end a burst of typing
_LONGEST_TYPING: Final = 2.0


@dataclass(slots=True)
class Batch:
    """Folders to read again, files to read again whatever their stamps say, and whether all must be read again."""

    folders: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    everything: bool = False

    def __bool__(self) -> bool:
        return bool(self.folders or self.files or self.everything)


class _Burst:
    """When a burst began, and when it was heard last."""

    def __init__(self, quiet: float, longest: float) -> None:
        self._quiet, self._longest = quiet, longest
        self._first = self._last = float("inf")

    def hear(self) -> None:
        self._last = time.monotonic()
        self._first = min(self._first, self._last)

    def end(self) -> None:
        self._first = self._last = float("inf")

    @property
    def ripe(self) -> float:
        """When it is to be looked at; never, if there is none."""
        return min(self._last + self._quiet, self._first + self._longest)


class Pending:
    """The next batch. What is typed may wait longer than what happens on disk."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._batch = Batch()
        self._typed: set[str] = set()
        self._burst = _Burst(_QUIET, _LONGEST)
        self._typing = _Burst(_TYPING, _LONGEST_TYPING)
        self._woken = False
        self._taken = False

    def tell(self, folder: str | None = None, file: str | None = None, everything: bool = False) -> None:
        """Something may have changed."""
        with self._news:
            self._burst.hear()
            if folder is not None:
                self._batch.folders.add(folder)
            if file is not None:
                self._batch.files.add(file)
            self._batch.everything |= everything
            self._news.notify()

    def type(self, file: str) -> None:
        """An open file has another text."""
        with self._news:
            self._typing.hear()
            self._typed.add(file)
            self._news.notify()

    def wake(self) -> None:
        """Let `take` return at once."""
        with self._news:
            self._woken = True
            self._news.notify()

    def take(self, timeout: float) -> Batch:
        """What is ripe once something is; an empty batch after `timeout` seconds, or when woken."""
        until = time.monotonic() + timeout
        with self._news:
            while not self._woken:
                now, ripe = time.monotonic(), min(self._burst.ripe, self._typing.ripe)
                if ripe <= now or until <= now:
                    break
                self._news.wait(min(until, ripe) - now)
            self._woken = False
            return self._take(time.monotonic())

    def done(self) -> None:
        """The batch that was taken was looked at."""
        self._taken = False

    @property
    def empty(self) -> bool:
        """Whether all was taken and looked at."""
        with self._news:
            return not (self._batch or self._typed or self._taken)

    def _take(self, now: float) -> Batch:
        batch = Batch()
        if self._burst.ripe <= now:
            batch, self._batch = self._batch, batch
            self._burst.end()
        if self._typing.ripe <= now:
            batch.files |= self._typed
            self._typed = set()
            self._typing.end()
        self._taken = bool(batch)
        return batch
