"""Causal attention for training on a CPU: blocks of queries, each with the keys up to its end.

torch's own CPU kernel takes a third of a step at this size, its backward pass above all. Plain products of bfloat16
matrices, with what is between them fused by torch.compile, take half of that.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface

NAME = "causal-blocks"
BLOCK = 256


def causal_blocks(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """The attention of queries [batch, heads, n, d] to keys and values [batch, kv heads, n, d]: [batch, n, heads, d].

    Every query sees the keys up to its own; the mask of transformers, which would say the same, is not looked at.
    """
    batch, heads, length, width = query.shape
    kv_heads = key.shape[1]
    query = query.reshape(batch, kv_heads, heads // kv_heads, length, width)
    parts = []
    for start in range(0, length, BLOCK):
        end = min(length, start + BLOCK)
        rows = query[:, :, :, start:end].reshape(batch, kv_heads, -1, width)
        scores = (rows @ key[:, :, :end].transpose(2, 3)).float() * scaling
        scores = scores.view(batch, kv_heads, -1, end - start, end) + _unseen(start, end, query.device)
        weights = scores.softmax(-1).to(value.dtype).view(batch, kv_heads, -1, end)
        parts.append((weights @ value[:, :, :end]).view(batch, heads, end - start, width))
    return torch.cat(parts, 2).transpose(1, 2), None


def _unseen(start: int, end: int, device: torch.device) -> torch.Tensor:
    """What is added to the scores of queries start to end, [end - start, end]: minus infinity where a key is later."""
    own = torch.full((end - start, end - start), -torch.inf, device=device).triu(1)
    return functional.pad(own, (start, 0))


AttentionInterface.register(NAME, causal_blocks)
