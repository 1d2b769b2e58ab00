"""The user's own file: `hirope-ls/config.toml` in the platform's folder for configuration, read again when it changes.

Looking at it costs a stat. A file that cannot be read, or is no TOML, leaves what it said before.
"""

from __future__ import annotations

import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_LARGEST: Final = 1_000_000  # bytes
_FRESH_S: Final = 2.0  # a file may be written twice within one tick of its clock


@dataclass(frozen=True)
class Given:
    """What the file says now, or, where that cannot be known, one line about why."""

    values: dict[str, Any] | None
    problem: str | None = None


def user_file() -> Path:
    """Where it would be."""
    from platformdirs import user_config_path

    return user_config_path("hirope-ls", appauthor=False) / "config.toml"


class UserFile:
    """One file, and what it said when it was looked at last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, ...] = ()
        self._data = b""

    def news(self) -> Given | None:
        """What it says, if that is not what it said before; a file that is not there says nothing."""
        stamp: tuple[int, ...]
        try:
            found = self.path.stat()
            stamp = found.st_mtime_ns, found.st_size, found.st_ino
            if stamp == self._stamp and time.time() - found.st_mtime > _FRESH_S:
                return None
            if found.st_size > _LARGEST:
                raise OSError("it is larger than 1 MB")
            data = self.path.read_bytes()
        except FileNotFoundError:
            stamp, data = (), b""
        except OSError as error:
            return self._failed(error)
        self._stamp = stamp
        if data == self._data:
            return None
        self._data = data
        return self._read(data)

    def _failed(self, error: OSError) -> Given | None:
        why = error.strerror or str(error)
        known, self._stamp, self._data = self._data, (), b"\0" + why.encode()
        return None if known == self._data else Given(None, f"{self.path} cannot be read: {why}")

    def _read(self, data: bytes) -> Given:
        try:
            return Given(tomllib.loads(data.decode("utf-8-sig")))
        except (ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "text in UTF-8 is expected"
            return Given(None, f"{self.path} is not TOML and changes nothing until it is mended: {why}")
