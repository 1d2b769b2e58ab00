"""What the machine has: cores and memory."""

from __future__ import annotations

import os

import psutil  # type: ignore[import-untyped]


def num_threads() -> int:
    """Threads for arithmetic: the physical cores, or fewer where the process may use fewer."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))


def memory_gib() -> tuple[float, float]:
    """Memory of the machine in GiB: all of it, and what is free for use."""
    memory = psutil.virtual_memory()
    return memory.total / 2**30, memory.available / 2**30
