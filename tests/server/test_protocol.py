"""The protocol class alone: each request has one reply, whatever its handler does."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from hirope_ls.server.protocol import StrictProtocol, shared_converter


class Wire:
    """A connection whose client is this test."""

    def __init__(self, handlers: dict[str, Callable[[Any], Any]]) -> None:
        self.written: list[dict[str, Any]] = []
        self.bad: list[str] = []
        server = SimpleNamespace(name="test", version="1")
        self.protocol = StrictProtocol(server, shared_converter())
        self.protocol.set_writer(self)
        self.protocol.handlers.update({"initialize": lambda params: {}, **handlers})
        self.protocol.on_bad = lambda method, params: self.bad.append(method)
        self.ask("initialize", "initialize")

    def write(self, body: bytes) -> None:
        self.written.append(json.loads(body))

    def close(self) -> None:
        """Asked of a writer."""

    def ask(self, msg_id: Any, method: str, params: Any = None) -> None:
        self.receive({"id": msg_id, "method": method, "params": params})

    def receive(self, message: dict[str, Any]) -> None:
        self.protocol.receive(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def code(self, msg_id: Any) -> int:
        """Of the one reply to a request: an error's, or 0."""
        (reply,) = (message for message in self.written if message.get("id") == msg_id)
        return int(reply["error"]["code"]) if "error" in reply else 0


class Odd:
    """Nothing that JSON can say."""


def raised(params: Any) -> None:
    raise ValueError("SECRET")


async def later(params: Any) -> Any:
    await asyncio.sleep(0)
    return raised(params)


async def late(params: Any) -> Any:
    return Odd()


@pytest.mark.parametrize("handler", [raised, later, late, lambda params: Odd(), lambda params: [math.nan]])
def test_a_handler_that_fails_is_one_error_reply(handler: Callable[[Any], Any]) -> None:
    async def play() -> None:
        wire = Wire({"x/y": handler})
        wire.ask(1, "x/y")
        for _ in range(5):
            await asyncio.sleep(0)
        assert wire.code(1) == -32803
        assert "SECRET" not in str(wire.written)

    asyncio.run(play())


def test_shutdown_answers_even_what_does_not_let_go() -> None:
    async def stubborn(params: Any) -> Any:
        while True:
            try:
                await asyncio.sleep(3)
            except asyncio.CancelledError:
                if params["end"].is_set():
                    return "too late"

    async def play() -> None:
        end = asyncio.Event()
        wire = Wire({"x/y": lambda params: stubborn({"end": end})})
        wire.ask(1, "x/y")
        await asyncio.sleep(0)
        wire.ask(2, "shutdown")
        while wire.written[-1]["id"] != 2:
            await asyncio.sleep(0.01)
        assert (wire.code(1), wire.code(2)) == (-32800, 0)
        end.set()
        (task,) = asyncio.all_tasks() - {asyncio.current_task()}
        task.cancel()
        assert await task == "too late"
        await asyncio.sleep(0)
        assert wire.written[-1]["id"] == 2

    asyncio.run(play())


def test_requests_and_notifications_are_never_mistaken_for_each_other() -> None:
    called: list[str] = []
    names = ("textDocument/inlineCompletion", "textDocument/didOpen", "x/ask", "x/didSee")
    handlers = {name: lambda params, name=name: called.append(name) for name in names}
    wire = Wire(handlers)
    for number, name in enumerate(names):
        wire.receive({"method": name})
        wire.ask(number, name)
    assert called == ["textDocument/inlineCompletion", "textDocument/didOpen", "x/ask", "x/didSee"]
    assert [wire.code(number) for number in range(4)] == [0, -32601, 0, -32601]


def test_a_notification_that_fails_is_told_to_the_owner() -> None:
    wire = Wire({"x/didSee": raised})
    wire.receive({"method": "x/didSee"})
    assert wire.bad == ["x/didSee"]
    assert len(wire.written) == 1
