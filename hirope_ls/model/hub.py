"""Models by their hub id, `owner/name[@revision]`: where they lie in the Hugging Face cache of this machine.

Knows the layout of that cache (`models--OWNER--NAME/{blobs,refs,snapshots}`) and where it is, by the same environment
variables as `huggingface_hub`, which is not imported: nothing here can reach a network. What a model folder must hold
is `folder`'s to say. https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hirope_ls.model.folder import bundled_folder
from hirope_ls.model.weights import INDEX, PICKLES, SINGLE, read_index
from hirope_ls.problems import ModelRefused

DEFAULT_REVISION: Final = "main"
RECORD: Final = "hirope-fetched.json"
"""What `hirope-ls fetch` writes into a folder once all of it is there and checked."""
_ID: Final = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([A-Za-z0-9][\w./-]*))?", re.ASCII)
_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}")
_SHORTEST_COMMIT: Final = 7  # characters of one that is not written out


@dataclass(frozen=True)
class HubId:
    """A model of the hub, and the branch, tag or commit that is meant; None for the default branch."""

    name: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> HubId | None:
        """The model that `owner/name[@revision]` names; None if the text is nothing of the kind."""
        found = _ID.fullmatch(text)
        if found is None or ".." in text or "--" in found[1]:
            return None
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name

    @property
    def storage(self) -> Path:
        """The model's own directory in the cache."""
        return cache_folder() / f"models--{self.name.replace('/', '--')}"


def cache_folder() -> Path:
    """Where this machine keeps what comes from the hub."""
    told = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if told is None:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path("~") / ".cache")
        told = str(Path(os.environ.get("HF_HOME") or Path(base) / "huggingface") / "hub")
    return Path(os.path.expandvars(told)).expanduser()


def resolve(name: str | Path) -> Path:
    """The folder that `name` means: a path, or a hub id whose model is in the cache.

    A folder of that name wins, and what is written as a path (`./`, `~`, `/`) is one; `bundled` is the model that is
    always there. Raises ModelRefused, which names the command that fetches the model.
    """
    if str(name) == "bundled":
        return bundled_folder()
    wanted = HubId.parse(str(name))
    try:
        path = Path(name).expanduser()
        return cached(wanted) if wanted is not None and not path.exists() else path
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a `~user` whose home folder is unknown
        raise ModelRefused(f"the model folder {str(name)!r} cannot be opened: {error}") from None


def cached(wanted: HubId) -> Path:
    """The folder of a model in the cache. Raises ModelRefused."""
    if not wanted.storage.is_dir():
        raise ModelRefused(f"{wanted} is not on this machine: hirope-ls fetch {wanted}")
    commit = _commit(wanted)
    if commit is None:
        there = ", ".join(sorted(path.name[:12] for path in _snapshots(wanted.storage))) or "none"
        raise ModelRefused(f"this revision of {wanted} is not on this machine ({there}): hirope-ls fetch {wanted}")
    folder = wanted.storage / "snapshots" / commit
    if not is_whole(folder):
        raise ModelRefused(f"{wanted} is not complete on this machine: hirope-ls fetch {wanted}")
    return folder


def is_whole(folder: Path) -> bool:
    """Whether configuration and weights are there, as far as names tell. Where nothing tells, `folder` says why."""
    if not (folder / "config.json").is_file():
        return False
    if (folder / SINGLE).is_file() or not (folder / INDEX).is_file():
        return (folder / SINGLE).is_file() or any(path.suffix in PICKLES for path in folder.iterdir())
    try:
        return all((folder / name).is_file() for name in read_index(folder / INDEX).values())
    except ModelRefused:
        return True


def fetched(folder: Path) -> dict[str, Any]:
    """The record of how it was fetched: model, commit, licence, hub and files; empty where there is none."""
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def all_cached() -> Iterator[tuple[HubId, Path]]:
    """Every model of the cache, at each commit, with its folder; in order of their names."""
    cache = cache_folder()
    for storage in sorted(cache.glob("models--*")) if cache.is_dir() else ():
        name = storage.name.removeprefix("models--").replace("--", "/", 1)
        for folder in _snapshots(storage):
            if (folder / "config.json").is_file():
                yield HubId(name, folder.name), folder


def _commit(wanted: HubId) -> str | None:
    """The commit that is meant, if it is here: by a name that was fetched, in full, by its beginning, or the only one.

    The beginning of a commit, and the only one where none was named, must be clear.
    """
    told = _ref(wanted.storage, wanted.revision or DEFAULT_REVISION)
    if told is not None:
        return told
    here = [folder.name for folder in _snapshots(wanted.storage)]
    if wanted.revision is not None:
        named = wanted.revision if len(wanted.revision) >= _SHORTEST_COMMIT else "?"
        here = [commit for commit in here if commit.startswith(named)]
    return here[0] if len(here) == 1 else None


def _ref(storage: Path, name: str) -> str | None:
    try:
        commit = (storage / "refs" / name).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return commit if _COMMIT.fullmatch(commit) else None


def _snapshots(storage: Path) -> list[Path]:
    folder = storage / "snapshots"
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
