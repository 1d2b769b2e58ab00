"""The notification `hirope/status`, for clients that ask for it: what the request tells, whenever it is something new.

A client asks by `initializationOptions: {"hirope": {"status": true}}` or by the experimental capability `hiropeStatus`.
Belongs to the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from hirope_ls.server.convert import announces
from hirope_ls.server.protocol import StrictProtocol
from hirope_ls.server.wishes import OURS

NAME: Final = "hirope/status"
_GAP_S: Final = 0.3  # between two
_RESTLESS: Final = ("rssMiB",)  # changes all the time: no news by itself


class Telling:
    """Waits a moment after each change, and says it all at once."""

    def __init__(self, protocol: StrictProtocol, report: Callable[[], dict[str, Any]]) -> None:
        self._protocol = protocol
        self._report = report
        self._wanted = False
        self._timer: asyncio.TimerHandle | None = None
        self._told: dict[str, Any] | None = None

    def initialize(self, params: Mapping[str, Any]) -> None:
        """Whether this client wants to be told."""
        options = params.get("initializationOptions")
        ours = options.get(OURS) if isinstance(options, Mapping) else None
        wished = isinstance(ours, Mapping) and ours.get("status") is True
        self._wanted = wished or announces(params["capabilities"], "experimental", "hiropeStatus")

    def changed(self) -> None:
        """Something may be new."""
        if self._wanted and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GAP_S, self._tell)

    def close(self) -> None:
        """The session ends."""
        self._wanted = False
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = None
        report = self._report()
        calm = {**report, "memory": {k: v for k, v in report["memory"].items() if k not in _RESTLESS}}
        if calm != self._told:
            self._told = calm
            self._protocol.notify(NAME, report)
