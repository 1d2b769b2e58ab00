"""A program in a terminal of its own: keys go in, and the screen can be read. Knows no editors."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyte  # type: ignore[import-not-found]  # of the extra [editors]

PATIENCE_S: Final = 150.0
"""How long a condition is waited for: a limit for a slow, loaded machine, never a pause."""

ESCAPE, ENTER, TAB = "\x1b", "\r", "\t"


def control(letter: str) -> str:
    """Ctrl and a letter."""
    return chr(ord(letter.upper()) & 0x1F)


class _Screen(pyte.Screen):  # type: ignore[misc]
    """Says nothing to questions that pyte does not know."""

    def report_device_status(self, mode: int, private: bool = False) -> None:
        if not private:
            super().report_device_status(mode)

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attributes)


class Terminal:
    """Started with `with`."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], cwd: Path, size: tuple[int, int] = (100, 30)
    ) -> None:
        self._side, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._screen = _Screen(*size)
        self._screen.write_process_input = lambda data: os.write(self._side, data.encode())
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            command,
            stdin=other,
            stdout=other,
            stderr=other,
            env={**environment, "TERM": "xterm-256color"},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(other)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._side, 65536)
            except OSError:  # the program ended
                return
            with self._lock:
                self._stream.feed(data)

    def text(self) -> str:
        """The screen, as lines."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def cursor(self) -> tuple[int, int]:
        """Its column and line, from 0."""
        with self._lock:
            return self._screen.cursor.x, self._screen.cursor.y

    def keys(self, keys: str) -> None:
        """Press them all at once, as the bytes that a terminal sends."""
        os.write(self._side, keys.encode())

    def type(self, text: str) -> None:
        """Press a key for each character, as fast as the screen shows them."""
        for character in text:
            before = self.cursor
            self.keys(ENTER if character == "\n" else character)
            self.wait(lambda before=before: self.cursor != before, f"{character!r} on the screen")  # type: ignore[misc]

    def cursor_line(self) -> str:
        """The line it is in."""
        with self._lock:
            return str(self._screen.display[self._screen.cursor.y])

    def before_cursor(self) -> str:
        """What stands in its line to its left."""
        with self._lock:
            return str(self._screen.display[self._screen.cursor.y][: self._screen.cursor.x])

    def wait(self, until: Callable[[], Any], what: str) -> Any:
        """The first true value of `until`."""
        end = time.monotonic() + PATIENCE_S
        while not (found := until()):
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what}\n{self.text()}")
            time.sleep(0.02)
        return found

    def wait_text(self, *words: str) -> str:
        """The screen, when all the words are on it."""
        self.wait(lambda: all(word in self.text() for word in words), f"{words} on the screen")
        return self.text()

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._reader.join(10)
        os.close(self._side)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
