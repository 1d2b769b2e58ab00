"""Sessions with the server's parts in the test's own process, over pipes: at a tenth of what a process costs.

`serving` runs a session whose model is fake, `Client` is the editor's side of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random as random_
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from editor import Text
from model.fake_model import FakeModel
from server.fakes import spelling

from hirope_ls.config import Settings
from hirope_ls.server.app import App
from hirope_ls.server.backend import Kit

HEADER = re.compile(rb"Content-Length: (\d+)\r\n\r\n")


def framed(message: dict[str, Any]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Client:
    """The editor's side of one session: what it asked, what it may be answered, and what it was."""

    def __init__(self, random: random_.Random, sink: int, source: int) -> None:
        self.random = random
        self.script: list[str] = []
        self.texts: dict[str, Text] = {}
        self.languages: dict[str, str] = {}
        self.allowed: dict[Any, set[int]] = {}
        self.replies: dict[Any, list[dict[str, Any]]] = {}
        self.order: list[dict[str, Any]] = []
        self.down: Any = None  # the request to shut down
        self.patient = True  # whether it waits for the reply to that
        self.encoding = "utf-16"
        self.ended = asyncio.get_running_loop().create_future()
        self._sink, self._source = sink, source
        self._read = b""
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(source, self._readable)

    # -- bytes

    def send(self, message: dict[str, Any]) -> None:
        self.send_bytes(framed(message))

    def send_bytes(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._sink, data) :]

    def hang_up(self) -> None:
        if self._sink >= 0:
            os.close(self._sink)
        self._sink = -1

    def go_deaf(self) -> None:
        """Read nothing more."""
        asyncio.get_running_loop().remove_reader(self._source)
        os.close(self._source)

    def _readable(self) -> None:
        data = os.read(self._source, 1 << 16)
        self._read += data
        while (header := HEADER.match(self._read)) and len(self._read) >= header.end() + int(header[1]):
            end = header.end() + int(header[1])
            self._take(json.loads(self._read[header.end() : end]))
            self._read = self._read[end:]
        if not data:
            asyncio.get_running_loop().remove_reader(self._source)
            os.close(self._source)
            self.ended.set_result(self._read)
        self._news.set()

    def _take(self, message: dict[str, Any]) -> None:
        self.order.append(message)
        if "method" not in message:
            self.replies.setdefault(message["id"], []).append(message)
        elif "id" in message and self._sink >= 0:
            self.send({"id": message["id"], "result": None})

    # -- messages

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def request(self, method: str, params: Any, *codes: int) -> Any:
        """Ask; the codes it may be answered with, 0 for a result."""
        number = len(self.allowed) + 1
        msg_id = number if self.random.random() < 0.9 else f"id {number}"
        self.allowed[msg_id] = set(codes)
        self.send({"id": msg_id, "method": method, "params": params})
        return msg_id

    async def answered(self, *ids: Any) -> None:
        while not self.ended.done() and any(msg_id not in self.replies for msg_id in ids):
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 60)

    def waiting(self) -> list[Any]:
        return [msg_id for msg_id in self.allowed if msg_id not in self.replies]

    def result(self, msg_id: Any) -> Any:
        return self.replies[msg_id][0].get("result")


@contextlib.asynccontextmanager
async def serving(
    folder: Path, random: random_.Random, load_s: float = 0, **pace: float
) -> AsyncIterator[tuple[Client, App, asyncio.Future[int]]]:
    """A session of a model folder: its client, the server, and the exit code to be. `pace` is the fake model's."""
    (server_source, sink), (source, server_sink) = os.pipe(), os.pipe()

    def load(kit: Kit, settings: Settings) -> FakeModel:
        time.sleep(load_s)
        says = kit.tokenizer.encode(b"return first(a, b)\n").ids.tolist()
        return FakeModel(says, **pace, encode=spelling(kit.tokenizer.pieces))

    client = Client(random, sink, source)
    try:
        app = App({"model": str(folder), "context": "off"}, load, force=lambda code: None)
        yield client, app, asyncio.ensure_future(app.run(server_source, server_sink))
    finally:
        client.hang_up()
