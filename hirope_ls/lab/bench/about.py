"""What a bench ran on: the machine, the threads, and the versions of all that was measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import torch

from hirope_ls.lab.reproduce.machine import machine as short_name
from hirope_ls.model.loader import Loaded

_BUSY = 0.7  # a load from which somebody else takes part
_PACKAGES = ("hirope-ls", "torch", "transformers", "numpy", "llama-cpp-python")


def machine(loaded: Loaded) -> str:
    """`Some CPU, 2 cores, 2 threads, Linux, busy 0.1`: the load says whether anybody else was at work."""
    threads = torch.get_num_threads()
    load = "unknown" if (found := _load()) is None else f"{found:.1f}"
    return f"{short_name(loaded.device)}, {threads} thread{'s' * (threads > 1)}, {platform.system()}, load {load}"


def busy() -> str:
    """A warning where others are at work on the machine, or nothing."""
    load = _load()
    if load is None or load < _BUSY:
        return ""
    return (
        f"The machine is busy (load {load:.1f}). Threads that wait for each other suffer most, and the peers' wait by "
        "spinning: ratios flatter us. Measure on an idle machine, or by CPU time with --threads 1."
    )


def versions(loaded: Loaded) -> dict[str, str]:
    """Of packages that are there, and the model."""
    found = {name: version for name in _PACKAGES if (version := _version(name))}
    return {"python": platform.python_version(), **found, "model": f"{loaded.card.name}, {loaded.dtype}"}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _load() -> float | None:
    """How many processes wanted to run, over the last minute."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
