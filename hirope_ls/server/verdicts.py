"""Which documents are private, or nobody's to write: nothing is made of them.

Touches the disk, to see where links lead. Knows no texts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hirope_ls.server.uris import edited, file_path, path_of

if TYPE_CHECKING:  # slow to import: that is done in the background
    from hirope_ls.workspace import Workspace


@dataclass(frozen=True)
class Verdict:
    """By which rule a document is left alone, if by any; and its real path, if that is in the workspace."""

    rule: str | None = None
    path: str | None = None


def judge(uri: str, workspace: Workspace | None) -> Verdict:
    """Whether the document may be served. What is outside of all roots may, unless its name says that it is secret."""
    if not edited(uri):
        return Verdict("read-only")
    from hirope_ls.workspace import Refusal
    from hirope_ls.workspace.secrets import secret_path

    path = file_path(uri)
    if path is None:
        return Verdict("secret" if secret_path((path_of(uri) or "").lstrip("/")) else None)
    refusal = workspace.refusal(path) if workspace is not None else Refusal.OUTSIDE
    if refusal in (Refusal.SECRET, Refusal.IGNORED):
        return Verdict(refusal.name.lower())
    real = os.path.realpath(path)
    if refusal is Refusal.OUTSIDE:
        return Verdict("secret" if secret_path(path.lstrip("/")) or secret_path(real.lstrip("/")) else None)
    return Verdict(None, real)
