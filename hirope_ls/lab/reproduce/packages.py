"""The packages that the page is measured on, where they are installed. Imports none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from hirope_ls.problems import InputError

INSTALL = "pip install '.[results]'"


def folders(names: Iterable[str]) -> list[Path]:
    """The folder of each. Raises InputError for what is missing."""
    found = {name: _folder(name) for name in names}
    missing = [name for name, folder in found.items() if folder is None]
    if missing:
        raise InputError(f"not installed, but to be measured on: {', '.join(missing)}; in a clone, run {INSTALL}")
    return [folder for folder in found.values() if folder is not None]


def _folder(name: str) -> Path | None:
    spec = find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def versions(wanted: Mapping[str, str]) -> dict[str, str]:
    """What is installed of each, with a word where the plan has another: {"flask": "3.1.2 (planned: 3.1.3)"}."""
    return {name: _told(metadata.version(name), version) for name, version in wanted.items()}


def _told(installed: str, planned: str) -> str:
    return installed if installed == planned else f"{installed} (planned: {planned})"
