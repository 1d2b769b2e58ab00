"""What the steps stand on: a model on a device, sizes, and how fast that device's memory is. Knows no step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import torch

from hirope_ls.lab.bench.rows import Row
from hirope_ls.model.folder import Card

Step = Callable[["Ground"], list[Row]]


@dataclass
class Ground:
    """The small model's folder, the device, and whether small sizes must do."""

    card: Card
    device: torch.device
    quick: bool

    @cached_property
    def bandwidth(self) -> float:
        """Bytes a second that the device reads and writes, together, while it copies a large tensor."""
        numbers = (1 << 20) if self.quick else (1 << 28) if self.device.type == "cuda" else (1 << 26)
        source = torch.ones(numbers, dtype=torch.float32, device=self.device)
        target = torch.empty_like(source)
        took = [self._seconds(lambda: target.copy_(source)) for _ in range(12)]
        return 2 * source.nbytes / median(took[2:])

    def sync(self) -> None:
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def free(self) -> None:
        """Give back what nothing holds any more."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def _seconds(self, call: Callable[[], object]) -> float:
        self.sync()
        began = time.perf_counter()
        call()
        self.sync()
        return time.perf_counter() - began
