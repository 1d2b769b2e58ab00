"""A VS Code with the extension and the probe, a home of its own, a project, and the server of this tree.

Knows nothing of what is tested in it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import platformdirs
from editors.vscode.install import Release

from editors.vscode import browser, install

HERE: Final = Path(__file__).parent
PATIENCE_S: Final = 300

SETTINGS: Final[dict[str, Any]] = {
    "workbench.startupEditor": "none",
    "workbench.welcomePage.walkthroughs.openOnInstall": False,
    "workbench.colorTheme": "Default Dark Modern",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "chat.disableAIFeatures": True,
    "chat.commandCenter.enabled": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.activityBar.location": "hidden",
    "workbench.reduceMotion": "on",
    "security.workspace.trust.startupPrompt": "never",
    "security.workspace.trust.banner": "never",
    "editor.inlineSuggest.enabled": True,
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "editor.autoIndent": "none",
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "editor.minimap.enabled": False,
    "editor.fontSize": 15,
    "editor.accessibilitySupport": "off",
    "files.autoSave": "off",
    "hirope-ls.deadlineMs": 60000,
}


@contextmanager
def running(
    release: Release, package: Path, folder: Path, *, trusted: bool = True, host: bool = False
) -> Iterator[dict[str, str]]:
    """Have one run; the environment for what drives it.

    Every folder is `trusted`, or none. `host`: a page may bring a suite for its extension host.
    """
    environment = _environment(release, folder, trusted)
    start = [str(release.program), str(release.entry)]
    start += ["--user-data-dir", str(folder / "user"), "--extensions-dir", str(folder / "ext")]
    subprocess.run([*start, "--install-extension", str(package)], env=environment, check=True)
    for name in ("probe", "python"):
        _add(folder / "ext", HERE / name)
    port = environment["HIROPE_PORT"]
    flags = ["--bind-addr", f"127.0.0.1:{port}", "--auth", "none", "--disable-telemetry", "--disable-update-check"]
    flags += ["--disable-getting-started-override", *(["--disable-workspace-trust"] if trusted else [])]
    if host and release.asks_for_driver:
        flags += ["--vscode-option", "enable-smoke-test-driver"]
    with (folder / "code-server.log").open("wb") as log:
        server = subprocess.Popen([*start, *flags], env=environment, stdout=log, stderr=log)
    try:
        _listening(int(port), server)
        yield environment
    finally:
        server.terminate()
        server.wait(60)


def node(release: Release, environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a script that drives it; what it says goes where this process says things."""
    return subprocess.run([release.program, *words], env=environment, check=False, cwd=HERE)


def _environment(release: Release, folder: Path, trusted: bool) -> dict[str, str]:
    """Everything this VS Code sees of the machine.

    The server is in VIRTUAL_ENV, as the extension host gets its PATH from a login shell.
    """
    shutil.copytree(HERE / "project", folder / "project")
    (folder / "project" / "windows.py").write_bytes(_windows())
    shutil.copy(textwrap.__file__, folder / "project" / "wrapping.py")
    (folder / "user" / "User").mkdir(parents=True)
    settings = SETTINGS | {"security.workspace.trust.enabled": not trusted}
    (folder / "user" / "User" / "settings.json").write_text(json.dumps(settings))
    (folder / "home").mkdir()
    _server(folder / "env" / "bin", folder / "pid")
    given = install.environment(release)
    inherited = {
        name: value for name, value in given.items() if not name.startswith(("XDG_", "VSCODE_", "VIRTUAL_ENV"))
    }
    shots = os.environ.get("HIROPE_SHOTS")
    if shots:
        Path(shots).mkdir(parents=True, exist_ok=True)
    return {
        **inherited,
        "VIRTUAL_ENV": str(folder / "env"),
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(Path(platformdirs.user_cache_dir()).absolute()),  # machine code that is made already
        "EXTENSIONS_GALLERY": json.dumps({"serviceUrl": "", "itemUrl": "", "resourceUrlTemplate": ""}),
        "HIROPE_VSCODE": str(release.home),
        "HIROPE_VERSION": release.vscode,
        "HIROPE_CHROMIUM": browser.program() or "",
        "HIROPE_FOLDER": str(folder / "project"),
        "HIROPE_ENV": str(folder / "env"),
        "HIROPE_PORT": str(_free_port()),
        "HIROPE_PROBE_PORT": str(_free_port()),
        "HIROPE_PID": str(folder / "pid"),
        "HIROPE_REPORT": str(folder / "report"),
        "HIROPE_SHOTS": str(Path(shots).absolute()) if shots else "",
    }


def _windows() -> bytes:
    """A file as some write it: CRLF, and a character of two UTF-16 units."""
    text = (HERE / "project" / "shapes.py").read_text(encoding="utf-8")
    return text.replace('"""A circle."""', '"""A circle 😀."""').replace("\n", "\r\n").encode()


def _add(extensions: Path, source: Path) -> None:
    """Install an extension of the suite's own, beside the one that is tested."""
    manifest = json.loads((source / "package.json").read_text())
    name = f"{manifest['publisher']}.{manifest['name']}"
    folder = extensions / f"{name}-{manifest['version']}"
    shutil.copytree(source, folder)
    table = extensions / "extensions.json"
    entry = {
        "identifier": {"id": name},
        "version": manifest["version"],
        "location": {"$mid": 1, "path": str(folder), "scheme": "file"},
        "relativeLocation": folder.name,
    }
    table.write_text(json.dumps([*json.loads(table.read_text()), entry]))


def _server(folder: Path, pid: Path) -> None:
    """A folder of programs with the server of this tree, which leaves its process id in a file."""
    folder.mkdir(parents=True)
    tree = os.environ.get("PYTHONPATH", str(HERE.parents[2]))
    script = folder / "hirope-ls"
    script.write_text(
        f"#!/bin/sh\n[ \"$1\" = --stdio ] && echo $$ > '{pid}.new' && mv '{pid}.new' '{pid}'\n"
        f"PYTHONPATH='{tree}' exec '{sys.executable}' -m hirope_ls \"$@\"\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _listening(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError("code-server ended")
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("code-server does not listen")
