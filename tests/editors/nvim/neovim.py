"""A real Neovim as a child: msgpack-RPC over its stdin and stdout, with the screen as it draws it.

Knows nothing of the plugin.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import msgpack  # of the extra [editors]
from editors.nvim.screen import Screen

PATIENCE_S: Final = 150.0
"""How long a condition is waited for: a limit for a slow, loaded machine, never a pause."""


class Failure(Exception):
    """Neovim said no."""


class Neovim:
    """Started with `with`; `request` waits for the reply."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], cwd: Path, size: tuple[int, int]
    ) -> None:
        self._process = subprocess.Popen(
            [*command, "--embed"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(environment), cwd=cwd
        )
        self._numbers = itertools.count(1)
        self._replies: queue.Queue[Any] = queue.Queue()
        self.screen = Screen(*size)
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        self.request("nvim_ui_attach", *size, {"rgb": True, "ext_linegrid": True})

    def _read(self, source: IO[bytes]) -> None:
        unpacker = msgpack.Unpacker(raw=False, unicode_errors="surrogateescape", strict_map_key=False, ext_hook=_handle)
        while data := source.read1():  # type: ignore[attr-defined]
            unpacker.feed(data)
            for message in unpacker:
                if message[0] == 1:
                    self._replies.put(message)
                elif message[0] == 2 and message[1] == "redraw":
                    self.screen.take(message[2])
        self._replies.put(None)

    def request(self, method: str, *arguments: Any) -> Any:
        """The result of an API function. Raises Failure."""
        number = self._send(method, *arguments)
        message = self._next_reply(method)
        while message is not None and message[1] != number:
            message = self._next_reply(method)
        if message is None:
            raise Failure(f"Neovim ended while it did {method}")
        if message[2] is not None:
            raise Failure(f"{method}: {message[2][1]}")
        return message[3]

    def _send(self, method: str, *arguments: Any) -> int:
        number = next(self._numbers)
        assert self._process.stdin is not None
        self._process.stdin.write(msgpack.packb([0, number, method, list(arguments)]))
        self._process.stdin.flush()
        return number

    def _next_reply(self, method: str) -> Any:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                return self._replies.get(timeout=1)
            if "Press ENTER" in self.screen.text():
                self._send("nvim_input", "<CR>")
        raise Failure(f"{method}: no reply\n{self.screen.text()}")

    def lua(self, code: str, *arguments: Any) -> Any:
        """What a piece of Lua returns."""
        return self.request("nvim_exec_lua", code, list(arguments))

    def keys(self, keys: str) -> None:
        """Press keys, in Vim's notation."""
        self.request("nvim_input", keys)

    def command(self, command: str) -> None:
        """Run an Ex command."""
        self.request("nvim_command", command)

    def type(self, text: str) -> None:
        """Press a key for each character; the next one when Neovim has done with the last."""
        for character in text:
            self.keys({"<": "<lt>", "\n": "<CR>"}.get(character, character))
            self.request("nvim_get_mode")

    @property
    def text(self) -> str:
        """The current buffer's."""
        return "\n".join(self.request("nvim_buf_get_lines", 0, 0, -1, False))

    @property
    def line(self) -> str:
        """The cursor's."""
        line: str = self.request("nvim_get_current_line")
        return line

    def wait(self, until: Callable[[], Any], what: str) -> Any:
        """The first true value of `until`."""
        end = time.monotonic() + PATIENCE_S
        while not (found := until()):
            assert self._process.poll() is None, "Neovim ended"
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what}\n{self.screen.text()}\n{self.lua(_MESSAGES)}")
            time.sleep(0.02)
        return found

    def close(self) -> None:
        """End it, whatever it does."""
        try:
            self.request("nvim_input", "<C-\\><C-n>:qall!<CR>")
            self._process.wait(10)
        except (Failure, OSError, subprocess.TimeoutExpired):
            self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()

    def __enter__(self) -> Neovim:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_MESSAGES: Final = "return vim.api.nvim_exec2('messages', { output = true }).output"


def _handle(code: int, data: bytes) -> Any:
    """Numbers of buffers, windows and tab pages."""
    return msgpack.unpackb(data)
