"""The attention function that transformers calls for every layer of a patched model.

Queries and keys arrive unrotated and are turned here. Rows inside the trained length take the very call that the stock
model would make, and so do all rows of stretched prompts, by other angles; the rows of other long prompts attend to a
near region (ordinary RoPE, the last `window` keys) and a far region (`far`), merged by log-sum-exp.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from hirope_ls.hirope.bands import Merged, add_band
from hirope_ls.hirope.far import add_far, far_and_near_row
from hirope_ls.hirope.layer import Beside, Call, Layer, attach, detach, layer_of

__all__ = ["NAME", "Beside", "Layer", "attach", "detach", "hirope_attention", "hirope_mask"]

NAME = "hirope"


def hirope_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """query [B, h, n, d]; key, value [B, kv, keys, d], unrotated, as a transformers Cache returns them.

    The n queries are the last rows. Returns [B, n, h, dv]. `keys` is the total, or less where a sliding layer's cache
    keeps the last ones only, or more where a static cache returns its empty end too.
    """
    layer = layer_of(module)
    frame = None if layer is None else layer.beside.frame
    if layer is None or frame is None:
        raise RuntimeError("hirope attention was called in a model that patch() did not prepare")
    if attention_mask is not None:
        raise ValueError("hirope computes causal attention itself and takes no attention mask")
    key, value = key[:, :, : frame.total], value[:, :, : frame.total]
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    call = Call(module, layer.under(frame), frame, scale, dropout)
    if not frame.long:
        out = _stock(call, query, key, value)
    elif layer.angles is None or layer.sliding is not None:
        out = _ordinary_bands(call, query, key, value)
    else:
        out = _split_rows(call, query, key, value)
    return out, None


def _split_rows(call: Call, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Rows before the switch as the stock model has them, the others hierarchical: [B, n, h, dv]."""
    frame = call.frame
    ordinary = max(frame.hierarchical_from - frame.first_row, 0)
    parts = []
    if ordinary:
        seen = slice(0, frame.hierarchical_from)
        parts.append(_stock(call, query[:, :, :ordinary], key[:, :, seen], value[:, :, seen]))
    if ordinary < query.shape[2]:
        parts.append(_hierarchical(call, query[:, :, ordinary:], key, value))
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _stock(call: Call, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Ordinary distances and the same SDPA call that the stock model would make for these rows and keys."""
    layer, frame = call.layer, call.frame
    first_key = max(frame.total - key.shape[2], 0) if layer.sliding is not None else 0
    mask = _stock_mask(query.shape[2], key.shape[2], layer.sliding, query.device)
    query, key = layer.turn_both(frame, query, key, first_key, first_key)
    out: Tensor = ALL_ATTENTION_FUNCTIONS["sdpa"](
        call.module, query, key, value, mask, dropout=call.dropout, scaling=call.scale
    )[0]
    return out


def _stock_mask(rows: int, keys: int, sliding: int | None, device: torch.device) -> Tensor | None:
    """The mask that transformers makes for SDPA: bool [1, 1, rows, keys], or None where `is_causal` says it all."""
    reached = sliding is not None and keys >= sliding
    if not reached and rows in (1, keys):
        return None
    row = torch.arange(keys - rows, keys, device=device)[:, None]
    column = torch.arange(keys, device=device)
    mask = column <= row
    if sliding is not None:
        mask &= column > row - sliding
    return mask[None, None]


def _ordinary_bands(call: Call, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Layers whose keys are all near, in a long prompt: sliding layers and layers without rotation."""
    layer, frame = call.layer, call.frame
    first_key = first = frame.total - key.shape[2]
    if layer.sliding is not None:
        first = max(first_key, frame.first_row - layer.sliding + 1)
    query, key = layer.turn_both(frame, query, key, first_key, first)
    merged = Merged(query, value)
    add_band(
        merged,
        query,
        key,
        value[:, :, first - first_key :],
        first_row=frame.first_row,
        first_key=first,
        nearest=0,
        farthest=layer.sliding,
        scale=call.scale,
    )
    return merged.out.to(query.dtype).transpose(1, 2).contiguous()


def _hierarchical(call: Call, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Near and far region of the last rows: query [B, h, n', d] -> [B, n', h, dv]."""
    frame = call.frame
    window, first_row = frame.scheme.window, frame.total - query.shape[2]
    factors = frame.score_scale(query)
    if factors is not None:
        query = (query * factors).to(query.dtype)
    first_near, has_far = max(0, first_row - window + 1), frame.first_far_row < frame.total
    # Where some keys are near to one row and far from another, those that are kept must stay turned for the far ones.
    one = query.shape[2] == 1
    keep = one or call.layer.far_stay(frame, key)
    near_query, near_key = call.layer.turn_both(frame, query, key, 0, first_near, keep)
    if one and has_far and query.dtype in (torch.float32, torch.float64):
        return far_and_near_row(call, query, key, value, near_query, near_key).transpose(1, 2)
    merged = Merged(query, value)
    add_band(
        merged,
        near_query,
        near_key,
        value[:, :, first_near:],
        first_row=first_row,
        first_key=first_near,
        nearest=0,
        farthest=window,
        scale=call.scale,
    )
    if has_far:
        add_far(merged, call, query, key, value)
    return merged.out.to(query.dtype).transpose(1, 2).contiguous()


def hirope_mask(attention_mask: Tensor | None = None, **_: Any) -> None:
    """The mask side of the pair: there is never a mask, and padding is refused with ValueError."""
    if attention_mask is not None and not bool(attention_mask.all()):
        raise ValueError("hirope takes no padding: give rows of equal length")


AttentionInterface.register(NAME, hirope_attention)
AttentionMaskInterface.register(NAME, hirope_mask)
