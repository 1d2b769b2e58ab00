"""Which token comes next: the most likely one that may be written.

Knows logits and ids. Ids without text and control tokens never pass, a stop id ends the text.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hirope_ls.model.generator import Limits


class Choice:
    """Greedy choice; `never` are the ids that no limits can allow."""

    def __init__(self, never: frozenset[int], device: torch.device) -> None:
        self._never, self._device = never, device
        self._limits: tuple[frozenset[int], frozenset[int]] | None = None
        self._index = torch.zeros(0, dtype=torch.long, device=device)

    def best(self, logits: Tensor, limits: Limits) -> tuple[int | None, float]:
        """The most likely id that may be generated, None at a stop id or where none is left, and its natural
        log-probability among all ids. `logits` [vocab] may be overwritten."""
        with torch.inference_mode():
            row = logits.float()
            total = row.logsumexp(0)
            value, best = row.index_fill_(0, self._masked(limits, len(row)), -torch.inf).max(0)
            token, logprob = int(best), float(value - total)
        return (None if token in limits.stop_ids or not math.isfinite(logprob) else token), logprob

    def _masked(self, limits: Limits, vocab: int) -> Tensor:
        """Indices to hide. The last answer is kept, for limits seldom change from token to token."""
        asked = limits.forbidden_ids, limits.stop_ids
        if self._limits != asked:
            hidden = sorted((limits.forbidden_ids | self._never) - limits.stop_ids)
            inside = [id for id in hidden if 0 <= id < vocab]
            self._index = torch.tensor(inside, dtype=torch.long, device=self._device)
            self._limits = asked
        return self._index
