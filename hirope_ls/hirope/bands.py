"""Attention over a band: each query row i sees the keys j with nearest <= i - j < farthest.

Where a kernel takes it, the rows that see a whole window go at once (`window_attention`). Else a band is cut into
rectangles, which need no mask, and triangles, which are causal squares (the left edge of a band is one read backwards).
No mask of all rows and keys is ever made, so memory stays linear. The pieces are merged by their log-sum-exp. Knows
neither positions nor models: heads come already rotated.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hirope_ls.hirope.kernels import block_attention, window_attention

_LARGEST_BLOCK = 512


class Merged:
    """A running softmax over disjoint sets of keys: output [B, heads, n, dv] and log-sum-exp [B, heads, n]."""

    def __init__(self, query: Tensor, value: Tensor) -> None:
        batch, heads, rows, _ = query.shape
        exact = torch.float64 if query.dtype == torch.float64 else torch.float32
        self.out = torch.zeros((batch, heads, rows, value.shape[-1]), dtype=exact, device=query.device)
        self.lse = torch.full((batch, heads, rows), float("-inf"), dtype=exact, device=query.device)

    def add(self, start: int, out: Tensor, lse: Tensor) -> None:
        """More keys for the rows start, start + 1, ...: their softmax output and its log-sum-exp."""
        stop = start + out.shape[2]
        known_out, known_lse = self.out[:, :, start:stop], self.lse[:, :, start:stop]
        lse = lse.to(known_lse.dtype)
        both = torch.logaddexp(known_lse, lse)
        known_out.mul_((known_lse - both).exp()[..., None]).add_(out * (lse - both).exp()[..., None])
        known_lse.copy_(both)


def add_band(
    merged: Merged,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    first_row: int,
    first_key: int,
    nearest: int,
    farthest: int | None,
    scale: float,
) -> None:
    """Add to `merged`, for each row i, the keys with nearest <= i - j < farthest (None: without end).

    query [B, heads, n, d] holds the absolute rows first_row, first_row + 1, ...; they are the last rows of `merged`.
    key [B, kv_heads, m, d] and value hold the absolute keys first_key, first_key + 1, ...; every key before first_key
    must lie outside the band, and the band of the last row must lie inside them. farthest - nearest >= 2.
    """
    end = first_row + query.shape[2]
    skipped = merged.out.shape[2] - query.shape[2]  # rows of `merged` before these
    band = _Band(merged, query, key, value, scale, first_row, first_key, skipped)
    start = max(first_row, first_key + nearest)
    whole = end if farthest is None else max(start, min(end, first_key + farthest))
    if whole - start == 1:  # decoding: one row sees all of its keys, one call
        band.rectangle(start, whole, first_key, start - nearest + 1)
    elif start < whole:  # rows that see everything from first_key on
        band.rectangle(start, whole, first_key, start - nearest)
        band.triangle(start, whole, start - nearest)
    if farthest is None or whole >= end or band.windows(whole, end, nearest, farthest):
        return
    size = min(_LARGEST_BLOCK, max(1, min((farthest - nearest) // 4 + 1, farthest - nearest - 1)))
    for row in range(whole, end, size):
        stop = min(row + size, end)
        left = row - farthest + 1
        band.left_triangle(row, stop, left)
        band.rectangle(row, stop, left + stop - row, row - nearest)
        band.triangle(row, stop, row - nearest)


class _Band:
    """The pieces of one band, in absolute row and key numbers; each adds itself to the merged softmax."""

    def __init__(
        self,
        merged: Merged,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        scale: float,
        first_row: int,
        first_key: int,
        skipped: int,
    ) -> None:
        self.merged, self.query, self.key, self.value, self.scale = merged, query, key, value, scale
        self.first_row, self.first_key, self.skipped = first_row, first_key, skipped

    def rectangle(self, row: int, row_end: int, key: int, key_end: int) -> None:
        """All of these rows see all of these keys."""
        if key < key_end:
            self._add(row, block_attention(*self._cut(row, row_end, key, key_end), self.scale, causal=False))

    def triangle(self, row: int, row_end: int, key: int) -> None:
        """Row row + r sees the keys key .. key + r."""
        cut = self._cut(row, row_end, key, key + row_end - row)
        self._add(row, block_attention(*cut, self.scale, causal=True))

    def left_triangle(self, row: int, row_end: int, key: int) -> None:
        """Row row + r sees the keys key + r .. key + (row_end - row) - 1: a causal square read backwards."""
        cut = self._cut(row, row_end, key, key + row_end - row)
        rows, keys, values = (part.flip(2) for part in cut)
        out, lse = block_attention(rows, keys, values, self.scale, causal=True)
        self._add(row, (out.flip(2), lse.flip(2)))

    def windows(self, row: int, row_end: int, nearest: int, farthest: int) -> bool:
        """All of the band for rows that have farthest - nearest keys each, at once; False where no kernel serves."""
        keys = slice(row - farthest + 1 - self.first_key, row_end - nearest - self.first_key)
        rows = self.query[:, :, row - self.first_row :]
        piece = window_attention(rows, self.key[:, :, keys], self.value[:, :, keys], self.scale)
        if piece is not None:
            self._add(row, piece)
        return piece is not None

    def _cut(self, row: int, row_end: int, key: int, key_end: int) -> tuple[Tensor, Tensor, Tensor]:
        rows = slice(row - self.first_row, row_end - self.first_row)
        keys = slice(key - self.first_key, key_end - self.first_key)
        return self.query[:, :, rows], self.key[:, :, keys], self.value[:, :, keys]

    def _add(self, row: int, piece: tuple[Tensor, Tensor]) -> None:
        self.merged.add(row - self.first_row + self.skipped, *piece)
