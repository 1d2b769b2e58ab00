"""Processor and memory, and what else wants them."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from typing import Final

from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.machine import memory_gib
from hirope_ls.model.threads import num_threads

_IN: Final = Section("Machine")
_BUSY: Final = 1.0  # others that want a core, for each one
_LITTLE: Final = 1.0  # GiB


def checks() -> Iterator[Finding]:
    """All of them; quick."""
    yield _processor()
    yield threads(os.environ.get("OMP_NUM_THREADS"), num_threads())
    yield load(os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0, num_threads())
    yield memory(*memory_gib())


def _processor() -> Finding:
    cores, logical = num_threads(), os.cpu_count() or 1
    told = f"{platform.system()} {platform.machine()}, {_counted(cores, 'core')}"
    return _IN.ok("processor", told, system=platform.system(), kind=platform.machine(), cores=cores, logical=logical)


def threads(wished: str | None, cores: int) -> Finding:
    """How many threads the model gets on a processor."""
    if not wished:
        return _IN.ok("threads", f"{cores}, one a core", threads=cores)
    if not wished.isdigit() or int(wished) == 0:
        return _IN.warning("threads", "OMP_NUM_THREADS is no number", "unset OMP_NUM_THREADS")
    if int(wished) > cores:
        told = f"OMP_NUM_THREADS={wished} makes {wished} threads share {_counted(cores, 'core')}: they wait for another"
        return _IN.warning("threads", told, "unset OMP_NUM_THREADS", threads=int(wished))
    less = f" of {cores}" if int(wished) < cores else ""
    return _IN.ok("threads", f"{wished}{less}, by OMP_NUM_THREADS", threads=int(wished))


def load(one_minute: float, cores: int) -> Finding:
    """Whether other programs take the processor away."""
    told = f"{one_minute:.1f} programs want {_counted(cores, 'core')}"
    facts = {"load": round(one_minute, 1)}
    if one_minute > (1 + _BUSY) * cores:
        return _IN.warning("load", f"{told}: suggestions on the processor wait for them", "top", **facts)
    return _IN.ok("load", told, **facts)


def memory(total: float, free: float) -> Finding:
    """Memory in GiB."""
    told = f"{free:.1f} of {total:.1f} GiB free"
    facts = {"memory_gib": round(total, 1), "free_gib": round(free, 1)}
    if free < _LITTLE:
        return _IN.warning("memory", f"{told}: too little for more than the bundled model", "top -o %MEM", **facts)
    return _IN.ok("memory", told, **facts)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
