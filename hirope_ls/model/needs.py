"""What a loaded model needs of a cache, learnt by running one token: configurations say it in too many ways.

Knows the patched model's forward pass; keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import DynamicCache

from hirope_ls.model.loader import Loaded
from hirope_ls.model.slabs import LayerShape
from hirope_ls.problems import ModelRefused


@dataclass(frozen=True)
class Needs:
    """What each layer caches for a token, in which number type, and how many logits a token gets."""

    layers: tuple[LayerShape, ...]
    dtype: torch.dtype
    vocab_size: int


def measure(loaded: Loaded) -> Needs:
    """Run one token. Raises ModelRefused for weights that compute no numbers and for layers without keys and values."""
    cache = DynamicCache()
    with torch.inference_mode():
        rows = torch.zeros(1, 1, dtype=torch.long, device=loaded.device)
        logits = loaded.hirope.forward(rows, torch.zeros(2, 1, dtype=torch.long), cache)
    if not bool(torch.isfinite(logits).all()):
        raise ModelRefused(f"{loaded.card.name} computes no finite numbers: its weights are damaged")
    layers, dtype = [], loaded.dtype
    for index, layer in enumerate(cache.layers):
        keys, values = getattr(layer, "keys", None), getattr(layer, "values", None)
        if keys is None or values is None or keys.ndim != 4:
            raise ModelRefused(f"{loaded.card.name} has layers without a key-value cache of their own: not supported")
        layers.append(LayerShape(keys.shape[1], keys.shape[3], values.shape[3], index in loaded.hirope.turned_layers))
        dtype = torch.promote_types(dtype, torch.promote_types(keys.dtype, values.dtype))
    return Needs(tuple(layers), dtype, logits.shape[-1])
