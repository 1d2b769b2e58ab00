"""Holds background work up while something more urgent runs, and ends it at the shutdown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """The work is not wanted any more."""


class Gate:
    """Open unless somebody pauses it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = 0
        self._stopped = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Work waits at the gate meanwhile. May be nested."""
        with self._changed:
            self._paused += 1
        try:
            yield
        finally:
            with self._changed:
                self._paused -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Whoever comes to the gate is told to stop."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Stopped."""
        with self._changed:
            if self._changed.wait_for(lambda: self._stopped, seconds):
                raise Stopped

    def breathe(self) -> None:
        """Wait while the gate is closed. Raises Stopped."""
        if not self._paused and not self._stopped:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._paused)
            if self._stopped:
                raise Stopped
