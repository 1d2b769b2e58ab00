"""Which token comes next: the most likely one that may be written, or one drawn from the likely ones.

Knows logits and ids. Ids without text and control tokens never pass, a stop id ends the text, and a text that has to
begin with given bytes begins with them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from hirope_ls.model.beginnings import Beginnings
from hirope_ls.model.generator import Limits, Sampling
from hirope_ls.model.pointer import Shares


class Choice:
    """Choices by logits; `never` are the ids that no limits can allow, `pieces` the bytes of each id, where known."""

    def __init__(self, never: frozenset[int], device: torch.device, pieces: Sequence[bytes] | None = None) -> None:
        self._never, self._device = never, device
        self._pieces = pieces
        self._beginnings: Beginnings | None = None  # sorted when it is first needed
        self._limits: tuple[frozenset[int], frozenset[int]] | None = None
        self._index = torch.zeros(0, dtype=torch.long, device=device)

    def check(self, limits: Limits) -> None:
        """Raises ValueError for limits that cannot be kept."""
        if limits.prefix and self._pieces is None:
            raise ValueError("a text cannot be begun with given bytes where the bytes of tokens are not known")

    def best(
        self, logits: Tensor, limits: Limits, said: Sequence[int] = (), shares: Shares | None = None
    ) -> tuple[int | None, float]:
        """The id that comes after the generated tokens `said`, None at a stop id or where no id is left, and its
        natural log-probability among all ids. `logits` [vocab] may be overwritten; what a pointer has of the
        probability, `shares`, is mixed in."""
        with torch.inference_mode():
            row = logits.float()
            total = _log_total(row)
            if shares is not None:
                row, total = mixed(row, total, shares)
            row = self._bound(row.index_fill_(0, self._masked(limits, len(row)), -torch.inf), limits.prefix, said)
            token = _first_best(row) if limits.sampling is None else int(drawn(row, limits.sampling, len(said)))
            logprob = float(row[token]) - total
        return (None if token in limits.stop_ids or not math.isfinite(logprob) else token), logprob

    def _bound(self, row: Tensor, prefix: bytes, said: Sequence[int]) -> Tensor:
        """Only what goes on with the bytes of `prefix` that are not written yet."""
        if not prefix or self._pieces is None:
            return row
        self._beginnings = self._beginnings or Beginnings(self._pieces)
        left = self._beginnings.left(prefix, said)
        if not left:
            return row
        fitting = torch.tensor([id for id in self._beginnings.fitting(left) if id < len(row)], device=self._device)
        fitting = fitting.long()  # an empty list makes floats
        return torch.full_like(row, -torch.inf).index_copy_(0, fitting, row[fitting])

    def _masked(self, limits: Limits, vocab: int) -> Tensor:
        """Indices to hide. The last answer is kept, for limits seldom change from token to token."""
        asked = limits.forbidden_ids, limits.stop_ids
        if self._limits != asked:
            hidden = sorted((limits.forbidden_ids | self._never) - limits.stop_ids)
            inside = [id for id in hidden if 0 <= id < vocab]
            self._index = torch.tensor(inside, dtype=torch.long, device=self._device)
            self._limits = asked
        return self._index


def mixed(row: Tensor, total: float, shares: Shares) -> tuple[Tensor, float]:
    """Logits [vocab] and the log of their exponentials' sum with a pointer's shares mixed in; overwrites `row`."""
    rest = 1 - float(shares.shares.sum())
    ids = torch.from_numpy(shares.ids).to(row.device)
    added = torch.from_numpy(np.log(shares.shares / rest) + total).to(row)
    row[ids] = torch.logaddexp(row[ids], added)
    return row, total - math.log(rest)


def _log_total(row: Tensor) -> float:
    """The log of the sum of the exponentials. On a CPU by numpy: waking torch's threads takes longer than the sum."""
    if row.device.type != "cpu":
        return float(row.logsumexp(0))
    numbers = row.numpy()
    top = numbers.max()
    return float(top + np.log(np.exp(numbers - top).sum(dtype=np.float64)))


def _first_best(row: Tensor) -> int:
    return int(row.numpy().argmax() if row.device.type == "cpu" else row.argmax())


def drawn(row: Tensor, sampling: Sampling, place: int) -> Tensor:
    """An id, int64 [], drawn for the token number `place` of a generation, by logits [vocab] of which some are -inf.

    Each place has a random number of its own, so that what is drawn does not depend on how it was computed.
    """
    values, ids = (row / sampling.temperature).sort(descending=True, stable=True)
    likely = values.double().softmax(0).cumsum(0)  # the first ids' probability together
    last = torch.searchsorted(likely, sampling.top_p).clamp_(max=len(ids) - 1)
    point = random.Random(f"{sampling.seed}:{place}").random() * likely[last]
    return ids[torch.searchsorted(likely, point, right=True).clamp_(max=len(ids) - 1)]
