"""What the machine has of memory: its own, and a graphics card's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Device:
    """Where models would run, in GiB of memory: a GPU that torch sees, else the processor."""

    name: str
    is_gpu: bool
    total: float
    free: float


def memory_gib() -> tuple[float, float]:
    """Memory of the machine in GiB: all of it, and what is free for use."""
    memory = psutil.virtual_memory()
    return memory.total / 2**30, memory.available / 2**30


def device() -> Device:
    """What models run on here. Imports torch where there may be a GPU."""
    if shutil.which("nvidia-smi") is not None:
        from hirope_ls.commands.doctor import gpu

        for found in gpu.look().gpus:
            return Device(found.name, True, found.total, found.free)
    return Device("the processor", False, *memory_gib())
