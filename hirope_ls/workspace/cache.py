"""The folder between starts: one for each version of what is kept, for its owner alone. Safe to delete at any time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Final

import platformdirs

_FORMAT: Final = 1
_KEPT_SECONDS: Final = 30 * 86_400  # of folders of other versions that nobody used


def default_folder() -> Path:
    """The platform's cache folder of this program's index."""
    return platformdirs.user_cache_path("hirope-ls") / "index"


def versioned(base: Path | None, version: str) -> Path | None:
    """The folder for this version inside `base`, made if need be; None where there can be none."""
    if base is None:
        return None
    tag = hashlib.blake2b(f"{_FORMAT} {version}".encode(), digest_size=8).hexdigest()
    folder = base / tag
    try:
        for made in (base, folder):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
            made.chmod(0o700)
        os.utime(folder)
    except OSError:
        return None
    _tidy(base, folder)
    return folder


def _tidy(base: Path, kept: Path) -> None:
    oldest = time.time() - _KEPT_SECONDS
    with contextlib.suppress(OSError):
        for folder in base.iterdir():
            if folder != kept and folder.is_dir() and not folder.is_symlink() and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
