"""Hierarchical attention the slow and obvious way: every score on its own, in float64. The oracle of the fast way.

For each rotary pair and each (row, key) it writes down the distance that the method asks for and turns the pair by that
distance; nothing is merged, cached or sliced. Costs pairs x rows x keys, so it is for tests and small examples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hirope_ls.hirope.frequencies import stretched
from hirope_ls.hirope.scheme import Scheme, natural_split, pair_levels


@dataclass(frozen=True)
class Rope:
    """A rotary convention: frequencies [pairs] in radians per position, and which two dimensions make pair p.

    "halves": p and p + pairs; "neighbours": 2p and 2p + 1. Dimensions from 2 * pairs on are not rotated. `factor` is
    the attention scaling that some rope types apply to rotated queries and keys alike.
    """

    inv_freq: Tensor
    pairing: Literal["halves", "neighbours"] = "halves"
    factor: float = 1.0


def pair_distances(scheme: Scheme, positions: Tensor, inv_freq: Tensor) -> Tensor:
    """float64 [pairs, T, T]: the distance between row i and key j that each rotary pair sees (j <= i matters only).

    positions: int [levels, T], the whole prompt.
    """
    total = positions.shape[1]
    row, key = torch.arange(total)[:, None], torch.arange(total)[None, :]
    ordinary, far = row - key, _far_pairs(scheme, total)
    split = scheme.split
    if split is None:
        split = natural_split(inv_freq.tolist(), scheme.trained_length)
    distances = []
    for level in pair_levels(len(inv_freq), split, positions.shape[0]):
        steps = positions[level][:, None] - positions[level][None, :]
        if level < positions.shape[0] - 1:
            hierarchical = steps + (scheme.window if scheme.offset else 0)
        else:
            hierarchical = _token_distances(scheme, row, key, steps)
        distances.append(torch.where(far, hierarchical, ordinary))
    return torch.stack(distances).to(torch.float64)


def _token_distances(scheme: Scheme, row: Tensor, key: Tensor, steps: Tensor) -> Tensor:
    """int64 [T, T]: what fast pairs see of far keys; `steps` are the differences of token indices."""
    window = scheme.window
    if scheme.far == "clamped":
        return torch.full_like(steps, window)
    if scheme.far == "running":
        return row - key
    if scheme.far == "grouped":
        group = scheme.at(len(row)).group or 1
        return row // group - key // group + window - window // group
    if scheme.far == "cached":
        return row.clamp_max(window + (scheme.sinks or 0) - 1) - key
    return steps


def _far_pairs(scheme: Scheme, total: int) -> Tensor:
    """bool [T, T]: which row has which key far away."""
    row, key = torch.arange(total)[:, None], torch.arange(total)[None, :]
    return (row - key >= scheme.window) & (row >= scheme.first_hierarchical_row(total))


def reference_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    positions: Tensor,
    scheme: Scheme,
    rope: Rope | None,
    scale: float,
    sliding: int | None = None,
    mentions: Tensor | None = None,
) -> Tensor:
    """Attention of the last n rows of a prompt, float64 [B, heads, n, dv].

    query [B, heads, n, d], key [B, kv_heads, T, d] and value [B, kv_heads, T, dv] unrotated, positions int [levels, T].
    A layer with a sliding window or without rotation (rope None) is neither hierarchical nor stretched.
    """
    query, key, value = query.double(), key.double(), value.double()
    rows, total = query.shape[2], key.shape[2]
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    first = total - rows
    if rope is None:
        scores = query @ key.transpose(-1, -2)
    else:
        if scheme.stretch is not None and sliding is None and total > scheme.trained_length:
            inv_freq, factor = stretched(rope.inv_freq, scheme.stretch, scheme.trained_length, total)
            rope = Rope(inv_freq, rope.pairing, rope.factor * factor)
        hierarchical = scheme if sliding is None else Scheme.plain(scheme.trained_length)
        distances = pair_distances(hierarchical, positions, rope.inv_freq)[:, first:]
        scores = _rotated_scores(query, key, distances, rope)
    scores = scores * scale
    if rope is not None and sliding is None:
        scores = scores * _row_scales(scheme, total)[first:, None] + _far_biases(scheme, positions, mentions)[first:]
    row, column = torch.arange(first, total)[:, None], torch.arange(total)[None, :]
    seen = column <= row
    if sliding is not None:
        seen &= row - column < sliding
    elif rope is not None and scheme.sinks is not None:
        seen &= ~_far_pairs(scheme, total)[first:] | (column < scheme.sinks)
    return scores.masked_fill(~seen, float("-inf")).softmax(dim=-1) @ value


def _rotated_scores(query: Tensor, key: Tensor, distances: Tensor, rope: Rope) -> Tensor:
    pairs = len(rope.inv_freq)
    scores = query[..., 2 * pairs :] @ key[..., 2 * pairs :].transpose(-1, -2)
    for pair in range(pairs):
        one, other = (pair, pair + pairs) if rope.pairing == "halves" else (2 * pair, 2 * pair + 1)
        query_one, query_other = query[..., one, None], query[..., other, None]
        key_one, key_other = key[..., None, :, one], key[..., None, :, other]
        angle = distances[pair] * rope.inv_freq[pair].double()
        along = query_one * key_one + query_other * key_other
        across = query_one * key_other - query_other * key_one
        scores = scores + rope.factor**2 * (along * angle.cos() + across * angle.sin())
    return scores


def _far_biases(scheme: Scheme, positions: Tensor, mentions: Tensor | None) -> Tensor:
    """float64 [T, T]: what is added to the score of row i with key j; mentions int [2, m], (token, unit) pairs."""
    total, units = positions.shape[1], positions[-2].tolist()
    pairs = [] if mentions is None else mentions.T.tolist()
    bias = torch.zeros(total, total, dtype=torch.float64)
    for row in range(max(scheme.first_hierarchical_row(total), scheme.window), total):
        bias[row, : row - scheme.window + 1] = scheme.far_bias(row)
        spoken = {unit for token, unit in pairs if 0 <= row - token < scheme.window}
        raised = [unit in spoken for unit in units[: row - scheme.window + 1]]
        if scheme.mention_gain:
            bias[row, : len(raised)].masked_fill_(torch.tensor(raised), scheme.mention_gain)
    return bias


def _row_scales(scheme: Scheme, total: int) -> Tensor:
    """float64 [T]: ln(i) / ln(L) for hierarchical rows beyond the trained length, 1 for the others."""
    first = scheme.first_hierarchical_row(total)
    scales = [
        math.log(row) / math.log(scheme.trained_length)
        if scheme.log_scaling and row >= first and row > scheme.trained_length
        else 1.0
        for row in range(total)
    ]
    return torch.tensor(scales, dtype=torch.float64)
