"""A server as an editor runs it: a process of its own, talked to over its pipes, watched from outside.

Messages are noted with the time at which they came. Beside what is asked, a thread asks for `hirope/status` all the
time: how long the longest answer took is how long the server's event loop ever kept anybody waiting. Knows no engine.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from hirope_ls.problems import InputError

SERVER: Final = (sys.executable, "-m", "hirope_ls", "--stdio")
_LONGEST: Final = 120.0  # seconds for one answer
_PROBE_S: Final = 0.025  # between two questions of the thread
_WEIGH_S: Final = 0.2  # between two looks at the memory
_CAPABILITIES: Final[Mapping[str, Any]] = {
    "window": {"workDoneProgress": True},
    "workspace": {"workspaceFolders": True, "didChangeWatchedFiles": {"dynamicRegistration": True}},
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the server, and when it came, in seconds since the process was started."""

    at: float
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """One answer to the thread: when it was asked for, how long that took, both in seconds, and what it says."""

    at: float
    took: float
    workspace: Mapping[str, Any]


class Session:
    """See above. Begins with the process; `initialize` shakes hands."""

    def __init__(self, argv: Sequence[str] = SERVER, env: Mapping[str, str] | None = None) -> None:
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
        )
        self.heard: list[Heard] = []  # notifications
        self.looks: list[Look] = []
        self.peaks: dict[str, float] = {}  # MiB
        self._replies: dict[int, Heard] = {}
        self._sent = 0
        self._news = threading.Condition()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._read, self._probe)]
        self._threads[0].start()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        self._over.set()
        if kind is not None:
            self._process.kill()
        else:
            self.ask("shutdown", None)
            self.notify("exit", None)
        self._process.wait(20)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @property
    def now(self) -> float:
        """Seconds since the process was started."""
        return time.perf_counter() - self.began

    def initialize(self, roots: Sequence[Path], settings: Mapping[str, Any]) -> float:
        """The handshake; seconds since the process was started. From then on the server is watched."""
        folders = [{"uri": root.as_uri(), "name": root.name} for root in roots]
        params = {"processId": None, "rootUri": None, "capabilities": _CAPABILITIES, "workspaceFolders": folders}
        self.ask("initialize", {**params, "initializationOptions": settings})
        seconds = self.now
        self.notify("initialized", {})
        self._threads[1].start()
        return seconds

    def ask(self, method: str, params: object) -> Any:
        """The result of a request. Raises InputError where there is none."""
        number = self._send(method, params, True)
        with self._news:
            self._news.wait_for(lambda: number in self._replies or self._process.poll() is not None, _LONGEST)
        if (reply := self._replies.pop(number, None)) is None or "result" not in reply.message:
            raise InputError(f"the server did not answer {method}; is it well? (hirope-ls doctor)")
        return reply.message["result"]

    def notify(self, method: str, params: object) -> None:
        """Tell, and go on."""
        self._send(method, params, False)

    def told(self, method: str) -> list[Heard]:
        """The notifications of this method so far."""
        return [one for one in list(self.heard) if one.message["method"] == method]

    def wait(self, method: str, seconds: float = _LONGEST) -> float:
        """Wait for such a notification; when it came. Raises InputError."""
        with self._news:
            self._news.wait_for(lambda: self.told(method), seconds)
        if not (found := self.told(method)):
            raise InputError(f"the server did not say {method} in {seconds:.0f} s")
        return found[0].at

    def weigh(self) -> dict[str, float]:
        """The resident memory of the server and of its children, in MiB, by now."""
        try:
            process = psutil.Process(self._process.pid)
            family = {"server": process.memory_info().rss, "children": 0}
            for child in process.children(recursive=True):
                family["children"] += child.memory_info().rss
        except psutil.Error:
            return {}
        weights = {name: weight / 2**20 for name, weight in family.items()}
        for name, weight in weights.items():
            self.peaks[name] = max(weight, self.peaks.get(name, 0.0))
        return weights

    def _send(self, method: str, params: object, asks: bool) -> int:
        with self._lock:
            self._sent += asks
            message = {"jsonrpc": "2.0", "method": method, "params": params}
            self._write({**message, "id": self._sent} if asks else message)
            return self._sent

    def _write(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps(message).encode()
        try:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self._process.stdin.flush()
        except OSError as error:
            raise InputError("the server has gone; is it well? (hirope-ls doctor)") from error

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            stream.readline()
            self._take(Heard(self.now, json.loads(stream.read(int(header.split()[1])))))
        with self._news:
            self._news.notify_all()

    def _take(self, heard: Heard) -> None:
        message = heard.message
        if "method" in message and "id" in message:
            with self._lock:
                self._write({"jsonrpc": "2.0", "id": message["id"], "result": None})
            return
        with self._news:
            if "method" in message:
                self.heard.append(heard)
            else:
                self._replies[message["id"]] = heard
            self._news.notify_all()

    def _probe(self) -> None:
        weighed = 0.0
        while not self._over.wait(_PROBE_S):
            asked = self.now
            try:
                status = self.ask("hirope/status", None)
            except InputError:
                return
            self.looks.append(Look(asked, self.now - asked, status.get("workspace") or {}))
            if self.now - weighed > _WEIGH_S:
                weighed = self.now
                self.weigh()
