"""Attention of a block of queries over a block of keys, with the log-sum-exp of the scores.

The log-sum-exp is what lets blocks that were computed apart be merged, and public PyTorch does not return it on every
device; so this module calls the flash operators below `scaled_dot_product_attention` where they exist and serve, and
otherwise does the softmax in plain operations, a bounded piece at a time. Knows no positions and no windows.
"""

from __future__ import annotations

import torch
from torch import Tensor

_MAX_SCORES = 1 << 22  # elements of the largest score tensor that the plain path holds


def block_attention(query: Tensor, key: Tensor, value: Tensor, scale: float, causal: bool) -> tuple[Tensor, Tensor]:
    """Softmax attention of every query row over all keys, or over keys 0..row where `causal`.

    query [B, heads, n, d], key [B, kv_heads, m, d], value [B, kv_heads, m, dv], kv_heads dividing heads, m >= 1, and
    n == m where causal. Returns the output [B, heads, n, dv] in the query's dtype, and the log-sum-exp of the scaled
    scores [B, heads, n] in float32 (float64 for float64).
    """
    batch, heads, rows, _ = query.shape
    kv_heads = key.shape[1]
    groups = heads // kv_heads
    if causal and rows > 1:
        # Batch times key heads become the batch, so that each group shares its keys by a zero stride, not by a copy.
        query = query.reshape(batch * kv_heads, groups, rows, -1)
        key, value = _shared(key, groups), _shared(value, groups)
    elif groups > 1:  # without a mask the rows of a group are just more rows
        query = query.reshape(batch, kv_heads, groups * rows, -1)
    out, lse = _dispatch(query, key, value, scale, causal and rows > 1)
    return out.reshape(batch, heads, rows, -1), lse.reshape(batch, heads, rows)


def window_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> tuple[Tensor, Tensor] | None:
    """Softmax attention of rows r = 0 .. n-1 over the keys r .. r + width - 1 each; None where no kernel serves.

    query [B, heads, n, d]; key [B, kv_heads, n + width - 1, d] and value alike. Returns what `block_attention` does.
    A few rows at a time meet all keys that one of them sees, under one small mask for all blocks of rows: one call
    instead of a rectangle and two triangles for each block.
    """
    if query.device.type != "cpu" or query.shape[-1] != value.shape[-1] or not _HAS_CPU_FLASH:
        return None
    rows, width = query.shape[2], key.shape[2] - query.shape[2] + 1
    size = min(rows, _rows_a_block(width))
    whole = rows - rows % size
    sequences = [(query[n, :, :whole], key[n], value[n]) for n in range(len(query))]
    parts = [_window_blocks(*each, scale, size, width) for each in sequences]
    out, lse = torch.stack([part[0] for part in parts]), torch.stack([part[1] for part in parts])
    if whole == rows:
        return out, lse
    rest = window_attention(query[:, :, whole:], key[:, :, whole:], value[:, :, whole:], scale)
    assert rest is not None
    return torch.cat([out, rest[0]], dim=2), torch.cat([lse, rest[1]], dim=2)


def _rows_a_block(width: int) -> int:
    """Few, so that little is computed that the mask hides; enough for products of matrices."""
    return max(32, min(width // 8, 256))


def _window_blocks(
    query: Tensor, key: Tensor, value: Tensor, scale: float, size: int, width: int
) -> tuple[Tensor, Tensor]:
    """`window_attention` of one sequence, all without [B], whose rows are whole blocks of `size`."""
    heads, rows, dim = query.shape
    kv_heads, blocks, length = key.shape[0], rows // size, width + size - 1
    groups = heads // kv_heads
    query = query.view(kv_heads, groups, blocks, size, dim).permute(2, 0, 1, 3, 4).reshape(blocks, kv_heads, -1, dim)
    seen = _window_mask(size, length, width, query).repeat(groups, 1)[None, None]
    out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, _windows(key, blocks, size, length), _windows(value, blocks, size, length), attn_mask=seen, scale=scale
    )
    out = out.view(blocks, kv_heads, groups, size, dim).permute(1, 2, 0, 3, 4).reshape(heads, rows, dim)
    return out, lse.view(blocks, kv_heads, groups, size).permute(1, 2, 0, 3).reshape(heads, rows)


def _windows(keys: Tensor, blocks: int, step: int, length: int) -> Tensor:
    """[blocks, kv, length, d]: overlapping views of keys [kv, ., d], each `step` further on."""
    head, row, number = keys.stride()
    shape = (blocks, keys.shape[0], length, keys.shape[2])
    return keys.as_strided(shape, (step * row, head, row, number))


def _window_mask(size: int, length: int, width: int, like: Tensor) -> Tensor:
    """[size, length]: row r sees the keys r .. r + width - 1."""
    distance = torch.arange(length, device=like.device) - torch.arange(size, device=like.device)[:, None]
    return like.new_zeros(size, length).masked_fill_((distance < 0) | (distance >= width), float("-inf"))


def row_attention(
    far_query: Tensor,
    far_key: Tensor,
    near_query: Tensor,
    near_key: Tensor,
    value: Tensor,
    scale: float,
    far_bias: Tensor | None = None,
) -> Tensor:
    """Softmax attention of one row that sees some keys by one turn of its query, and the rest by another.

    far_query, near_query [B, heads, 1, d]; far_key [B, kv_heads, m, d], near_key [B, kv_heads, n, d]; value
    [B, kv_heads, m + n, dv] in that order; far_bias, one number or one for each far key, is added to the scaled far
    scores. Returns [B, heads, 1, dv]. Meant for float32 and float64: scores are held in the keys' precision.
    """
    batch, heads, _, dim = near_query.shape
    grouped = (batch, value.shape[1], heads // value.shape[1], dim)
    far = far_query.reshape(grouped) @ far_key.transpose(-1, -2)
    near = near_query.reshape(grouped) @ near_key.transpose(-1, -2)
    scores = torch.cat([far, near], dim=-1).mul_(scale)
    if far_bias is not None:
        scores[..., : far.shape[-1]] += far_bias
    weights = scores.softmax(dim=-1)
    return (weights @ value).reshape(batch, heads, 1, -1)


def _shared(heads: Tensor, groups: int) -> Tensor:
    batch, kv_heads, length, dim = heads.shape
    return heads.reshape(batch * kv_heads, 1, length, dim).expand(-1, groups, -1, -1)


def _dispatch(query: Tensor, key: Tensor, value: Tensor, scale: float, causal: bool) -> tuple[Tensor, Tensor]:
    same_dim = query.shape[-1] == value.shape[-1]
    if query.device.type == "cpu" and same_dim and _HAS_CPU_FLASH:
        out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, is_causal=causal, scale=scale
        )
        return out, lse
    if query.device.type == "cuda" and same_dim and _HAS_CUDA_FLASH and _cuda_flash_serves(query):
        found = torch.ops.aten._scaled_dot_product_flash_attention(query, key, value, is_causal=causal, scale=scale)
        return found[0], found[1]
    return plain_attention(query, key, value, scale, causal)


def _cuda_flash_serves(query: Tensor) -> bool:
    dim = query.shape[-1]
    return query.dtype in (torch.float16, torch.bfloat16) and dim % 8 == 0 and dim <= 256


def plain_attention(query: Tensor, key: Tensor, value: Tensor, scale: float, causal: bool) -> tuple[Tensor, Tensor]:
    """The same in plain operations, for equal numbers of heads: query [B, h, n, d], key and value [B, h, m, .]."""
    batch, heads, rows, _ = query.shape
    length = key.shape[2]
    exact = torch.float64 if query.dtype == torch.float64 else torch.float32
    out = query.new_empty((batch, heads, rows, value.shape[-1]))
    lse = torch.empty((batch, heads, rows), dtype=exact, device=query.device)
    step = _rows_at_once(query, key)
    columns = torch.arange(length, device=query.device)
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        scores = (query[:, :, start:stop] @ key.transpose(-1, -2)).to(exact) * scale
        if causal:
            hidden = columns > torch.arange(start, stop, device=query.device)[:, None]
            scores.masked_fill_(hidden, float("-inf"))
        total = scores.logsumexp(dim=-1)
        out[:, :, start:stop] = (scores - total[..., None]).exp().to(value.dtype) @ value
        lse[:, :, start:stop] = total
    return out, lse


def seen_attention(query: Tensor, key: Tensor, value: Tensor, scale: float, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Attention of rows that see some of a few keys each, seen bool [n, m]; the shapes are those of `block_attention`.

    A row that sees none gets zeros, and minus infinity for its log-sum-exp.
    """
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    exact = torch.float64 if query.dtype == torch.float64 else torch.float32
    parts = []
    step = _rows_at_once(query, key)
    for rows, sees in zip(torch.split(query, step, dim=2), torch.split(seen, step), strict=True):
        scores = ((rows @ key.transpose(-1, -2)).to(exact) * scale).masked_fill(~sees, float("-inf"))
        lse = scores.logsumexp(dim=-1)
        weights = (scores - lse[..., None]).exp().nan_to_num(0.0)  # a row without keys has no sum
        parts.append((weights.to(value.dtype) @ value, lse))
    return torch.cat([out for out, _ in parts], dim=2), torch.cat([lse for _, lse in parts], dim=2)


def _rows_at_once(query: Tensor, key: Tensor) -> int:
    return max(1, _MAX_SCORES // max(1, query.shape[0] * query.shape[1] * key.shape[2]))


_HAS_CPU_FLASH = hasattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu")
_HAS_CUDA_FLASH = hasattr(torch.ops.aten, "_scaled_dot_product_flash_attention")
