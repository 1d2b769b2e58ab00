"""The machine that measures, in a few words: its processor and its cores. Knows nothing that names one machine."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import torch

_CPU_INFO = Path("/proc/cpuinfo")


def machine(device: torch.device) -> str:
    """`Some CPU, 2 cores`, or the name of the GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", _CPU_INFO.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()
