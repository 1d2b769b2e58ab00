"""Where log lines go: to the client's log while a session runs, to stderr from WARNING on (HIROPE_LOG sets the level),
and on request to a file, which is turned over when it is full.

VS Code shows stderr as errors, so little is written there. pygls logs whole messages, text included: it is silenced.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from lsprotocol import types

LOG_FILE_BYTES: Final = 4 << 20  # of one file; there are up to three of them
_FORMAT: Final = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_log = logging.getLogger(__name__)

_TYPES = {
    logging.DEBUG: types.MessageType.Debug,
    logging.INFO: types.MessageType.Log,
    logging.WARNING: types.MessageType.Warning,
}


def start_logging(file: Path | None = None) -> None:
    """Set up the process's logging; call it once, before anything is read. A `file` that cannot be is only named."""
    level = logging.getLevelName(os.environ.get("HIROPE_LOG", "warning").upper())
    level = level if isinstance(level, int) else logging.WARNING
    ours = logging.getLogger("hirope_ls")
    ours.setLevel(min(level, logging.INFO))
    ours.propagate = False
    _add(ours, logging.StreamHandler(sys.stderr), level)
    for name in ("pygls", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.raiseExceptions = os.environ.get("HIROPE_STRICT") == "1"  # a full disk is no reason for tracebacks
    if file is not None:
        _log_to(ours, file.expanduser(), min(level, logging.INFO))


def log_file_handler(file: Path) -> RotatingFileHandler:
    """Writes to this file, which is turned over when it is full. Raises OSError or ValueError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        file, maxBytes=LOG_FILE_BYTES, backupCount=2, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler


def _log_to(logger: logging.Logger, file: Path, level: int) -> None:
    try:
        handler = log_file_handler(file)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        _log.warning("there is no log file: %s cannot be written: %s", file, why)
    else:
        _add(logger, handler, level)


def _add(logger: logging.Logger, handler: logging.Handler, level: int) -> None:
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.setLevel(level)
    logger.addHandler(handler)


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
