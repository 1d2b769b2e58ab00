"""What is logged, and where besides the editor: a file that is rotated, if the user wishes one. No line holds text of
the user's files. May be called again whenever the wishes change.
"""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from hirope_ls.server.logs import log_file_handler

_LEVELS: Final = {
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}


class LogFile:
    """The session's log: `handler` is the one to the client."""

    def __init__(self, handler: logging.Handler) -> None:
        self._client = handler
        self._logger = logging.getLogger("hirope_ls")
        self._file: RotatingFileHandler | None = None
        self._path: str | None = None
        self._first = self._logger.level

    def wish(self, level: str, path: str | None) -> str | None:
        """Log from this level on, to the client and to this file. What is wrong with the file, in one line."""
        number = _LEVELS[level]
        self._client.setLevel(number)
        problem = self._open(path) if path != self._path else None
        if self._file is not None:
            self._file.setLevel(number)
        lowest = min([number, *(handler.level for handler in self._logger.handlers)])
        self._logger.setLevel(max(lowest, logging.DEBUG))  # level 0 would leave it to the root logger, which says less
        return problem

    def close(self) -> None:
        """The session ends."""
        self._open(None)
        self._logger.setLevel(self._first)

    def _open(self, path: str | None) -> str | None:
        if self._file is not None:
            self._logger.removeHandler(self._file)
            self._file.close()
        self._file, self._path = None, path
        if path is None:
            return None
        try:
            place = Path(path).expanduser()
            self._file = self._opened(place) or log_file_handler(place)
        except (OSError, RuntimeError, ValueError) as error:
            return f"the log file {path} cannot be written: {getattr(error, 'strerror', None) or error}"
        self._logger.addHandler(self._file)
        return None

    def _opened(self, place: Path) -> RotatingFileHandler | None:
        """Where the process logs to this file from its start, by its command line."""
        for handler in self._logger.handlers:
            if isinstance(handler, RotatingFileHandler) and handler.baseFilename == os.path.abspath(place):  # noqa: PTH100
                return handler
        return None
