"""The far region of attention: keys beyond the window, or the first few of them, each turned as a far one.

The rows are the last ones of a pass, those of `Frame.first_far_row` on. Knows nothing of the near region but how to be
merged with it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hirope_ls.hirope.bands import Merged, add_band
from hirope_ls.hirope.kernels import block_attention, row_attention, seen_attention
from hirope_ls.hirope.layer import Call


def add_far(merged: Merged, call: Call, query: Tensor, key: Tensor, value: Tensor) -> None:
    """Add to `merged`, whose rows are those of `query` [B, h, n, d], what its last rows see far away.

    key [B, kv, total, d], value [B, kv, total, dv]; queries and keys unrotated.
    """
    frame, layer = call.frame, call.layer
    query = layer.far_query(frame, query)
    far, keys, values = Merged(query, value), layer.far_keys(frame, key), value[:, :, : frame.num_far_keys]
    if frame.scheme.sinks is None:
        _add_beyond(far, call, frame.first_far_row, query, keys, values)
        _add_raised(far, call, query, keys, values)
    else:
        _add_sinks(far, call, query, keys, values)
    bias = frame.far_bias(query)
    lse = far.lse if bias is None else far.lse + bias
    merged.add(merged.lse.shape[2] - lse.shape[2], far.out, lse)


def far_and_near_row(
    call: Call, query: Tensor, key: Tensor, value: Tensor, near_query: Tensor, near_key: Tensor
) -> Tensor:
    """The last row, which has far keys, over both regions at once: [B, h, 1, dv].

    query, key and value as above; near_query [B, h, 1, d] and near_key [B, kv, window, d] are turned already.
    """
    frame, layer = call.frame, call.layer
    between = slice(frame.num_far_keys, frame.total - near_key.shape[2])
    if between.start < between.stop:  # keys that are not seen at all
        value = torch.cat([value[:, :, : between.start], value[:, :, between.stop :]], dim=2)
    far_query, far_key = layer.far_query(frame, query), layer.far_keys(frame, key)
    return row_attention(far_query, far_key, near_query, near_key, value, call.scale, _row_bias(call, query))


def _row_bias(call: Call, query: Tensor) -> Tensor | None:
    """What is added to the far scores of the last row: nothing, one number for all, or one for each key."""
    bias, raised = call.frame.far_bias(query), call.frame.raised(query)
    if raised is None:
        return bias
    each = query.new_zeros(call.frame.num_far_keys) if bias is None else bias.expand(call.frame.num_far_keys).clone()
    each[raised.keys] = call.frame.scheme.mention_gain
    return each


def _add_beyond(far: Merged, call: Call, first_row: int, query: Tensor, key: Tensor, value: Tensor) -> None:
    """Each of the rows first_row, first_row + 1, ... sees every key beyond the window."""
    add_band(
        far,
        query,
        key,
        value,
        first_row=first_row,
        first_key=0,
        nearest=call.frame.scheme.window,
        farthest=None,
        scale=call.scale,
    )


def _add_raised(far: Merged, call: Call, query: Tensor, key: Tensor, value: Tensor) -> None:
    """Keys raised by g, and not damped by b, are seen once more: e^(s + g) = e^b (e^s + e^s (e^(g - b) - 1))."""
    raised = call.frame.raised(query)
    if raised is not None:
        key, value = key.index_select(2, raised.keys), value.index_select(2, raised.keys)
        out, lse = seen_attention(query, key, value, call.scale, raised.seen)
        bias, gain = call.frame.far_bias(query), call.frame.scheme.mention_gain
        more = math.log(math.expm1(gain)) if bias is None else (gain - bias).expm1().log()
        far.add(0, out, lse + more)


def _add_sinks(far: Merged, call: Call, query: Tensor, key: Tensor, value: Tensor) -> None:
    """Each row sees these few keys: all of them, or as many as are beyond its window yet."""
    first_row, full = call.frame.first_far_row, call.frame.scheme.window + key.shape[2] - 1
    growing = min(max(full - first_row, 0), query.shape[2])
    if growing:
        rows, stop = query[:, :, :growing], first_row + growing - call.frame.scheme.window
        part = Merged(rows, value)
        _add_beyond(part, call, first_row, rows, key[:, :, :stop], value[:, :, :stop])
        far.add(0, part.out, part.lse)
    if growing < query.shape[2]:
        far.add(growing, *block_attention(query[:, :, growing:], key, value, call.scale, causal=False))
