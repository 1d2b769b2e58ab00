"""Trying a shape: a tiny random model of it, stock and patched, against each other and against the dense oracle."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import transformers as hf
from hirope.ropes import rope_of
from hirope.shapes import HEAD, Shape
from hirope.tiny import SIZES, pieces, run_patched, run_stock, token_ids, unit_positions
from packaging.version import Version
from torch import Tensor
from transformers import AttentionInterface, DynamicCache

from hirope_ls.hirope import HiRoPE, Scheme, attention, patch, trained_length
from hirope_ls.hirope.reference import Rope, reference_attention

_WIDE = ("q_proj", "k_proj", "qkv", "query_key_value", "Wqkv")


@dataclass(frozen=True)
class Checked:
    """Largest differences of logits in float64.

    trained  what `trained_length` says of the full-size configuration
    layers   how many of the layers the hierarchy changes, and of how many
    stock    patched against stock up to the trained length
    oracle   patched against the dense oracle beyond it
    cached   beyond it: in chunks with a cache against at once
    changed  beyond it: hierarchical against plain positions
    """

    trained: int
    layers: tuple[int, int]
    stock: float
    oracle: float
    cached: float
    changed: float


@functools.cache
def check(shape: Shape) -> Checked | None:
    """None where the installed transformers has no such model, or makes another one of the same fields."""
    if not all(hasattr(hf, name) for name in shape.classes) or Version(hf.__version__) < Version(shape.since or "0"):
        return None
    full_size = getattr(hf, shape.classes[0])(**copy.deepcopy({**shape.stated_layers, **shape.fields}))
    stock, patched = make(shape), patch(make(shape))
    assert patched.trained_length == shape.short, patched.trained_length
    layers = _changed_layers(patched, shape)
    length = shape.short + max(shape.short // 4, 48)
    ids, positions = token_ids(length), unit_positions(length)
    schemes = Scheme.default(shape.short), Scheme.paper(shape.short)
    oracle, cached, changed = zip(*(_long(patched, shape, scheme, ids, positions) for scheme in schemes), strict=True)
    short = _short(stock, patched, ids[:, : shape.short])
    return Checked(trained_length(full_size), layers, short, max(oracle), max(cached), min(changed))


def make(shape: Shape) -> Any:
    """A tiny model with wide attention weights: scores that differ enough for a wrong distance to show."""
    torch.manual_seed(0)
    config_class, model_class = (getattr(hf, name) for name in shape.classes)
    config = config_class(**_settings(shape))
    config._experts_implementation = "eager"  # the others know no float64
    model = model_class(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and any(part in name for part in _WIDE):
                weight.mul_(8.0)
    return model.double()


def _settings(shape: Shape) -> dict[str, Any]:
    sizes = {**SIZES, "num_key_value_heads": 2, "head_dim": HEAD, "num_hidden_layers": len(shape.layers)}
    return {**sizes, **shape.stated_layers, **shape.tiny, **shape.more}


def _changed_layers(patched: HiRoPE, shape: Shape) -> tuple[int, int]:
    """How many layers the hierarchy changes, after comparing what the probe found with what is known."""
    window = shape.tiny.get("sliding_window")
    sliding = {index: window for index, kind in enumerate(shape.layers) if kind == "s"}
    turned = {index for index, kind in enumerate(shape.layers) if kind != "n"}
    assert (patched.sliding_layers, set(patched.turned_layers)) == (sliding, turned)
    return shape.layers.count("f"), len(shape.layers)


def _short(stock: Any, patched: HiRoPE, ids: Tensor) -> float:
    """Stock against patched, up to the trained length, at once and in chunks."""
    length = ids.shape[1]
    patched.scheme = Scheme.default(length)
    differences = []
    for chunks in (pieces(length), pieces(length, 7, 30, 31, 40)):
        wanted = run_stock(stock, ids, chunks, DynamicCache())
        got = run_patched(patched, ids, unit_positions(length), chunks, DynamicCache())
        differences.append(_difference(got, wanted))
    return max(differences)


def _long(patched: HiRoPE, shape: Shape, scheme: Scheme, ids: Tensor, positions: Tensor) -> tuple[float, float, float]:
    """Against the oracle, in chunks with a cache against at once without, and against plain positions."""
    patched.scheme = scheme
    with _oracle(patched, shape):
        wanted = patched.forward(ids, positions)
    got = patched.forward(ids, positions)
    cache, chunks = DynamicCache(), pieces(ids.shape[1], 5, shape.short - 1, shape.short + 1, shape.short + 20)
    cached = torch.cat([patched.forward(ids[:, a:b], positions, cache) for a, b in chunks], dim=1)
    patched.scheme = Scheme.plain(scheme.trained_length)
    return _difference(got, wanted), _difference(cached, got), _difference(patched.forward(ids, positions), wanted)


@contextmanager
def _oracle(patched: HiRoPE, shape: Shape) -> Iterator[None]:
    """The dense oracle in the place of hirope's attention, knowing of the model what `shape` says."""
    dims, ropes = shape.dims, {}
    for kind, name in (("f", "full_attention"), ("s", "sliding_attention")):
        inv_freq, factor = rope_of(shape.tiny_rope(kind), name, dims)
        ropes[kind] = Rope(inv_freq, shape.pairing, factor)

    def dense(
        module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, scaling: float, **_: Any
    ) -> tuple[Tensor, None]:
        kind = shape.layers[module.layer_idx]
        out = reference_attention(
            query,
            key,
            value,
            positions=unit_positions(key.shape[2]),
            scheme=patched.scheme,
            rope=ropes.get(kind),
            scale=scaling,
            sliding=shape.tiny["sliding_window"] if kind == "s" else None,
        )
        return out.transpose(1, 2).contiguous(), None

    AttentionInterface.register(attention.NAME, dense)
    try:
        yield
    finally:
        AttentionInterface.register(attention.NAME, attention.hirope_attention)


def _difference(one: Tensor, other: Tensor) -> float:
    return 0.0 if torch.equal(one, other) else max(float((one - other).abs().max()), 1e-300)
