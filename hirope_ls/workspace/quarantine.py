"""Files during whose reading a process died: they are left alone from then on, until they change.

While a text is parsed, its digest stands in a marker file that the process holds locked. A marker that nobody holds
was left by a process that died. Where files cannot be locked so, there are no markers. Knows digests and paths, no
texts. Any thread may call; so may any process.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hirope_ls.workspace.reading import O_CLOEXEC, O_NOFOLLOW

try:
    import fcntl
except ImportError:  # not a POSIX system: nobody can tell whether the process of a marker lives
    fcntl = None  # type: ignore[assignment]

_LIST: Final = "quarantine.jsonl"
_MARKER: Final = ".reading"


class Quarantine:
    """The quarantine kept in `folder`; without one, of this process alone."""

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.Lock()
        self._folder = folder
        self._held: dict[bytes, str] = {}
        self._active: dict[bytes, str] = {}
        self._marker: int | None = None
        self._name: Path | None = None
        self.found: tuple[str, ...] = ()  # paths that were put here because of an earlier process, to be said once
        if folder is not None:
            with contextlib.suppress(OSError):
                self._load(folder)

    def holds(self, digest: bytes) -> bool:
        """Whether this text must be left alone."""
        return digest in self._held

    def add(self, digest: bytes, path: str) -> None:
        """This text ended a process."""
        with self._lock:
            self._held[digest] = path
            if self._folder is not None:
                with contextlib.suppress(OSError):
                    self._append(self._folder, [(digest, path)])

    @contextmanager
    def during(self, digest: bytes, path: str) -> Iterator[None]:
        """While this text is being parsed in this process."""
        self._mark(digest, path)
        try:
            yield
        finally:
            self._mark(digest, None)

    def close(self) -> None:
        """The process goes in peace."""
        with self._lock:
            if self._marker is not None:
                os.close(self._marker)
                self._marker = None
            if self._name is not None:
                self._name.unlink(missing_ok=True)

    def _mark(self, digest: bytes, path: str | None) -> None:
        with self._lock:
            if path is None:
                self._active.pop(digest, None)
            else:
                self._active[digest] = path
            if self._marker is None:
                return
            line = json.dumps([[key.hex(), value] for key, value in self._active.items()]).encode()
            with contextlib.suppress(OSError):
                os.pwrite(self._marker, line, 0)
                os.ftruncate(self._marker, len(line))

    def _load(self, folder: Path) -> None:
        self._held = dict(_read_list(folder / _LIST))
        if fcntl is None:
            return
        left = [entry for marker in folder.glob(f"*{_MARKER}") for entry in _left_behind(marker)]
        new = [(digest, path) for digest, path in left if digest not in self._held]
        self._held.update(new)
        self._append(folder, new)
        self.found = tuple(path for _, path in new)
        self._name = folder / f"{os.getpid()}-{id(self):x}{_MARKER}"
        self._marker = os.open(self._name, os.O_RDWR | os.O_CREAT | O_CLOEXEC, 0o600)
        fcntl.flock(self._marker, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _append(self, folder: Path, entries: list[tuple[bytes, str]]) -> None:
        lines = b"".join(json.dumps([digest.hex(), path]).encode() + b"\n" for digest, path in entries)
        if lines:
            handle = os.open(folder / _LIST, os.O_WRONLY | os.O_APPEND | os.O_CREAT | O_CLOEXEC, 0o600)
            try:
                os.write(handle, lines)
            finally:
                os.close(handle)


def _read_list(path: Path) -> list[tuple[bytes, str]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    return [entry for line in lines for entry in _entries(b"[" + line + b"]")]


def _left_behind(marker: Path) -> list[tuple[bytes, str]]:
    """What a dead process was reading. The marker goes with it."""
    try:
        handle = os.open(marker, os.O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    except OSError:
        return []
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = _entries(os.read(handle, 1 << 20))
        marker.unlink(missing_ok=True)
        return found
    except OSError:
        return []  # its process lives
    finally:
        os.close(handle)


def _entries(data: bytes) -> list[tuple[bytes, str]]:
    try:
        return [(bytes.fromhex(digest), str(path)) for digest, path in json.loads(data)]
    except (ValueError, TypeError):
        return []
