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

    def turn_far(self, frame: Frame, heads: Tensor, first: int) -> Tensor:
        """Key heads of the absolute rows first, first + 1, ... as the rows see them that they are far from."""
        assert self.angles is not None and self.rotation is not None
        return self.rotation(heads, frame.far_key_table(self.angles, first, first + heads.shape[2], heads))

    def ordinary_keys(self, frame: Frame, keys: Tensor, first: int) -> Tensor:
        """All of `keys`, whose first row is the absolute row `first`, with ordinary RoPE."""
        kept = None if first or self.angles is None else frame.kept(self.index, keys)
        return self.turn(keys, first) if kept is None else kept.ordinary(keys, 0, keys.shape[2], self.turn)

    def far_keys(self, frame: Frame, keys: Tensor) -> Tensor:
        """The first num_far_keys of `keys`, which begin at row 0, by hierarchical positions."""
        kept, stop = frame.kept(self.index, keys), frame.num_far_keys
        if kept is None:
            return self.turn_far(frame, keys[:, :, :stop], 0)
        return kept.hierarchical(keys, stop, partial(self.turn_far, frame))

    def near_keys(self, frame: Frame, keys: Tensor, first: int) -> Tensor:
        """The rows of `keys`, which begin at row 0, from `first` on, with ordinary RoPE."""
        kept = frame.kept(self.index, keys) if first >= frame.num_far_keys else None
        if kept is None:  # some rows are near to one query and far from another: the kept ones must stay far
            return self.turn(keys[:, :, first:], first)
        return kept.ordinary(keys, first, keys.shape[2], self.turn)


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
    out: Tensor = ALL_ATTENTION_FUNCTIONS["sdpa"](
        module,
        layer.turn(query, frame.first_row),
        layer.ordinary_keys(frame, key, first_key),
        value,
        mask,
        dropout=dropout,
        scaling=scale,
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


def _ordinary_bands(layer: Layer, frame: Frame, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Layers whose keys are all near, in a long prompt: sliding layers and layers without rotation."""
    first_key = frame.total - key.shape[2]
    merged = Merged(query, value)
    add_band(
        merged,
        layer.turn(query, frame.first_row),
        layer.ordinary_keys(frame, key, first_key),
        value,
        first_row=frame.first_row,
        first_key=first_key,
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
    merged = Merged(query, value)
    first_near = max(0, first_row - window + 1)
    add_band(
        merged,
        layer.turn(query, first_row),
        layer.near_keys(frame, key, first_near),
        value[:, :, first_near:],
        first_row=first_row,
        first_key=first_near,
        nearest=0,
        farthest=window,
        scale=scale,
    )
    if frame.first_far_row < frame.total:
        _add_far(merged, layer, frame, query, key, value, scale)
    return merged.out.to(query.dtype).transpose(1, 2).contiguous()


def _add_far(
    merged: Merged, layer: Layer, frame: Frame, query: Tensor, key: Tensor, value: Tensor, scale: float
) -> None:
    assert layer.angles is not None and layer.rotation is not None
    far_rows = frame.total - frame.first_far_row
    add_band(
        merged,
        layer.rotation(query[:, :, -far_rows:], frame.far_query_table(layer.angles, query)),
        layer.far_keys(frame, key),
        value[:, :, : frame.num_far_keys],
        first_row=frame.first_far_row,
        first_key=0,
        nearest=frame.scheme.window,
        farthest=None,
        scale=scale,
    )


def hirope_mask(attention_mask: Tensor | None = None, **_: Any) -> None:
    """The mask side of the pair: there is never a mask, and padding is refused with ValueError."""
    if attention_mask is not None and not bool(attention_mask.all()):
        raise ValueError("hirope takes no padding: give rows of equal length")


AttentionInterface.register(NAME, hirope_attention)
AttentionMaskInterface.register(NAME, hirope_mask)
