"""What a bench ran on: the machine, the threads, and the versions of all that was measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import torch

from hirope_ls.lab.reproduce.machine import machine as short_name
from hirope_ls.model.loader import Loaded

_PACKAGES = ("hirope-ls", "torch", "transformers", "numpy", "llama-cpp-python")


def machine(loaded: Loaded) -> str:
    """`Some CPU, 2 cores, 2 threads, Linux, busy 0.1`: the load says whether anybody else was at work."""
    threads = torch.get_num_threads()
    return f"{short_name(loaded)}, {threads} thread{'s' * (threads > 1)}, {platform.system()}, load {_load()}"


def versions(loaded: Loaded) -> dict[str, str]:
    """Of packages that are there, and the model."""
    found = {name: version for name in _PACKAGES if (version := _version(name))}
    return {"python": platform.python_version(), **found, "model": f"{loaded.card.name}, {loaded.dtype}"}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _load() -> str:
    try:
        return f"{os.getloadavg()[0]:.1f}"
    except OSError:
        return "unknown"
