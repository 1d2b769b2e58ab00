"""The extension in real VS Codes, the current one and the oldest supported: with the real server and its bundled model.

`HIROPE_EDITORS=1 pytest tests/editors/vscode` fetches what it needs (install.py), builds the .vsix, installs it, runs
host/ inside the extension host and screen/ on the screen. `HIROPE_SHOTS` names a folder for pictures, `HIROPE_ONLY` a
pattern of test names. Without `HIROPE_EDITORS` nothing is fetched and node is not needed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from editors.vscode.install import CURRENT, RELEASES, Release
from editors.vscode.running import node, running

both = pytest.mark.parametrize("release", RELEASES, ids=lambda each: each.vscode)


@both
def test_on_the_screen(release: Release, package: Path, tmp_path: Path) -> None:
    only = [f"--test-name-pattern={pattern}"] if (pattern := os.environ.get("HIROPE_ONLY")) else []
    with running(release, package, tmp_path) as environment:
        done = node(release, environment, "--test", "--test-reporter=spec", *only, "screen/suite.mjs")
    assert done.returncode == 0, "see the suite's report above"


@both
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "limited"])
def test_in_the_extension_host(release: Release, trusted: bool, package: Path, tmp_path: Path) -> None:
    with running(release, package, tmp_path, trusted=trusted, host=True) as environment:
        done = node(release, environment, "host/run.mjs", "trusted" if trusted else "limited")
    report = tmp_path / "report"
    print(report.read_text() if report.exists() else "the suite said nothing")
    assert done.returncode == 0, "see the suite's report above"


def test_a_failure_in_the_extension_host_is_told(package: Path, tmp_path: Path) -> None:
    with running(CURRENT, package, tmp_path, host=True) as environment:
        assert node(CURRENT, environment, "host/run.mjs", "failing").returncode == 1
