"""Sessions that had to leave the device, in host memory under a budget of its own: to copy back is quicker than to
compute again.

Memory is pinned where the device is a GPU, and copies are queued on its stream: nothing waits for them, as nobody on
the host reads the rows, and what comes back is queued behind what went. Knows slabs and lines; not who evicts whom.
"""

from __future__ import annotations

import torch

from hirope_ls.model.aside import plain
from hirope_ls.model.lines import Line
from hirope_ls.model.slabs import LayerShape, SlabCache

_LEAST = 32  # rows; fewer are not worth it


class Packed:
    """The rows of one line in host memory."""

    def __init__(self, line: Line, cache: SlabCache) -> None:
        self.line, self._cache = line, cache

    @property
    def nbytes(self) -> int:
        return self._cache.nbytes

    def copy_to(self, target: SlabCache, line: Line, start: int, stop: int) -> None:
        """Write the rows start .. stop-1 of its line to the same rows of `target`."""
        target.take_part(self._cache, start, stop)


class HostStore:
    """Packed sessions by key, the oldest first, never more than `budget_bytes`."""

    def __init__(
        self, shapes: tuple[LayerShape, ...], dtype: torch.dtype, device: torch.device, budget_bytes: int
    ) -> None:
        self._shapes, self._dtype = plain(shapes), dtype
        self._pinned = device.type == "cuda"
        self._row_bytes = sum(shape.row_numbers for shape in self._shapes) * dtype.itemsize
        self.budget_bytes = budget_bytes
        self.packs: dict[str, Packed] = {}

    @property
    def used_bytes(self) -> int:
        return sum(pack.nbytes for pack in self.packs.values())

    def put(self, key: str, line: Line, source: SlabCache) -> None:
        """Take the rows of `line`, the first of `source`, for which older sessions may have to go; not if too many."""
        self.packs.pop(key, None)
        need = len(line) * self._row_bytes
        if len(line) < _LEAST or need > self.budget_bytes:
            return
        while self.used_bytes + need > self.budget_bytes:
            del self.packs[next(iter(self.packs))]
        cache = SlabCache(self._shapes, self._dtype, torch.device("cpu"))
        cache.grow(len(line), pinned=self._pinned)
        cache.take_part(source, 0, len(line))
        self.packs[key] = Packed(line.copy(), cache)

    def take(self, key: str) -> Packed | None:
        """The session of that key, no longer kept here."""
        return self.packs.pop(key, None)
