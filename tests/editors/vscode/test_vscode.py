"""The extension in a real VS Code: the suite of suite.mjs, with the real server and its bundled model.

`HIROPE_EDITORS=1 pytest tests/editors/vscode` fetches what it needs (install.py), builds the .vsix, installs it and
drives the screen. `HIROPE_SHOTS` names a folder for pictures. Without it nothing is fetched and node is not needed.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from editors.kept import SHAPES

from editors.vscode import install

HERE: Final = Path(__file__).parent
ASKED: Final = os.environ.get("HIROPE_EDITORS", "") not in ("", "0")
pytestmark = pytest.mark.skipif(not ASKED, reason="runs with HIROPE_EDITORS=1")

SETTINGS: Final = {
    "workbench.startupEditor": "none",
    "workbench.welcomePage.walkthroughs.openOnInstall": False,
    "workbench.colorTheme": "Default Dark Modern",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "chat.disableAIFeatures": True,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.activityBar.location": "hidden",
    "security.workspace.trust.enabled": False,
    "editor.inlineSuggest.enabled": True,
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "editor.autoIndent": "none",
    "editor.autoClosingBrackets": "never",
    "editor.minimap.enabled": False,
    "editor.fontSize": 15,
    "editor.accessibilitySupport": "off",
    "files.autoSave": "off",
    "hirope-ls.deadlineMs": 20000,
}

MAIN: Final = """from shapes import Circle


def total(radii):
    return sum(Circle(radius).area() for radius in radii)
"""


@pytest.mark.timeout(1500)
def test_in_a_real_vs_code(vscode: dict[str, str]) -> None:
    command = [install.node(), "--test", "--test-reporter=spec", "--test-concurrency=1", HERE / "suite.mjs"]
    if only := os.environ.get("HIROPE_ONLY"):
        command.insert(2, f"--test-name-pattern={only}")
    done = subprocess.run(command, env=vscode, check=False)
    assert done.returncode == 0, "see the suite's report above (pytest -s)"


@pytest.fixture
def vscode(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A running VS Code with the extension; the environment for the suite."""
    if lacking := install.missing():
        pytest.skip(f"{lacking} is not on this machine")
    install.install()
    package = Path(os.environ.get("HIROPE_VSIX") or install.build())
    environment = _environment(tmp_path)
    start = [
        install.node(),
        install.entry(),
        "--user-data-dir",
        tmp_path / "user",
        "--extensions-dir",
        tmp_path / "ext",
    ]
    subprocess.run([*start, "--install-extension", package], env=environment, check=True)
    _add_probe(tmp_path / "ext")
    port = environment["HIROPE_PORT"]
    flags = [
        *("--bind-addr", f"127.0.0.1:{port}", "--auth", "none", "--disable-telemetry", "--disable-update-check"),
        *("--disable-workspace-trust", "--disable-getting-started-override"),
    ]
    with (tmp_path / "code-server.log").open("wb") as log:
        server = subprocess.Popen([*start, *flags], env=environment, stdout=log, stderr=log)
    try:
        _listening(int(port), server)
        yield environment
    finally:
        server.terminate()
        server.wait(30)


def _environment(folder: Path) -> dict[str, str]:
    """Everything this VS Code sees of the machine: a home, a project, a server.

    That is in VIRTUAL_ENV, as the extension host gets its PATH from a login shell.
    """
    _project(folder / "project")
    (folder / "user" / "User").mkdir(parents=True)
    (folder / "user" / "User" / "settings.json").write_text(json.dumps(SETTINGS))
    (folder / "home").mkdir()
    _server(folder / "bin", folder / "pid")
    given = install.environment()
    inherited = {
        name: value for name, value in given.items() if not name.startswith(("XDG_", "VSCODE_", "VIRTUAL_ENV"))
    }
    shots = os.environ.get("HIROPE_SHOTS")
    if shots:
        Path(shots).mkdir(parents=True, exist_ok=True)
    return {
        **inherited,
        "VIRTUAL_ENV": str(folder),
        "HOME": str(folder / "home"),
        "EXTENSIONS_GALLERY": json.dumps({"serviceUrl": "", "itemUrl": "", "resourceUrlTemplate": ""}),
        "HIROPE_VSCODE": str(install.home()),
        "HIROPE_CHROMIUM": install.chromium(),
        "HIROPE_FOLDER": str(folder / "project"),
        "HIROPE_PORT": str(_free_port()),
        "HIROPE_PROBE_PORT": str(_free_port()),
        "HIROPE_PID": str(folder / "pid"),
        "HIROPE_SHOTS": str(Path(shots).absolute()) if shots else "",
    }


def _add_probe(extensions: Path) -> None:
    """Install the suite's own extension, beside the one that is tested."""
    folder = extensions / "hirope-tests.probe-0.0.1"
    shutil.copytree(HERE / "probe", folder)
    table = extensions / "extensions.json"
    entry = {
        "identifier": {"id": "hirope-tests.probe"},
        "version": "0.0.1",
        "location": {"$mid": 1, "path": str(folder), "scheme": "file"},
        "relativeLocation": folder.name,
    }
    table.write_text(json.dumps([*json.loads(table.read_text()), entry]))


def _project(folder: Path) -> None:
    folder.mkdir()
    (folder / "shapes.py").write_text(SHAPES)
    (folder / "main.py").write_text(MAIN)
    windows = SHAPES.replace('"""A circle."""', '"""A circle 😀."""').replace("\n", "\r\n")
    (folder / "windows.py").write_bytes(windows.encode())


def _server(folder: Path, pid: Path) -> None:
    """A folder of programs with the server of this tree, which leaves its process id in a file."""
    folder.mkdir()
    tree = os.environ.get("PYTHONPATH", str(HERE.parents[2]))
    script = folder / "hirope-ls"
    script.write_text(
        f"#!/bin/sh\necho $$ > '{pid}.new' && mv '{pid}.new' '{pid}'\n"
        f"PYTHONPATH='{tree}' exec '{sys.executable}' -m hirope_ls \"$@\"\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _listening(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "code-server ended"
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("code-server did not listen")
