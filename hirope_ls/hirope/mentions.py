"""Mentions: which units the text near a row speaks of, for instance because they define a name that it uses.

A mention is a pair (token, unit): from that token on, for as many rows as the window is long, the unit's far keys weigh
more. What makes a mention is not known here; the idea is ours, the paper's far units differ by their distance alone.
A row's mentions are of tokens up to it, so cached rows stay right whatever follows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class Raised(NamedTuple):
    """Far keys that some row of a pass sees raised: keys int64 [s], and by which rows, bool [rows, s]."""

    keys: Tensor
    seen: Tensor

    def to(self, device: torch.device) -> Raised:
        return Raised(self.keys.to(device), self.seen.to(device))


def as_mentions(values: Any) -> Tensor | None:
    """int64 [2, m] on the CPU, tokens over units, from a tensor, an array or nested lists; None where there are none.

    Raises ValueError for other shapes and for negative numbers.
    """
    if values is None:
        return None
    pairs = values.detach() if isinstance(values, Tensor) else torch.tensor(values)
    pairs = pairs.to(device="cpu", dtype=torch.int64)
    if pairs.ndim != 2 or pairs.shape[0] != 2:
        raise ValueError(f"mentions must have the shape [2, m], not {list(pairs.shape)}")
    if pairs.numel() and int(pairs.min()) < 0:
        raise ValueError("mentions must not be negative")
    return pairs if pairs.numel() else None


def raised(mentions: Tensor, units: Tensor, first_row: int, stop: int, window: int) -> Raised | None:
    """What the rows first_row .. stop-1 see raised, or None; mentions int64 [2, m], units int64 [far keys] of the last.

    Row i raises key j where i - j >= window and j's unit is mentioned at a token t with 0 <= i - t < window.
    """
    found = mentions.numpy()  # not torch: its threads take longer to wake than this takes
    tokens, spoken = found[:, (found[0] < stop) & (found[0] > first_row - window)]
    names, which = np.unique(spoken, return_inverse=True)
    if not len(names):
        return None
    place = np.minimum(np.searchsorted(names, units.numpy()), len(names) - 1)
    keys = np.flatnonzero(names[place] == units.numpy())
    if not len(keys):
        return None
    row = np.arange(first_row, stop)[:, None]
    order = np.argsort(which, kind="stable")
    heard = ((tokens <= row) & (row - tokens < window))[:, order]
    by_unit = np.logical_or.reduceat(heard, np.searchsorted(which[order], np.arange(len(names))), axis=1)
    seen = by_unit[:, place[keys]] & (keys <= row - window)
    return Raised(torch.from_numpy(keys), torch.from_numpy(seen)) if seen.any() else None
