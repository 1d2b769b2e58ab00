"""The frozen values that the workspace hands out. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple


class Refusal(Enum):
    """Why a file is left alone. The first three say it must not be read at all."""

    OUTSIDE = "outside the workspace"
    SECRET = "secret"
    IGNORED = "ignored"
    UNREADABLE = "unreadable"
    BINARY = "binary"
    TOO_LARGE = "too large"
    GENERATED = "generated"
    MINIFIED = "minified"
    QUARANTINED = "it was being read when the process died"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still read: bytes of a file, and files of all roots together."""

    file_bytes: int = 1_000_000
    files: int = 100_000


class Stamp(NamedTuple):
    """What the file system says of a file's state; equal stamps mean equal content, but for very fresh ones."""

    size: int
    modified: int  # ns
    changed: int  # ns
    inode: int
    device: int

    def fresh(self, at: int) -> bool:
        """Whether the file could still be changed after `at` (ns) without another stamp: clocks tick slowly."""
        return max(self.modified, self.changed) > at - 2_000_000_000


@dataclass(frozen=True, slots=True)
class FileText:
    """What a file says: its bytes as they are in the editor, or else on disk."""

    path: str
    data: bytes
    open: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the indexing is."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Files whose record is new, and files that are gone or must not be used any more."""

    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The files that may be read, by absolute real path, in sorted order. `cut`: there were more than the limit."""

    files: Mapping[str, Stamp] = field(default_factory=lambda: MappingProxyType({}))
    cut: bool = False
