"""The attention function that transformers calls for every layer of a patched model.

Queries and keys arrive unrotated and are turned here. Rows inside the trained length take the very call that the stock
model would make; later rows attend to a near region (ordinary RoPE, the last `window` keys) and a far region
(hierarchical positions), merged by log-sum-exp. Positions come from the frame beside the model, never from arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from hirope_ls.hirope.bands import Merged, add_band
from hirope_ls.hirope.frame import Frame
from hirope_ls.hirope.kernels import row_attention
from hirope_ls.hirope.rotary import Angles, Rotation

NAME = "hirope"
_ATTRIBUTE = "_hirope_layer"


class Beside:
    """What travels beside a patched model: the frame of the forward pass that is running."""

    def __init__(self) -> None:
        self.frame: Frame | None = None


@dataclass(frozen=True)
class Layer:
    """What one attention layer needs to know.

    angles    tables of its rotary module, and
    rotation  the model's own way of applying them; both None for a layer without rotation (NoPE)
    sliding   its sliding window in tokens, None for full attention
    index     its number in a cache
    """

    angles: Angles | None
    rotation: Rotation | None
    sliding: int | None
    beside: Beside
    index: int = 0

    def turn(self, heads: Tensor, first: int) -> Tensor:
        """Heads [B, h, rows, d] of the absolute rows first, first + 1, ... with ordinary RoPE."""
        if self.angles is None or self.rotation is None:
            return heads
        return self.rotation(heads, self.angles.span(first, first + heads.shape[2], heads))

    def turn_both(
        self, frame: Frame, query: Tensor, keys: Tensor, first_key: int, first: int, keep: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Query rows, and the keys from the absolute row `first` on, with ordinary RoPE.

        `keys` begins at the absolute row `first_key`; the queries are its last rows. keep: the cache, if it keeps
        turned keys, may keep these.
        """
        if self.angles is None or self.rotation is None:
            return query, keys[:, :, first - first_key :]
        end = first_key + keys.shape[2]
        row = end - query.shape[2]
        kept = frame.kept(self.index, keys) if keep and first_key == 0 else None
        if kept is None:
            return self.turn(query, row), self.turn(keys[:, :, first - first_key :], first)
        if kept.next_after(first) != row or query.dtype != keys.dtype:
            return self.turn(query, row), kept.ordinary(keys, first, end, self.turn)
        query, new = self.rotation.both(query, keys[:, :, row:], self.angles.span(row, end, query))
        return query, kept.append(new, first)

    def far_keys(self, frame: Frame, keys: Tensor) -> Tensor:
        """The first num_far_keys of `keys`, which begin at row 0, by hierarchical positions."""
        kept, stop = frame.kept(self.index, keys), frame.num_far_keys
        if kept is None:
            return self._turn_far(frame, keys[:, :, :stop], 0)
        return kept.hierarchical(keys, stop, partial(self._turn_far, frame))

    def far_query(self, frame: Frame, query: Tensor) -> Tensor:
        """The rows that have far keys, which are the last of `query`, turned for these."""
        assert self.angles is not None and self.rotation is not None
        rows = frame.total - frame.first_far_row
        return self.rotation(query[:, :, -rows:], frame.far_query_table(self.angles, query))

    def _turn_far(self, frame: Frame, heads: Tensor, first: int) -> Tensor:
        """Key heads of the absolute rows first, first + 1, ... as the rows see them that they are far from."""
        assert self.angles is not None and self.rotation is not None
        return self.rotation(heads, frame.far_key_table(self.angles, first, first + heads.shape[2], heads))


def attach(module: nn.Module, layer: Layer) -> None:
    """Tell an attention module how it is patched."""
    setattr(module, _ATTRIBUTE, layer)


def detach(module: nn.Module) -> None:
    """Undo `attach`."""
    delattr(module, _ATTRIBUTE)


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
    layer: Layer | None = getattr(module, _ATTRIBUTE, None)
    frame = None if layer is None else layer.beside.frame
    if layer is None or frame is None:
        raise RuntimeError("hirope attention was called in a model that patch() did not prepare")
    if attention_mask is not None:
        raise ValueError("hirope computes causal attention itself and takes no attention mask")
    key, value = key[:, :, : frame.total], value[:, :, : frame.total]
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    plain = layer.angles is None or layer.sliding is not None
    if not frame.long:
        out = _stock(module, layer, frame, query, key, value, scale, dropout)
    elif plain:
        out = _ordinary_bands(layer, frame, query, key, value, scale)
    else:
        out = _split_rows(module, layer, frame, query, key, value, scale, dropout)
    return out, None


def _split_rows(
    module: nn.Module,
    layer: Layer,
    frame: Frame,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: float,
    dropout: float,
) -> Tensor:
    """Rows before the switch as the stock model has them, the others hierarchical: [B, n, h, dv]."""
    ordinary = max(frame.hierarchical_from - frame.first_row, 0)
    parts = []
    if ordinary:
        seen = slice(0, frame.hierarchical_from)
        parts.append(
            _stock(module, layer, frame, query[:, :, :ordinary], key[:, :, seen], value[:, :, seen], scale, dropout)
        )
    if ordinary < query.shape[2]:
        parts.append(_hierarchical(layer, frame, query[:, :, ordinary:], key, value, scale))
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _stock(
    module: nn.Module,
    layer: Layer,
    frame: Frame,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: float,
    dropout: float,
) -> Tensor:
    """Ordinary RoPE and the same SDPA call that the stock model would make for these rows and keys."""
    first_key = max(frame.total - key.shape[2], 0) if layer.sliding is not None else 0
    mask = _stock_mask(query.shape[2], key.shape[2], layer.sliding, query.device)
    query, key = layer.turn_both(frame, query, key, first_key, first_key)
    out: Tensor = ALL_ATTENTION_FUNCTIONS["sdpa"](module, query, key, value, mask, dropout=dropout, scaling=scale)[0]
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


def _ordinary_bands(layer: Layer, frame: Frame, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Layers whose keys are all near, in a long prompt: sliding layers and layers without rotation."""
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
        scale=scale,
    )
    return merged.out.to(query.dtype).transpose(1, 2).contiguous()


def _hierarchical(layer: Layer, frame: Frame, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Near and far region of the last rows: query [B, h, n', d] -> [B, n', h, dv]."""
    window, first_row = frame.scheme.window, frame.total - query.shape[2]
    factors = frame.score_scale(query)
    if factors is not None:
        query = (query * factors).to(query.dtype)
    first_near, has_far = max(0, first_row - window + 1), frame.first_far_row < frame.total
    # Where some keys are near to one row and far from another, those that are kept must stay turned for the far ones.
    one = query.shape[2] == 1
    near_query, near_key = layer.turn_both(frame, query, key, 0, first_near, keep=one)
    if one and has_far and query.dtype in (torch.float32, torch.float64):
        out = row_attention(
            layer.far_query(frame, query),
            layer.far_keys(frame, key),
            near_query,
            near_key,
            value,
            scale,
            frame.far_bias(query),
        )
        return out.transpose(1, 2)
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
        scale=scale,
    )
    if has_far:
        far = _far(layer, frame, query, key, value, scale)
        bias = frame.far_bias(query)
        lse = far.lse if bias is None else far.lse + bias
        merged.add(query.shape[2] - lse.shape[2], far.out, lse)
    return merged.out.to(query.dtype).transpose(1, 2).contiguous()


def _far(layer: Layer, frame: Frame, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Merged:
    """The rows that have far keys, attending to those alone."""
    query = layer.far_query(frame, query)
    merged = Merged(query, value)
    add_band(
        merged,
        query,
        layer.far_keys(frame, key),
        value[:, :, : frame.num_far_keys],
        first_row=frame.first_far_row,
        first_key=0,
        nearest=frame.scheme.window,
        farthest=None,
        scale=scale,
    )
    return merged


def hirope_mask(attention_mask: Tensor | None = None, **_: Any) -> None:
    """The mask side of the pair: there is never a mask, and padding is refused with ValueError."""
    if attention_mask is not None and not bool(attention_mask.all()):
        raise ValueError("hirope takes no padding: give rows of equal length")


AttentionInterface.register(NAME, hirope_attention)
AttentionMaskInterface.register(NAME, hirope_mask)
