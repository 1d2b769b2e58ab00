"""The browser that VS Code is shown in: the machine's chromium, or Debian's, unpacked into the cache folder.

Nothing is installed: apt fetches what this machine lacks of it, with its own sources and keys, into folders of ours,
and `dpkg -x` unpacks that. Needs no rights. `HIROPE_CHROMIUM` names another one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from editors.kept import cache

_NAMES: Final = ("chromium", "chromium-browser")
_PACKAGES: Final = ("chromium", "fonts-dejavu-core")
_CONFIG: Final = """\
Dir::State::Lists "{root}/lists";
Dir::Cache "{root}/cache";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
"""
_START: Final = """\
#!/bin/sh
cd {root}
for folder in usr/lib/*-linux-gnu lib/*-linux-gnu usr/lib/*-linux-gnu/pulseaudio usr/lib/chromium; do
  LD_LIBRARY_PATH="{root}/$folder${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
done
export LD_LIBRARY_PATH FONTCONFIG_FILE={root}/fonts.conf
exec usr/lib/chromium/chromium "$@"
"""
_FONTS: Final = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{root}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{root}/fontcache</cachedir></fontconfig>
"""


def program() -> str | None:
    """The browser's command, or null if there is none yet."""
    if given := os.environ.get("HIROPE_CHROMIUM"):
        return given
    return next(filter(None, map(shutil.which, _NAMES)), None) or (str(_kept()) if _kept().exists() else None)


def missing() -> str | None:
    """What this machine lacks to have one: the name of a program."""
    if program() or (shutil.which("apt-get") and shutil.which("dpkg")):
        return None
    return "chromium"


def install(tell: Callable[[str], None]) -> str:
    """The browser's command, fetched if there is none. Raises CalledProcessError, OSError."""
    found = program()
    if found is None:
        tell("there is no chromium: it comes from Debian ...")
        fetch(_kept().parent)
        found = str(_kept())
    return found


def fetch(folder: Path) -> None:
    """Debian's chromium, unpacked, and a script that starts it: written last, when it was seen to run."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    config = folder / "apt.conf"
    config.write_text(_CONFIG.format(root=folder))
    environment = {**os.environ, "APT_CONFIG": str(config)}
    for words in (["update"], ["install", "-y", "--download-only", *_PACKAGES]):
        subprocess.run(["apt-get", "-qq", *words], check=True, env=environment, stdout=sys.stderr)
    root = folder / "root"
    for package in sorted((folder / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    (root / "fonts.conf").write_text(_FONTS.format(root=root))
    start = folder / "start"
    start.write_text(_START.format(root=root))
    start.chmod(0o755)
    subprocess.run([start, "--version"], check=True, stdout=sys.stderr)
    start.rename(folder / "chromium")
    shutil.rmtree(folder / "cache")


def _kept() -> Path:
    return cache() / "chromium" / "chromium"
