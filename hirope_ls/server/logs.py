"""Where log lines go: to the client's log while a session runs, to stderr from WARNING on (HIROPE_LOG sets the level).

VS Code shows stderr as errors, so little is written there. pygls logs whole messages, text included: it is silenced.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable

from lsprotocol import types

_TYPES = {
    logging.DEBUG: types.MessageType.Debug,
    logging.INFO: types.MessageType.Log,
    logging.WARNING: types.MessageType.Warning,
}


def start_logging() -> None:
    """Set up the process's logging; call it once, before anything is read."""
    level = logging.getLevelName(os.environ.get("HIROPE_LOG", "warning").upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(level if isinstance(level, int) else logging.WARNING)
    ours = logging.getLogger("hirope_ls")
    ours.setLevel(min(handler.level, logging.INFO))
    ours.propagate = False
    ours.addHandler(handler)
    for name in ("pygls", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class ClientHandler(logging.Handler):
    """Hands log lines to the client as window/logMessage; `send` may be called from any thread."""

    def __init__(self, send: Callable[[types.LogMessageParams], None]) -> None:
        super().__init__(logging.INFO)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        kind = _TYPES.get(record.levelno, types.MessageType.Error)
        try:
            self._send(types.LogMessageParams(type=kind, message=record.getMessage()))
        except Exception:
            self.handleError(record)
