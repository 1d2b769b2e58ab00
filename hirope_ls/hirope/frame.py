"""What one forward pass knows of its rows: how many, where they begin, which positions, which rows are hierarchical.

The tables that depend on positions alone are made once a pass and shared by all layers. Knows no attention.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hirope_ls.hirope.rotary import Angles, Step, Table
from hirope_ls.hirope.scheme import Scheme, natural_split, pair_levels


class Frame:
    """One forward pass: query rows first_row .. total-1 against keys 0 .. total-1.

    positions: int64 [levels, prompt_length] on the CPU, prompt_length >= total, or None where nobody gave any (then
    hierarchical rows raise ValueError). The prompt's length, not the pass's, decides whether it is a long one.
    """

    def __init__(self, scheme: Scheme, rows: int, total: int, positions: Tensor | None) -> None:
        if positions is not None and positions.shape[1] < total:
            raise ValueError(f"positions cover {positions.shape[1]} tokens, but the model sees {total}")
        self.scheme = scheme
        self.total = total
        self.first_row = total - rows
        self._positions = positions
        prompt_length = total if positions is None else positions.shape[1]
        self.hierarchical_from = min(scheme.first_hierarchical_row(prompt_length), total)
        self._far: dict[int, tuple[Table, Table]] = {}
        self._scale: Tensor | None = None

    @property
    def long(self) -> bool:
        """True where some row of this pass, or of the rows before it, is hierarchical."""
        return self.hierarchical_from < self.total

    @property
    def first_far_row(self) -> int:
        """The first row of this pass that is hierarchical and has far keys; `total` if none."""
        return min(max(self.first_row, self.hierarchical_from, self.scheme.window), self.total)

    @property
    def num_far_keys(self) -> int:
        """Keys 0 .. num_far_keys-1 are far for the last row; row i sees those with i - j >= window."""
        return max(self.total - self.scheme.window, 0)

    def far_tables(self, angles: Angles, like: Tensor) -> tuple[Table, Table]:
        """Tables of the query rows first_far_row .. total-1 and of the keys 0 .. num_far_keys-1."""
        found = self._far.get(id(angles))
        if found is None or found[0].cos.dtype != like.dtype or found[0].cos.device != like.device:
            found = self._make_far_tables(angles, like)
            self._far[id(angles)] = found
        return found

    def score_scale(self, like: Tensor) -> Tensor | None:
        """[rows, 1] for the hierarchical rows of this pass, float32 or better, or None where no score is scaled."""
        if not self.scheme.log_scaling:
            return None
        dtype = torch.promote_types(like.dtype, torch.float32)
        if self._scale is None or self._scale.device != like.device or self._scale.dtype != dtype:
            first = max(self.first_row, self.hierarchical_from)
            log_rows = torch.arange(first, self.total, dtype=torch.float64).clamp_min(1.0).log()
            scale = (log_rows / math.log(self.scheme.trained_length)).clamp_min(1.0)[:, None]
            self._scale = scale.to(device=like.device, dtype=dtype)
        return self._scale

    def _make_far_tables(self, angles: Angles, like: Tensor) -> tuple[Table, Table]:
        if self._positions is None:
            raise ValueError(
                f"{self.total} tokens are more than the trained length {self.scheme.trained_length}: give positions"
            )
        scheme, rows, keys = self.scheme, slice(self.first_far_row, self.total), slice(0, self.num_far_keys)
        levels = self._levels(angles)
        query_steps: list[Step] = []
        key_steps: list[Step] = []
        for level in self._positions[:-1]:
            query_steps.append(level[rows] + (scheme.window if scheme.offset else 0))
            key_steps.append(level[keys])
        if scheme.far == "clamped":  # a far key is turned by its unit alone: its fast pairs never move
            query_steps.append(scheme.window)
            key_steps.append(0)
        elif scheme.far == "running":
            query_steps.append(range(rows.start, rows.stop))
            key_steps.append(range(keys.start, keys.stop))
        else:
            query_steps.append(self._positions[-1][rows])
            key_steps.append(self._positions[-1][keys])
        return angles.mixed(query_steps, levels, like), angles.mixed(key_steps, levels, like)

    def _levels(self, angles: Angles) -> list[int]:
        assert self._positions is not None
        split = self.scheme.split
        if split is None:
            split = natural_split(angles.inv_freq.tolist(), self.scheme.trained_length)
        return pair_levels(angles.num_pairs, split, self._positions.shape[0])
