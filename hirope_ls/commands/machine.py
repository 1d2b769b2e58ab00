"""What the machine has of memory."""

from __future__ import annotations

import psutil  # type: ignore[import-untyped]


def memory_gib() -> tuple[float, float]:
    """Memory of the machine in GiB: all of it, and what is free for use."""
    memory = psutil.virtual_memory()
    return memory.total / 2**30, memory.available / 2**30
