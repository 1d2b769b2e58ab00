"""Gives the memory of models that nobody holds any more back to the system. Imports no torch that is not there yet."""

from __future__ import annotations

import gc
import sys


def release_memory() -> None:
    """Collect what is garbage, and have torch return what it keeps of a GPU's memory."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
