"""Position ids: one row of integers a level, coarsest level first, token index last.

`[2, total]` holds (unit index, token index inside the unit), `[3, total]` adds the file in front. They cover every
key that a forward pass sees, cached ones included. Indices are counted from 0 in prompt order. What a unit is, is not
known here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def as_positions(values: Any) -> Tensor:
    """int64 [levels, total] on the CPU from a tensor, an array or nested lists of non-negative integers.

    Raises ValueError for other shapes, for fewer than two levels and for negative indices.
    """
    if isinstance(values, Tensor):
        ids = values.detach().to(device="cpu", dtype=torch.int64)
    else:
        ids = torch.tensor(values, dtype=torch.int64, device="cpu")  # copied: an array may be read-only
    if ids.ndim != 2 or ids.shape[0] < 2:
        raise ValueError(f"positions must have the shape [levels >= 2, total], not {list(ids.shape)}")
    if ids.numel() and int(ids.numpy().min()) < 0:  # by numpy: torch would wake its threads
        raise ValueError("positions must not be negative")
    return ids


def one_unit(total: int) -> Tensor:
    """int64 [2, total] for text without structure: everything is one unit."""
    return torch.stack([torch.zeros(total, dtype=torch.int64), torch.arange(total)])


def continued(values: Any, count: int) -> Tensor:
    """int64 [levels, total + count]: `count` more tokens in the last unit, as generated text gets them."""
    ids = as_positions(values)
    if not ids.shape[1]:
        raise ValueError("there is no last unit to continue: positions are empty")
    more = ids[:, -1:].repeat(1, count)
    more[-1] += torch.arange(1, count + 1)
    return torch.cat([ids, more], dim=1)
