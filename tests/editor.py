"""A fake editor: raw JSON-RPC over a server's pipes, with texts of its own, kept without any code of the server's.

It holds every server to account: each request has exactly one reply, nothing comes after shutdown, the exit code is
right, stderr has no traceback, and no process stays behind.
"""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

SERVER = (sys.executable, "-m", "hirope_ls", "--stdio")
ROOT = Path(__file__).parent.parent
_LINE_END = re.compile("\r\n|\r|\n")
_UNITS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda text: len(text.encode()),
    "utf-16": lambda text: len(text.encode("utf-16-le")) // 2,
}


class ReplyError(Exception):
    """The server answered a request with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


class Text:
    """A document as an editor holds it: a string, and positions counted from scratch."""

    def __init__(self, text: str, encoding: str) -> None:
        self.text = text
        self.version = 1
        self._units = _UNITS.get(encoding, len)

    def position(self, index: int) -> dict[str, int]:
        """The LSP position of the string index; an index between \\r and \\n counts as before both."""
        if self.text[index - 1 : index + 1] == "\r\n":
            index -= 1
        line, start = 0, 0
        for end in _LINE_END.finditer(self.text, 0, index):
            line, start = line + 1, end.end()
        return {"line": line, "character": self._units(self.text[start:index])}

    def index(self, position: dict[str, int]) -> int:
        """The string index of an LSP position, none beyond its line."""
        ends = [0, *(end.end() for end in _LINE_END.finditer(self.text))]
        if position["line"] >= len(ends):
            return len(self.text)
        at = start = ends[position["line"]]
        while at < len(self.text) and not _LINE_END.match(self.text, at):
            if self._units(self.text[start:at]) >= position["character"]:
                break
            at += 1
        return at

    def apply(self, change: dict[str, Any]) -> None:
        """Do what a content change says."""
        if "range" in change:
            start, end = self.index(change["range"]["start"]), self.index(change["range"]["end"])
            self.text = self.text[:start] + change["text"] + self.text[end:]
        else:
            self.text = change["text"]

    def replace(self, start: int, end: int, new: str) -> dict[str, Any]:
        """Do one edit; the content change that tells of it."""
        span = {"start": self.position(start), "end": self.position(end)}
        if self.text[start - 1 : start + 1] == "\r\n":
            start -= 1
        if self.text[end - 1 : end + 1] == "\r\n":
            end -= 1
        self.text = self.text[:start] + new + self.text[end:]
        return {"range": span, "text": new}


def _started(argv: Sequence[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=ROOT)


class Editor:
    """A running server and the documents it was told of. Use it as a context manager: it ends with `quit`."""

    def __init__(
        self,
        argv: Sequence[str] = SERVER,
        env: dict[str, str] | None = None,
        start: Callable[[dict[str, str]], Any] | None = None,
    ) -> None:
        """env: beside what there is. start: begins a process in an environment, in place of `argv`."""
        environment = {
            **os.environ,
            "HIROPE_STRICT": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            **(env or {}),
        }
        self.process: Any = start(environment) if start is not None else _started(argv, environment)
        self.texts: dict[str, Text] = {}
        self.encoding = "utf-16"
        self.notifications: list[dict[str, Any]] = []
        self.asked: list[str] = []  # methods of the server's requests to us
        self.asked_with: list[tuple[str, Any]] = []  # the same, with their parameters
        self.answers: dict[str, Any] = {}  # by method what we answer; null to all others
        self.replies: dict[Any, list[dict[str, Any]]] = {}
        self.stderr = b""
        self._sent: list[int] = []
        self._next_id = 0
        self._news = threading.Condition()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=run, daemon=True) for run in (self._read, self._read_stderr, self._write)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        if kind is None:
            self.quit()
        else:
            self.kill()

    # -- messages

    def send(self, message: Any) -> None:
        """Send one JSON value as a message."""
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are; never blocks."""
        self._outbox.put(data)

    def notify(self, method: str, params: Any) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Any = None) -> int:
        """Send a request; its id."""
        self._next_id += 1
        self._sent.append(self._next_id)
        self.send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        return self._next_id

    def reply(self, request: Any, timeout: float = 60) -> Any:
        """Wait for the result of a request; raises ReplyError or TimeoutError."""
        if not self.wait(lambda: request in self.replies, timeout):
            raise TimeoutError(f"no reply to request {request} in {timeout} s; stderr: {self.stderr.decode()[-2000:]}")
        message = self.replies[request][0]
        if "error" in message:
            raise ReplyError(message["error"])
        return message["result"]

    def ask(self, method: str, params: Any = None, timeout: float = 60) -> Any:
        """A request and its result."""
        return self.reply(self.request(method, params), timeout)

    def wait(self, condition: Any, timeout: float = 60) -> bool:
        """Wait until `condition()` holds; it is looked at whenever something arrives."""
        with self._news:
            return bool(self._news.wait_for(condition, timeout))

    def told(self, method: str) -> list[Any]:
        """The parameters of all notifications of this method so far."""
        return [note["params"] for note in self.notifications if note["method"] == method]

    # -- the life of a session

    def initialize(
        self,
        options: Any = None,
        encodings: list[str] | None = None,
        process_id: int | None = None,
        capabilities: dict[str, Any] | None = None,
        initialized: bool = True,
        roots: Sequence[Path] = (),
    ) -> dict[str, Any]:
        """The handshake; the server's capabilities. Notes the encoding that was agreed on."""
        announced = dict(capabilities or {})
        if encodings is not None:
            announced["general"] = {"positionEncodings": encodings}
        params: dict[str, Any] = {"processId": process_id, "rootUri": None, "capabilities": announced}
        if roots:
            params["workspaceFolders"] = [{"uri": root.as_uri(), "name": root.name} for root in roots]
        if options is not None:
            params["initializationOptions"] = options
        result: dict[str, Any] = self.ask("initialize", params)
        self.encoding = result["capabilities"].get("positionEncoding", "utf-16")
        if initialized:
            self.notify("initialized", {})
        return result["capabilities"]  # type: ignore[no-any-return]

    def ready(self, timeout: float = 120) -> None:
        """Wait until the model is loaded."""
        assert self.wait(lambda: self.told("hirope/ready"), timeout), f"not ready; stderr: {self.stderr.decode()}"

    def quit(self, code: int = 0) -> None:
        """Shutdown and exit, and everything that must hold at the end."""
        self.ask("shutdown")
        children = self._family()
        answered = set(self.replies)
        self.notify("exit", None)
        self.gone(code, children)
        assert set(self.replies) == answered, "something was sent after shutdown"

    def gone(self, code: int, children: Sequence[psutil.Process] = (), timeout: float = 30) -> None:
        """The process ends, or has ended, with this code; all that it owed was sent, and none of it twice."""
        assert self.process.wait(timeout) == code, self.stderr.decode()
        for thread in self._threads[:2]:
            thread.join(30)
            assert not thread.is_alive(), "a pipe is still open: a process stayed behind"
        self._close()
        _, left = psutil.wait_procs(children, timeout=30)  # one that compiles looks after its parent now and then
        assert not left, "a process stayed behind"
        assert b"Traceback" not in self.stderr, self.stderr.decode()
        assert all(len(replies) == 1 for replies in self.replies.values()), "a request was answered twice"
        if code == 0:
            assert set(self._sent) <= set(self.replies), "a request was not answered"

    def kill(self) -> None:
        """End it at once, whatever state it is in."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        self._outbox.put(None)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue

    def _family(self) -> list[psutil.Process]:
        try:
            return list(psutil.Process(self.process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    # -- documents

    def open(self, uri: str, text: str, language: str = "python") -> Text:
        self.texts[uri] = Text(text, self.encoding)
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return self.texts[uri]

    def change(self, uri: str, *edits: tuple[int, int, str]) -> None:
        """Replace text[start:end] by a string, one edit after the other, told in one notification."""
        text = self.texts[uri]
        text.version += 1
        changes = [text.replace(*edit) for edit in edits]
        document = {"uri": uri, "version": text.version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def change_all(self, uri: str, new: str) -> None:
        """Replace the whole text."""
        text = self.texts[uri]
        text.text, text.version = new, text.version + 1
        document = {"uri": uri, "version": text.version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": new}]})

    def close(self, uri: str) -> None:
        del self.texts[uri]
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def inline(self, uri: str, index: int, manual: bool = False, **context: Any) -> int:
        """Ask for an inline completion at a string index; the request's id."""
        params = {
            "textDocument": {"uri": uri},
            "position": self.texts[uri].position(index),
            "context": {"triggerKind": 1 if manual else 2, **context},
        }
        return self.request("textDocument/inlineCompletion", params)

    def last(self, uri: str) -> dict[str, Any]:
        """What became of the last completion."""
        return self.ask("hirope/lastCompletion", {"textDocument": {"uri": uri}})  # type: ignore[no-any-return]

    def inspect(self, uri: str) -> dict[str, Any]:
        return self.ask("hirope/inspect", {"textDocument": {"uri": uri}})  # type: ignore[no-any-return]

    # -- threads

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            assert header.startswith(b"Content-Length: "), header
            length = int(header.split()[1])
            assert stream.readline() == b"\r\n"
            self._take(json.loads(stream.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        assert message["jsonrpc"] == "2.0"
        with self._news:
            if "method" not in message:
                self.replies.setdefault(message["id"], []).append(message)
            elif "id" in message:
                self.asked_with.append((message["method"], message["params"]))
                self.asked.append(message["method"])
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": self.answers.get(message["method"])})
            else:
                self.notifications.append({**message, "at": time.monotonic()})
            self._news.notify_all()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := self.process.stderr.readline():
            self.stderr += data

    def _write(self) -> None:
        assert self.process.stdin is not None
        while (data := self._outbox.get()) is not None:
            try:
                self.process.stdin.write(data)
                self.process.stdin.flush()
            except (OSError, ValueError):  # the server is gone, or we are
                return
