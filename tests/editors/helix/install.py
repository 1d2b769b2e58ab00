"""Puts Helix 25.01 and 25.07 into a cache folder (see tests/editors/debian.py for how, and what that needs).

PYTHONPATH=tests python -m editors.helix.install
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from editors.kept import cache

from editors import debian

RELEASES: Final = {"25.01": "trixie", "25.07": "forky"}
"""Helix's version, and the release of Debian that has it."""


def install(version: str) -> Path:
    """Fetch and unpack one version, if it is not there; its command. Raises CalledProcessError, OSError."""
    return debian.install(cache() / f"helix-{version}" / "hx", RELEASES[version], "hx", _script)


def _script(root: Path) -> str:
    folder = root / "usr" / "lib" / "hx"
    return f"export HELIX_RUNTIME={folder}/runtime\nexec {folder}/hx"


if __name__ == "__main__":
    for each in RELEASES:
        print(install(each))
