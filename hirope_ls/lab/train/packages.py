"""Packages of the registry that are read beside what is installed: pip fetches them, and none of them is ever run."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from hirope_ls.lab.train.written import language
from hirope_ls.problems import InputError

LIST = Path(__file__).with_name("packages.txt")
"""Those that the bundled model is made from, each at one version."""

_PIP = (sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check")


def fetch(requirements: Path, site: Path) -> Path:
    """Code and metadata of the wheels that a requirements file names, as an installation would lay them into a folder.

    That is returned; its name is the one of `site` with an ending of the list's own. Wheels already fetched are
    not fetched again, so it goes on where it was broken off. Raises InputError where pip cannot, with its own words
    above, and where there is nothing to fetch.
    """
    if not requirements.is_file():
        raise InputError(f"there is no file {requirements}")
    version = hashlib.sha256(requirements.read_bytes()).hexdigest()[:8]
    site = site.with_name(f"{site.name}-{version}")
    if site.is_dir():
        return site
    wheels, partial = site.with_name(f"{site.name}-wheels"), site.with_name(f"{site.name}.partial")
    command = [*_PIP, "--dest", str(wheels), "--find-links", str(wheels), "--requirement", str(requirements)]
    wheels.mkdir(parents=True, exist_ok=True)
    if subprocess.run(command, check=False).returncode:
        raise InputError(f"pip could not fetch the packages of {requirements}; start it again to go on")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial, [name for name in archive.namelist() if _is_read(name)])
    partial.rename(site)
    shutil.rmtree(wheels)
    return site


def _is_read(name: str) -> bool:
    return language(name) is not None or ".dist-info/" in name
