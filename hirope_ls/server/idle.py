"""Gives the model's memory back when nobody has needed it for a while, if the user wishes that. Off by default.

It cannot race a generation: all that is asked of the model is asked on the event loop, and so is this. Knows no models.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from hirope_ls.server.backend import Backend
from hirope_ls.server.wishes import Wishes

_log = logging.getLogger(__name__)

_LOOK_S: Final = 5.0  # between two looks, or less where the time is short


class Idle:
    """The clock since the last edit or request."""

    def __init__(self, backend: Backend, wishes: Wishes) -> None:
        self._backend = backend
        self._wishes = wishes
        self._since = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The session runs."""
        seconds = self._wishes.now.idle_unload_minutes * 60
        self._timer = asyncio.get_running_loop().call_later(min(seconds or _LOOK_S, _LOOK_S), self._look)

    def active(self) -> None:
        """The user is there."""
        self._since = time.monotonic()

    def close(self) -> None:
        """The session ends."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        seconds = self._wishes.now.idle_unload_minutes * 60
        if self._backend.state != "ready":
            self.active()  # it counts from when the model is there
        elif seconds and self._quiet() >= seconds and self._backend.unload():
            _log.info("the model's memory is given back: nobody needed it for a while")
        self.begin()

    def _quiet(self) -> float:
        """Seconds since anybody was there."""
        return time.monotonic() - max(self._since, self._backend.active)
