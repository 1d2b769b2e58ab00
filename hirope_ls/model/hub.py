"""A model's folder by its path or by its name on the Hugging Face hub: looked up in the cache on this machine, never on
the network. Knows the cache's layout (`models--OWNER--NAME/refs`, `/snapshots`) and nothing of what lies in a model.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from hirope_ls.model.folder import bundled_folder
from hirope_ls.problems import ModelRefused

_PART: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_NAME: Final = re.compile(rf"({_PART})/({_PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]{{0,127}}))?")
_COMMIT: Final = re.compile("[0-9a-f]{7,40}")


def model_folder(model: str) -> Path:
    """The folder of a model: a path, where there is such a thing or it is written as one, else `owner/name[@revision]`;
    `bundled` is the one that is always there.

    Raises ModelRefused where the cache has no such model, or not that revision of it.
    """
    if model == "bundled":
        return bundled_folder()
    named = _NAME.fullmatch(model)
    try:
        path = Path(model).expanduser()
        if named is None or path.exists():
            return path
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a `~user` whose home folder is unknown
        raise ModelRefused(f"the model folder {model!r} cannot be opened: {error}") from None
    owner, name, revision = named.groups()
    home = cache_folder() / f"models--{owner}--{name}"
    found = _snapshot(home, revision or "main")
    if found is None:
        what = f"{owner}/{name} is not on this machine" if not home.is_dir() else f"{model} is not in the cache"
        raise ModelRefused(f"the model {what}: run `hirope-ls fetch {model}`, or give the path of a folder")
    return found


def cache_folder() -> Path:
    """Where transformers and huggingface_hub keep models."""
    environ = os.environ
    if given := environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(given).expanduser()
    cache = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(environ.get("HF_HOME") or f"{cache}/huggingface").expanduser() / "hub"


def _snapshot(home: Path, revision: str) -> Path | None:
    """The folder of a branch, a tag, or a commit, which may be abbreviated where that is unambiguous."""
    if ".." in revision.split("/"):
        return None
    try:
        commit = (home / "refs" / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        commit = revision
    if _COMMIT.fullmatch(commit) is None or not (home / "snapshots").is_dir():
        return None
    found = [entry for entry in (home / "snapshots").iterdir() if entry.name.startswith(commit)]
    return found[0] if len(found) == 1 else None
