"""One helper thread for work that would block the event loop: reading a model's card, opening a large file.

Knows nothing of what it runs. The thread is a daemon, so it never holds up the process's end.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")

_Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Background:
    """Runs calls in the order they came. Made and used on the event loop's thread."""

    def __init__(self, name: str = "hirope-background") -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def run(self, call: Callable[[], R]) -> asyncio.Future[R]:
        """Run `call` on the thread; the future belongs to the loop and gets its result or exception."""
        future: asyncio.Future[R] = self._loop.create_future()
        self._calls.put((call, future))
        return future

    def close(self) -> None:
        """Start nothing more."""
        self._calls.put(None)

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            call, future = item
            if future.cancelled():
                continue
            try:
                done, value = future.set_result, call()
            except BaseException as error:
                done, value = future.set_exception, error
            try:
                self._loop.call_soon_threadsafe(_settle, future, done, value)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return


def _settle(future: asyncio.Future[Any], done: Callable[[Any], None], value: Any) -> None:
    if not future.done():
        done(value)
