"""The .vsix: the same bytes for the same sources, in every clone; and a VS Code takes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from editors.vscode.install import EXTENSION, RELEASES, Release, build


@pytest.fixture(scope="session")
def elsewhere(editors: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension's sources in another folder, with other dates, built under another umask."""
    root = tmp_path_factory.mktemp("clone") / "a clone"
    skipped = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(EXTENSION, root / "vscode", ignore=skipped, copy_function=shutil.copyfile)
    shutil.copyfile(EXTENSION.parent / "install.json", root / "install.json")
    former = os.umask(0o077)
    try:
        return build(root / "vscode")
    finally:
        os.umask(former)


def test_the_package_is_reproducible(package: Path, elsewhere: Path) -> None:
    assert package.read_bytes() == elsewhere.read_bytes()


@pytest.mark.parametrize("release", RELEASES, ids=lambda each: each.vscode)
def test_it_can_be_installed(release: Release, package: Path, tmp_path: Path) -> None:
    start = [str(release.program), str(release.entry)]
    start += ["--user-data-dir", str(tmp_path / "user"), "--extensions-dir", str(tmp_path / "ext")]
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run([*start, "--install-extension", str(package)], env=environment, check=True)
    told = subprocess.run([*start, "--list-extensions"], env=environment, check=True, capture_output=True, text=True)
    assert "hirope-ls.hirope-ls" in told.stdout


def test_what_is_in_it(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = {name.removeprefix("extension/") for name in archive.namelist()}
    assert {"package.json", "dist/extension.js", "readme.md", "LICENSE.txt", "images/icon.png"} <= names
    assert not [name for name in names if name.startswith(("src/", "node_modules/", "scripts/"))]
