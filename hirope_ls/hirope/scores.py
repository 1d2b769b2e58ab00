"""Attention of a few rows over all their keys at once, the scores held whole: what a decode step needs.

Far keys and near ones are met by two turns of the query; what a row does not see is masked. Scores are products in the
keys' precision, as in transformers' eager attention, and float32 from there on (float64 for float64). Knows no layers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from hirope_ls.hirope.frame import Frame


class Seen(NamedTuple):
    """What the rows of a pass see, the same in all layers.

    num_far    keys that are far for the last row; 0 where all are near
    scale      [n, 1], what scores are multiplied by beyond the layer's own factor, or None
    far        [n, 1 or num_far], what is added to far scores, or None
    near       [n, keys], what is added to the scores of all other keys, and of the n - 1 before them, or None
    """

    num_far: int
    scale: Tensor | None
    far: Tensor | None
    near: Tensor | None

    @classmethod
    def of(cls, frame: Frame, like: Tensor) -> Seen:
        """For rows that are all ordinary, or all hierarchical with far keys."""
        rows = frame.total - frame.first_row
        if not frame.long:
            return cls(0, None, None, _near(frame, 0, like))
        first = frame.num_far_keys - rows + 1
        return cls(frame.num_far_keys, frame.score_scale(like), _far(frame, rows, like), _near(frame, first, like))


def attend(
    far: Tensor | None, near: Tensor, keys: Tensor, near_keys: Tensor, values: Tensor, scale: float, seen: Seen
) -> Tensor:
    """Softmax attention [h, n, dv]; far, near [h, n, d]: the queries by both turns; keys, values [kv, total, .];
    near_keys [kv, ., d]: the last ones turned, at least those of the window before the first row."""
    heads, rows, _ = near.shape
    kv_heads, total, _ = keys.shape
    grouped = (kv_heads, heads // kv_heads * rows, -1)
    factor = scale if seen.scale is None else seen.scale * scale
    first = 0 if far is None else seen.num_far - rows + 1
    near_keys = near_keys[:, near_keys.shape[1] - (total - first) :]
    scores = _scores((near * factor).to(near.dtype).reshape(grouped), near_keys, seen.near, rows)
    if far is not None:
        beyond = (far * factor).to(far.dtype).reshape(grouped)
        scores = torch.cat((_scores(beyond, keys[:, : seen.num_far], seen.far, rows), scores), dim=2)
    weights = scores.softmax(dim=2).to(values.dtype)
    if far is None or rows == 1:
        out = weights @ values
    else:  # some keys are far for the last row and near for the first
        out = weights[:, :, : seen.num_far] @ values[:, : seen.num_far]
        out += weights[:, :, seen.num_far :] @ values[:, first:]
    return out.reshape(heads, rows, -1)


def _scores(query: Tensor, keys: Tensor, bias: Tensor | None, rows: int) -> Tensor:
    """[kv, groups * n, keys] of queries [kv, groups * n, d] and keys [kv, keys, d], a bias [n, 1 or keys] added."""
    scores = query @ keys.transpose(1, 2)
    scores = scores.to(_exact(scores))
    if bias is not None:
        scores.view(scores.shape[0], -1, rows, scores.shape[2]).add_(bias)
    return scores


def _exact(like: Tensor) -> torch.dtype:
    return torch.promote_types(like.dtype, torch.float32)


def _near(frame: Frame, first: int, like: Tensor) -> Tensor | None:
    """[n, keys from `first` on]: minus infinity where a row does not see one; None for a single row: it sees all."""
    if frame.total - frame.first_row == 1:
        return None
    row = torch.arange(frame.first_row, frame.total, device=like.device)[:, None]
    column = torch.arange(first, frame.total, device=like.device)
    hidden = column > row
    if frame.long:
        hidden |= column <= row - frame.scheme.window
    return torch.zeros_like(hidden, dtype=_exact(like)).masked_fill_(hidden, float("-inf"))


def _far(frame: Frame, rows: int, like: Tensor) -> Tensor | None:
    bias, raised = frame.far_bias(like), frame.raised(like)
    found = None if bias is None else bias[:, None]
    if rows == 1 and raised is None:
        return found
    far = frame.num_far_keys
    whole = like.new_zeros(rows, far, dtype=_exact(like)) if found is None else found.expand(rows, far).clone()
    if raised is not None:
        gain = torch.full_like(whole[:, raised.keys], frame.scheme.mention_gain)
        whole[:, raised.keys] = torch.where(raised.seen, gain, whole[:, raised.keys])
    row = torch.arange(frame.first_row, frame.total, device=like.device)[:, None]
    beyond = torch.arange(far, device=like.device) > row - frame.scheme.window
    return whole.masked_fill_(beyond, float("-inf"))
