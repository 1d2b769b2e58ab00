"""What one forward pass knows of its rows: how many, where they begin, which positions, which rows are hierarchical.

The tables that depend on positions alone are made once a pass and shared by all layers. Knows no attention.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hirope_ls.hirope.mentions import Raised, raised
from hirope_ls.hirope.rotary import Angles, Step, Table
from hirope_ls.hirope.scheme import Scheme, pair_levels
from hirope_ls.hirope.turned import TurnedCache, TurnedKeys


class Frame:
    """One forward pass: query rows first_row .. total-1 against keys 0 .. total-1.

    positions: int64 [levels, prompt_length] on the CPU, prompt_length >= total, or None where nobody gave any (then
    hierarchical rows raise ValueError). The prompt's length, not the pass's, decides whether it is a long one.
    kept: where the pass's cache keeps turned keys, or None. mentions: int64 [2, m] on the CPU, or None.
    """

    def __init__(
        self,
        scheme: Scheme,
        rows: int,
        total: int,
        positions: Tensor | None,
        kept: TurnedCache | None = None,
        mentions: Tensor | None = None,
    ) -> None:
        if positions is not None and positions.shape[1] < total:
            raise ValueError(f"positions cover {positions.shape[1]} tokens, but the model sees {total}")
        self.prompt_length = total if positions is None else positions.shape[1]
        self.scheme = scheme.at(self.prompt_length)
        self.total = total
        self.first_row = total - rows
        self._positions, self._kept = positions, kept
        self._mentions = mentions if scheme.mention_gain else None
        self.hierarchical_from = min(scheme.first_hierarchical_row(self.prompt_length), total)
        self._far: dict[tuple[int, int, int, torch.dtype], Table] = {}
        self._scale: Tensor | None = None
        self._bias: Tensor | None = None
        self._raised: Raised | None = None

    @property
    def long(self) -> bool:
        """True where some row of this pass, or of the rows before it, is hierarchical."""
        return self.hierarchical_from < self.total

    @property
    def stretched(self) -> bool:
        """True where all rows of the prompt are turned by changed frequencies."""
        return self.scheme.stretch is not None and self.prompt_length > self.scheme.trained_length

    @property
    def first_far_row(self) -> int:
        """The first row of this pass that is hierarchical and has far keys; `total` if none."""
        if self.scheme.sinks == 0:
            return self.total
        return min(max(self.first_row, self.hierarchical_from, self.scheme.window), self.total)

    @property
    def num_far_keys(self) -> int:
        """Keys 0 .. num_far_keys-1 are far for the last row; row i sees those with i - j >= window."""
        beyond, sinks = max(self.total - self.scheme.window, 0), self.scheme.sinks
        return beyond if sinks is None else min(beyond, sinks)

    def kept(self, layer: int, keys: Tensor) -> TurnedKeys | None:
        """Where the cache keeps that layer's turned keys, if it does, for its unrotated `keys` from row 0 on."""
        room = None if self._kept is None else self._kept.layers[layer]
        return room if room is not None and room.serves(keys) else None

    def far_query_table(self, angles: Angles, like: Tensor) -> Table:
        """How the query rows first_far_row .. total-1 are turned for their far keys: [1, rows, columns]."""
        return self._far_table(angles, -1, self.total, like)

    def far_key_table(self, angles: Angles, start: int, stop: int, like: Tensor) -> Table:
        """How the keys start .. stop-1 are turned for the rows that see them as far ones."""
        return self._far_table(angles, start, stop, like)

    def _far_table(self, angles: Angles, start: int, stop: int, like: Tensor) -> Table:
        asked = id(angles), start, stop, like.dtype
        found = self._far.get(asked)
        if found is None or found.cos.device != like.device:
            steps = self._query_steps() if start < 0 else self._key_steps(start, stop)
            found = self._far[asked] = angles.mixed(steps, self._levels(angles), like)
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

    def far_bias(self, like: Tensor) -> Tensor | None:
        """[far rows] of what is added to far scores, as `Scheme.far_bias` has it, or None where nothing is."""
        scheme, exact = self.scheme, torch.promote_types(like.dtype, torch.float32)
        trained = scheme.trained_length - scheme.window
        if not scheme.far_damping or self.num_far_keys <= trained:
            return None
        if self._bias is None or self._bias.device != like.device or self._bias.dtype != exact:
            rows = torch.arange(self.first_far_row, self.total, dtype=torch.float64)
            growth = ((rows - scheme.window + 1) / trained).clamp_min(1.0)
            self._bias = (-scheme.far_damping * growth.log()).to(device=like.device, dtype=exact)
        return self._bias

    def raised(self, like: Tensor) -> Raised | None:
        """What the rows first_far_row .. total-1 see raised by `Scheme.mention_gain`, or None where nothing is."""
        if self._mentions is not None:
            units = self._given()[-2, : self.num_far_keys]
            self._raised = raised(self._mentions, units, self.first_far_row, self.total, self.scheme.window)
            self._mentions = None
        if self._raised is not None and self._raised.keys.device != like.device:
            self._raised = self._raised.to(like.device)
        return self._raised

    def _query_steps(self) -> list[Step]:
        shift = self.scheme.window if self.scheme.offset else 0
        units = [level[self.first_far_row : self.total] + shift for level in self._given()[:-1]]
        return [*units, self._query_index(self.first_far_row, self.total)]

    def _query_index(self, start: int, stop: int) -> Step:
        """What the query rows start .. stop-1 count as on the token level, where `_key_index` is what far keys do."""
        scheme = self.scheme
        if scheme.far == "clamped":
            return scheme.window
        if scheme.far == "restart":
            return self._given()[-1, start:stop]
        if scheme.far == "running":
            return range(start, stop)
        if scheme.sinks is not None and scheme.far == "cached":
            full = scheme.window + scheme.sinks - 1  # the last index of a full cache
            return full if start >= full else torch.arange(start, stop).clamp_max(full)
        assert scheme.group is not None
        return torch.arange(start, stop) // scheme.group + scheme.window - scheme.window // scheme.group

    def _key_steps(self, start: int, stop: int) -> list[Step]:
        units = [level[start:stop] for level in self._given()[:-1]]
        return [*units, self._key_index(start, stop)]

    def _key_index(self, start: int, stop: int) -> Step:
        far, group = self.scheme.far, self.scheme.group
        if far == "clamped":  # a far key is turned by its unit alone: its fast pairs never move
            return 0
        if far == "restart":
            return self._given()[-1, start:stop]
        return range(start, stop) if group is None else torch.arange(start, stop) // group

    def _given(self) -> Tensor:
        if self._positions is None:
            raise ValueError(
                f"{self.total} tokens are more than the trained length {self.scheme.trained_length}: give positions"
            )
        return self._positions

    def _levels(self, angles: Angles) -> list[int]:
        assert self._positions is not None
        split = self.scheme.split
        if split is None:
            split = angles.natural_split(self.scheme.trained_length)
        return pair_levels(angles.num_pairs, split, self._positions.shape[0])
