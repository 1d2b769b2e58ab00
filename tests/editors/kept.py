"""Where the editors that tests run are kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache() -> Path:
    """HIROPE_EDITORS_CACHE, or a folder among the user's caches."""
    given = os.environ.get("HIROPE_EDITORS_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("hirope-ls")) / "editors"
