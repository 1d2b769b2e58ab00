"""Opens files, and nothing else does. A file is read only if its path is real: no link on the way, now or meanwhile."""

from __future__ import annotations

import os
import stat
from typing import Final

from hirope_ls.workspace.values import Stamp

# Flags that not every system has: what they are for is then seen to by what is compared before and after.
O_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)
O_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_PLAIN: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_FLAGS: Final = os.O_RDONLY | O_CLOEXEC | O_NOFOLLOW | _PLAIN
_LARGEST: Final = 2**63 - 1
_LARGEST_RULES: Final = 10_000_000  # bytes of an ignore file


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp in a stat result, in numbers that a database can keep."""
    modified, changed = (max(-_LARGEST, min(time, _LARGEST)) for time in (status.st_mtime_ns, status.st_ctime_ns))
    return Stamp(status.st_size, modified, changed, status.st_ino & _LARGEST, status.st_dev)


def read_file(path: str, largest: int) -> tuple[bytes, Stamp] | None:
    """The bytes of a regular file and its stamp from before they were read; None if it cannot be read as it is."""
    if os.path.realpath(path) != path:
        return None
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        # Seen again once it is open: a folder on the way may have become a link in between.
        if not stat.S_ISREG(status.st_mode) or status.st_size > largest or _opened(handle, path) != path:
            return None
        return _all(handle, largest), stamp_of(status)
    except OSError:
        return None
    finally:
        os.close(handle)


def read_rules(path: str) -> bytes | None:
    """The bytes of an ignore file, itself not a link (as git has it); None if there is none."""
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return None
    try:
        return _all(handle, _LARGEST_RULES) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(handle)


def _opened(handle: int, path: str) -> str:
    """The real path of what was opened: the kernel knows it, where it tells."""
    try:
        return os.readlink(f"/proc/self/fd/{handle}")
    except OSError:
        return os.path.realpath(path)


def _all(handle: int, largest: int) -> bytes:
    parts, left = [], largest + 1
    while left and (part := os.read(handle, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
