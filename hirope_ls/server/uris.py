"""What the URI of a document says: whether it is a file on this machine, a text of its own, or only to be looked at.

Pure: opens nothing and asks no disk.
"""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import unquote, urlsplit

_EDITED: Final = frozenset({"", "file", "untitled", "buffer", "scratch", "inmemory", "vscode-notebook-cell"})
"""Schemes of texts that are written. Those of others, such as git:, are old states of them, outputs, or decompiled."""


_ON_DISK: Final = ("file", "vscode-notebook-cell")


def edited(uri: str) -> bool:
    """Whether this is a document that somebody writes."""
    return _split(uri)[0] in _EDITED


def file_path(uri: str) -> str | None:
    """The absolute path of a file, or of the notebook of a cell, as the editor calls it; None for other documents."""
    scheme, path = _split(uri)
    if scheme not in _ON_DISK or not path or "\0" in path:
        return None
    if os.name == "nt" and path[:1] == "/" and path[2:3] == ":":
        path = path[1:]
    return os.path.normpath(path)


def path_of(uri: str) -> str | None:
    """The path in any URI, only to tell languages and secrets by names; it is never opened."""
    return _split(uri)[1] or None


def _split(uri: str) -> tuple[str, str]:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "?", ""
    path = unquote(parts.path)
    return parts.scheme, f"//{parts.netloc}{path}" if parts.netloc not in ("", "localhost") else path
