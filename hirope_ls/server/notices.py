"""Messages that pop up in front of the user: one for each cause in a session, however often it comes up.

What answers a command that the user gave is told each time.
"""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from hirope_ls.server.protocol import StrictProtocol


class Notices:
    """The only way to `window/showMessage`. Belongs to the event loop."""

    def __init__(self, protocol: StrictProtocol) -> None:
        self._protocol = protocol
        self._told: set[str] = set()

    def new(self, causes: Iterable[str]) -> tuple[str, ...]:
        """Those of the causes that nobody was told of yet; from now on they count as told."""
        found = tuple(cause for cause in dict.fromkeys(causes) if cause not in self._told)
        self._told.update(found)
        return found

    def error(self, message: str) -> None:
        """Something does not work, and here is why."""
        self._show(types.MessageType.Error, message)

    def warning(self, message: str) -> None:
        """Something is not as the user wishes, and the rest goes on."""
        self._show(types.MessageType.Warning, message)

    def answer(self, message: str) -> None:
        """What the user asked for by hand just now has this to say, as often as it is asked for."""
        self._send(types.MessageType.Info, message)

    def _show(self, kind: types.MessageType, message: str) -> None:
        if self.new([message]):
            self._send(kind, message)

    def _send(self, kind: types.MessageType, message: str) -> None:
        self._protocol.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(type=kind, message=message))
