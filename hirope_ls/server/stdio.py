"""Standard input and output as a message stream: one thread reads, one writes, the event loop never waits for either.

Knows bytes only. pygls reads with a thread pool, whose blocked thread keeps a process alive after `exit`, and writes
on the event loop, which an editor that stops reading would freeze.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable

from hirope_ls.server.framing import Fault, Framer, frame

_log = logging.getLogger(__name__)


def take_stdio() -> tuple[int, int]:
    """File descriptors of our own for stdin and stdout; the public ones lead nowhere and to stderr.

    A library that prints, or a child process that reads, can then not break the protocol.
    """
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return source, sink


class Reader:
    """Reads a descriptor to its end on a thread, and closes it; `deliver` is called there with each body or fault, then
    `ended`."""

    def __init__(self, descriptor: int, deliver: Callable[[bytes | Fault], None], ended: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._deliver = deliver
        self._ended = ended
        self._thread = threading.Thread(target=self._run, name="hirope-stdin", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        framer = Framer()
        try:
            while data := self._read():
                for message in framer.feed(data):
                    self._deliver(message)
        finally:
            self._ended()
            os.close(self._descriptor)

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, 1 << 16)
        except OSError as error:
            _log.warning("stdin failed: %s", error.strerror)
            return b""


class Writer:
    """Writes framed messages on a thread, in order, and closes the descriptor at the end. Has the two methods pygls
    asks of a writer."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hirope-stdout", daemon=True)
        self._thread.start()

    def write(self, body: bytes) -> None:
        """Queue one message body; never blocks. What cannot be written because nobody listens is dropped."""
        self._queue.put(frame(body))

    def close(self) -> None:
        """Take no more messages."""
        self._queue.put(None)

    def flush(self, timeout: float) -> bool:
        """After `close`: wait up to `timeout` seconds until everything is written; whether it was."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (data := self._queue.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._descriptor, view) :]
        except OSError as error:  # the reader of our stdin will see the end and close the process
            _log.info("stdout failed: %s", error.strerror)
            while self._queue.get() is not None:
                continue
        finally:
            os.close(self._descriptor)
