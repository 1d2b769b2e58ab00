"""Rotary frequencies written down from the papers, for the fields of a configuration; nothing of transformers is used.

Linear: position interpolation (Chen et al. 2023, arXiv 2306.15595). llama3: the Llama 3.1 report (arXiv 2407.21783).
YaRN: Peng et al. 2023, arXiv 2309.00071, sections 3.2 to 3.4. longrope: arXiv 2402.13753, in its short form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def rope_of(fields: Mapping[str, Any], kind: str, dims: int) -> tuple[Tensor, float]:
    """Frequencies [dims / 2] of layers of that kind, and what rotated queries and keys are multiplied by."""
    rope = rope_fields(fields, kind)
    base = float(rope.get("rope_theta") or 10000.0)
    plain = base ** -(torch.arange(0, dims, 2, dtype=torch.float64) / dims)
    scale = {"linear": _linear, "llama3": _llama3, "yarn": _yarn, "longrope": _longrope, "proportional": _proportional}
    return scale.get(rope_type(rope), _as_it_is)(plain, rope, base)


def rope_fields(fields: Mapping[str, Any], kind: str = "full_attention") -> dict[str, Any]:
    """The rope fields of a configuration, old style or new, for one kind of layer; lengths of the model included."""
    rope = fields.get("rope_parameters") or fields.get("rope_scaling") or {}
    rope = rope.get(kind, rope)
    whole = ("max_position_embeddings", "original_max_position_embeddings", "rope_theta", "rotary_emb_base")
    found = {**{name: fields[name] for name in whole if name in fields}, **rope}
    return {**found, "rope_theta": found.get("rope_theta", found.get("rotary_emb_base"))}


def rope_type(rope: Mapping[str, Any]) -> str:
    return str(rope.get("rope_type", rope.get("type", "default")))


def _as_it_is(plain: Tensor, rope: Mapping[str, Any], base: float) -> tuple[Tensor, float]:
    return plain, 1.0


def _linear(plain: Tensor, rope: Mapping[str, Any], base: float) -> tuple[Tensor, float]:
    return plain / rope["factor"], 1.0


def _llama3(plain: Tensor, rope: Mapping[str, Any], base: float) -> tuple[Tensor, float]:
    """Pairs that turn at most `low_freq_factor` times in the original length are slowed, the fastest are not."""
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    turns = rope["original_max_position_embeddings"] * plain / (2 * math.pi)
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return plain * (kept + (1 - kept) / rope["factor"]), 1.0


def _yarn(plain: Tensor, rope: Mapping[str, Any], base: float) -> tuple[Tensor, float]:
    """NTK by parts; the ramp runs over pair indices, its ends rounded outward."""
    factor, original = rope["factor"], rope["original_max_position_embeddings"]
    pairs = len(plain)

    def pair_that_turns(times: float) -> float:
        return pairs * math.log(original / (2 * math.pi * times)) / math.log(base)

    first = max(math.floor(pair_that_turns(rope.get("beta_fast", 32))), 0)
    last = min(math.ceil(pair_that_turns(rope.get("beta_slow", 1))), 2 * pairs - 1)
    slowed = ((torch.arange(pairs, dtype=torch.float64) - first) / max(last - first, 1e-3)).clamp(0, 1)
    return plain * (1 - slowed + slowed / factor), _yarn_scaling(rope, factor)


def _yarn_scaling(rope: Mapping[str, Any], factor: float) -> float:
    if rope.get("attention_factor") is not None:
        return float(rope["attention_factor"])
    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return (0.1 * rope["mscale"] * math.log(factor) + 1) / (0.1 * rope["mscale_all_dim"] * math.log(factor) + 1)
    return 0.1 * math.log(factor) + 1


def _longrope(plain: Tensor, rope: Mapping[str, Any], base: float) -> tuple[Tensor, float]:
    original = rope["original_max_position_embeddings"]
    slower = torch.tensor(rope["short_factor"], dtype=torch.float64)
    scaling = math.sqrt(1 + math.log(rope["max_position_embeddings"] / original) / math.log(original))
    return plain / slower, float(rope.get("short_mscale", scaling))


def _proportional(plain: Tensor, rope: Mapping[str, Any], base: float) -> tuple[Tensor, float]:
    """Gemma 4: the pairs of the whole head, of which all but the fastest share stand still."""
    moving = int(rope["partial_rotary_factor"] * len(plain))
    return torch.cat([plain[:moving], torch.zeros(len(plain) - moving, dtype=torch.float64)]), 1.0
