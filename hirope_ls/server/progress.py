"""Work-done progress, for clients that announced it; nothing at all for others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from hirope_ls.server.protocol import StrictProtocol

_log = logging.getLogger(__name__)

LONG_S: Final = 2.0  # less is not worth a bar


class Progress:
    """One progress bar: asked for, begun, moved and ended. Belongs to the event loop."""

    def __init__(self, protocol: StrictProtocol, announced: bool, token: str) -> None:
        self._token = token
        self._protocol = protocol
        self._announced = announced
        self._begun = False
        self._ended = False

    async def begin(self, message: str, percentage: int | None = None) -> None:
        """Ask the client for a bar; it appears once the client agrees, unless loading is over by then."""
        if not self._announced:
            return
        params = types.WorkDoneProgressCreateParams(token=self._token)
        try:
            await self._protocol.send_request_async(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params)
        except JsonRpcException:
            _log.info("the client wants no progress")
            return
        if not self._ended:
            self._begun = True
            self._send(
                types.WorkDoneProgressBegin("hirope-ls", cancellable=False, message=message, percentage=percentage)
            )

    def report(self, message: str, percentage: int | None = None) -> None:
        """Say what is being done now."""
        if self._begun and not self._ended:
            self._send(types.WorkDoneProgressReport(message=message, percentage=percentage))

    def end(self, message: str) -> None:
        """Take the bar away."""
        if self._begun and not self._ended:
            self._send(types.WorkDoneProgressEnd(message=message))
        self._ended = True

    def _send(
        self, value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd
    ) -> None:
        self._protocol.notify(types.PROGRESS, types.ProgressParams(token=self._token, value=value))


class Bars:
    """The session's bars: each has a token of its own, as clients forget none."""

    def __init__(self, protocol: StrictProtocol, announced: bool, spawn: Callable[[Any], None]) -> None:
        """spawn: has a coroutine run as long as the session lasts."""
        self._protocol = protocol
        self._announced = announced
        self._spawn = spawn
        self._made: dict[str, int] = {}

    def new(self, name: str) -> Progress:
        """A bar that is not begun yet."""
        self._made[name] = count = self._made.get(name, 0) + 1
        return Progress(self._protocol, self._announced, name if count == 1 else f"{name}/{count}")

    def watch(self, future: asyncio.Future[Any], name: str, message: str) -> None:
        """Show a bar if this takes long."""
        if self._announced:
            asyncio.get_running_loop().call_later(LONG_S, self._begin, future, name, message)

    def _begin(self, future: asyncio.Future[Any], name: str, message: str) -> None:
        if future.done():
            return
        bar = self.new(name)
        self._spawn(bar.begin(message))
        future.add_done_callback(lambda _: bar.end("done"))
