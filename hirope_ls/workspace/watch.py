"""Which folders changed, from the kernel: one watch a folder, through watchdog's inotify descriptor.

watchdog's observers watch all that lies below a root and keep to themselves what goes wrong. So the layer below them
is used, with watches for the folders that are read and no others. A full queue means that anything may have changed:
`lost` is called. A folder that cannot be watched (no watches left, no instances left, another system than Linux) is in
`unwatched`, for whoever polls. Calls back from watchdog's thread. Reads nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import InotifyEvent, InotifyFD, Mask, WatchDescriptor

_SHARE: Final = 2  # at most one of so many watches that the user may have: editors need some, too


class Watches:
    """The watches of one workspace. `changed(folder, name)`: an entry; name None: the folder itself."""

    def __init__(
        self, changed: Callable[[str, str | None], None], lost: Callable[[], None], kernel: bool = True
    ) -> None:
        self._changed = changed
        self._lost = lost
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._by_path: dict[str, tuple[WatchDescriptor, int]] = {}
        self._by_watch: dict[WatchDescriptor, str] = {}
        self._failed: set[str] = set()
        self._most = _most_watches()
        self._inotify = _start() if kernel else None

    def unwatched(self) -> frozenset[str]:
        """The folders that have to be looked at, because nobody tells about them."""
        with self._lock:
            if self._inotify is not None and not self._inotify.is_alive():
                return frozenset(self._failed | self._by_path.keys())
            return frozenset(self._failed)

    def watch(self, path: str) -> None:
        """From now on, changes in this folder are told. Again for a folder that may be another one by now."""
        found = self._add(path)
        with self._lock:
            old = self._by_path.pop(path, None)
            self._failed.discard(path)
            if found is None:
                self._failed.add(path)
            else:
                # A folder that was moved keeps its watch: its old path loses it.
                before = self._by_watch.get(found[0])
                if before is not None and before != path:
                    stale = self._by_path.pop(before, None)
                    self._remove(stale)
                self._by_path[path] = found
                self._by_watch[found[0]] = path
            if old is not None and (found is None or old[0] != found[0]):
                self._by_watch.pop(old[0], None)
            self._remove(old)

    def unwatch(self, path: str) -> None:
        """This folder is not read any more."""
        with self._lock:
            self._failed.discard(path)
            old = self._by_path.pop(path, None)
            if old is not None:
                self._by_watch.pop(old[0], None)
            self._remove(old)

    def close(self) -> None:
        """End the thread and give the watches back."""
        if self._inotify is not None:
            self._inotify.stop()
            self._inotify.join(5)

    def on_event(self, event: InotifyEvent) -> None:
        """watchdog's: an event of one watch."""
        path = self._by_watch.get(event.wd)
        if path is not None:
            self._changed(path, os.fsdecode(event.name) if event.name else None)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """watchdog's: the kernel took a watch away, with its folder."""
        with self._lock:
            path = self._by_watch.pop(wd, None)
            if path is None:
                return
            if (old := self._by_path.get(path)) is not None and old[0] == wd:
                del self._by_path[path]
        self._changed(path, None)

    def on_queue_overflow(self) -> None:
        """watchdog's: the kernel's queue was full."""
        self._lost()

    def _add(self, path: str) -> tuple[WatchDescriptor, int] | None:
        if self._inotify is None or len(self._by_path) >= self._most:
            return None
        from watchdog.observers.inotify_c import CallbackId

        number = next(self._numbers)
        try:
            found = self._inotify.add_callback(os.fsencode(path), _mask(), self, CallbackId(number))
        except OSError:
            return None
        return (found, number) if found >= 0 else None

    def _remove(self, old: tuple[WatchDescriptor, int] | None) -> None:
        from watchdog.observers.inotify_c import CallbackId

        if old is not None and self._inotify is not None:
            with contextlib.suppress(OSError):
                self._inotify.remove_callbacks([(old[0], CallbackId(old[1]))])


def _start() -> InotifyFD | None:
    if sys.platform != "linux":
        return None
    try:
        from watchdog.observers.inotify_c import InotifyFD

        inotify = InotifyFD()
        inotify.start()
    except (ImportError, OSError, RuntimeError):  # no such libc, no instances left, no threads left
        return None
    return inotify


def _mask() -> Mask:
    from watchdog.observers.inotify_c import InotifyConstants as Inotify
    from watchdog.observers.inotify_c import Mask

    content = Inotify.IN_MODIFY | Inotify.IN_CLOSE_WRITE | Inotify.IN_ATTRIB
    names = Inotify.IN_CREATE | Inotify.IN_DELETE | Inotify.IN_MOVE
    itself = Inotify.IN_DELETE_SELF | Inotify.IN_MOVE_SELF
    kind = Inotify.IN_ONLYDIR | Inotify.IN_DONT_FOLLOW | Inotify.IN_EXCL_UNLINK
    return Mask(content | names | itself | kind)


def _most_watches() -> int:
    try:
        return int(Path("/proc/sys/fs/inotify/max_user_watches").read_text()) // _SHARE
    except (OSError, ValueError):
        return 8_192 // _SHARE
