"""Puts Neovim 0.10 and 0.12 into a cache folder (see tests/editors/debian.py for how, and what that needs).

    PYTHONPATH=tests python -m editors.nvim.install

So is lazy.nvim, the manager of plugins, for which git has to reach GitHub. The folder is `HIROPE_EDITORS_CACHE`, or
`hirope-ls/editors` in the platform's cache folder.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from editors.kept import cache

from editors import debian

RELEASES: Final = {"0.10": "trixie", "0.12": "forky"}
"""Neovim's version, and the release of Debian that has it."""
_LAZY: Final = ("https://github.com/folke/lazy.nvim", "v11.17.5")


def program(version: str) -> Path:
    """The command that starts this version, there or not."""
    return cache() / f"nvim-{version}" / "nvim"


def install(version: str) -> Path:
    """Fetch and unpack one version, if it is not there; its command. Raises CalledProcessError, OSError."""
    return debian.install(program(version), RELEASES[version], "neovim", _script)


def lazy() -> Path:
    """lazy.nvim's folder; fetched, if it is not there. Raises CalledProcessError, OSError."""
    folder = cache() / "lazy.nvim"
    if not folder.exists():
        address, tag = _LAZY
        partial = folder.with_suffix(".part")
        words = ["clone", "--quiet", "--depth=1", f"--branch={tag}", address, partial]
        subprocess.run(["git", "-c", "advice.detachedHead=false", *words], check=True, timeout=120)
        partial.rename(folder)
    return folder


def _script(root: Path) -> str:
    share = root / "usr" / "share" / "nvim"
    return f"export VIM={share} VIMRUNTIME={share}/runtime\nexec {root}/usr/bin/nvim"


if __name__ == "__main__":
    for each in RELEASES:
        print(install(each))
