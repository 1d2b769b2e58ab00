"""Open buffers over files: what is open in the editor counts, whatever the disk says.

Takes texts as bytes; knows no versions and no edits. Any thread may call.
"""

from __future__ import annotations

import threading

from hirope_ls.workspace.reading import read_file
from hirope_ls.workspace.values import FileText


class Store:
    """The open buffers by real path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, bytes] = {}

    def put(self, path: str, data: bytes) -> None:
        """The editor has this text for `path` now."""
        with self._lock:
            self._open[path] = data

    def close(self, path: str) -> bool:
        """The editor has let go of `path`; whether it had it."""
        with self._lock:
            return self._open.pop(path, None) is not None

    def buffer(self, path: str) -> bytes | None:
        """The open buffer."""
        return self._open.get(path)

    def open_paths(self) -> frozenset[str]:
        """All paths that are open."""
        with self._lock:
            return frozenset(self._open)

    def text(self, path: str, largest: int) -> FileText | None:
        """The open buffer, else the file; None where there is neither. `path` is real and may be read."""
        if (data := self.buffer(path)) is not None:
            return FileText(path, data, True)
        found = read_file(path, largest)
        return FileText(path, found[0], False) if found is not None else None
