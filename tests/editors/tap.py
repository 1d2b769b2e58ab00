"""Runs a server between an editor and its pipes, and writes down every message that passes, for tests to read.

    python tap.py TRAIL COMMAND [ARG ...]

TRAIL gets a line of JSON a message before it goes on: who sent it, when (monotonic, in nanoseconds), and the message.
The first line of each run tells the server's process id. Uses the standard library alone, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


def main() -> None:
    trail, *command = sys.argv[1:]
    with Path(trail).open("a", buffering=1) as out:
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert server.stdin is not None
        assert server.stdout is not None
        _write(out, sender="tap", pid=server.pid)
        back = threading.Thread(target=_copy, args=(server.stdout, sys.stdout.buffer, "server", out))
        back.start()
        threading.Thread(target=_copy, args=(sys.stdin.buffer, server.stdin, "editor", out), daemon=True).start()
        back.join()
        os._exit(server.wait() & 0xFF)  # the other thread waits for the editor


def _copy(source: IO[bytes], sink: IO[bytes], sender: str, out: IO[str]) -> None:
    try:
        while message := _read(source):
            _write(out, sender=sender, message=json.loads(message))
            sink.write(b"Content-Length: %d\r\n\r\n%b" % (len(message), message))
            sink.flush()
        sink.close()
    except OSError:  # the other side is gone
        return


def _read(source: IO[bytes]) -> bytes:
    length = 0
    while (line := source.readline()).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return source.read(length)


def _write(out: IO[str], **record: Any) -> None:
    out.write(json.dumps({"at": time.monotonic_ns(), **record}) + "\n")


class Trail:
    """What passed so far, as a test reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def command(self, *server: str) -> list[str]:
        """What starts that server with its messages written down here."""
        return [sys.executable, "-S", str(Path(__file__)), str(self.path), *server]

    def records(self) -> Iterator[dict[str, Any]]:
        """All that is written down so far, in order."""
        lines = self.path.read_text().splitlines(keepends=True) if self.path.exists() else []
        return (json.loads(line) for line in lines if line.endswith("\n"))

    def sent(self, method: str) -> list[dict[str, Any]]:
        """The editor's messages of this method."""
        messages = (record["message"] for record in self.records() if record["sender"] == "editor")
        return [message for message in messages if message.get("method") == method]

    def told(self, method: str) -> list[dict[str, Any]]:
        """The server's messages of this method."""
        messages = (record["message"] for record in self.records() if record["sender"] == "server")
        return [message for message in messages if message.get("method") == method]

    def answers(self, method: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The editor's requests of this method that are answered, each with its reply, in the order of replies.

        Of the last run of the server: another one's requests may have the same numbers.
        """
        return self._exchanges(method)[1]

    def open(self, method: str) -> int:
        """How many requests of this method that server has not answered yet."""
        return len(self._exchanges(method)[0])

    def _exchanges(self, method: str) -> tuple[dict[Any, Any], list[tuple[dict[str, Any], dict[str, Any]]]]:
        asked: dict[Any, dict[str, Any]] = {}
        pairs = []
        for record in self.records():
            message = record.get("message", {})
            if record["sender"] == "tap":
                asked.clear()
                pairs.clear()
            elif record["sender"] == "editor" and message.get("method") == method:
                asked[message["id"]] = message
            elif record["sender"] == "server" and "method" not in message and message.get("id") in asked:
                pairs.append((asked.pop(message["id"]), message))
        return asked, pairs

    def items(self) -> list[dict[str, Any]]:
        """What the server suggested last, where it suggested anything."""
        for _, reply in reversed(self.answers("textDocument/inlineCompletion")):
            result = reply.get("result") or []
            if items := result["items"] if isinstance(result, dict) else result:
                return list(items)
        return []

    def suggested(self) -> str:
        """The text of the first of them; "" for none."""
        items = self.items()
        return str(items[0]["insertText"]).replace("\r\n", "\n") if items else ""

    @property
    def pid(self) -> int:
        """The process id of the server that was started last."""
        return int([record["pid"] for record in self.records() if record["sender"] == "tap"][-1])


if __name__ == "__main__":
    main()
