"""How many threads arithmetic gets. Needs no torch, so that it can be asked before torch is imported."""

from __future__ import annotations

import os

import psutil  # type: ignore[import-untyped]


def num_threads() -> int:
    """The physical cores, or fewer where the process may use fewer: two threads on one core wait for each other."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))
