"""A home of its own for an editor, in which nothing of the user's is, with the server of this tree on the PATH."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from editors.tap import Trail

ROOT: Final = Path(__file__).parents[2]
ASKED: Final = os.environ.get("HIROPE_EDITORS", "") not in ("", "0")
SERVER: Final = (sys.executable, "-m", "hirope_ls", "--stdio")


def had(install: Callable[[], Path], *modules: str) -> Path:
    """The editor's command; skips the test where it, or what drives it, cannot be had."""
    if not ASKED:
        pytest.skip("runs with HIROPE_EDITORS=1")
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}: pip install '.[editors]'")
    try:
        return install()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot be fetched: {error}")


def environment(home: Path) -> dict[str, str]:
    """Nothing of the user's; `home/bin` first on the PATH."""
    folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    mine = ("XDG_", "VIM", "NVIM", "EMACS", "HELIX", "VIRTUAL_ENV", "CONDA_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    tree = os.environ.get("PYTHONPATH", str(ROOT))
    return (
        kept
        | folders
        | {"HOME": str(home), "LC_ALL": "C.UTF-8", "PYTHONPATH": tree, "PATH": f"{home}/bin:/usr/bin:/bin"}
    )


def furnish(home: Path) -> Trail:
    """A clone in `home/hirope-ls`, `hirope-ls` in `home/bin`; what passes between editor and server."""
    (home / "hirope-ls").symlink_to(ROOT)
    (home / "bin").mkdir()
    trail = Trail(home / "trail")
    program = home / "bin" / "hirope-ls"
    compiled = home.parent / "hirope-cache"  # for all tests of one run
    served, plain = shlex.join(trail.command(*SERVER)), shlex.join(SERVER[:-1])
    program.write_text(
        f"#!/bin/sh\nexport XDG_CACHE_HOME={compiled}\n"
        f'case "$*" in --stdio) exec {served};; *) exec {plain} "$@";; esac\n'
    )
    program.chmod(0o755)
    return trail


def fenced(page: Path, language: str) -> list[str]:
    """The pieces of code of that language in a page."""
    return [piece.split("```")[0] for piece in page.read_text().split(f"```{language}\n")[1:]]
