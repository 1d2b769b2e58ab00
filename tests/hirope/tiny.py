"""Tiny random models of ten families, and what the oracle needs to know of each, written down by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers as hf

from hirope_ls.hirope import Scheme
from hirope_ls.hirope.reference import Rope

TRAINED = 48
ORDERED = Scheme(TRAINED, TRAINED // 2)
"""Slow pairs see the order of units, as in the paper; the default scheme does not."""
SIZES = {
    "vocab_size": 97,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": TRAINED,
    "pad_token_id": None,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
GROUPED = {"num_key_value_heads": 2}
DEFAULT = {"rope_theta": 100.0, "rope_type": "default"}  # a small base: slow and fast pairs within 48 tokens


@dataclass(frozen=True)
class Family:
    """make(**more) -> a model; head_rope: (rotated dimensions, pairing) of a head."""

    make: Callable[..., Any]
    dims: int = 16
    pairing: str = "halves"
    sliding: dict[int, int] = field(default_factory=dict)
    no_rope: frozenset[int] = frozenset()
    thetas: dict[int, float] = field(default_factory=dict)

    def rope(self, layer: int) -> Rope | None:
        if layer in self.no_rope:
            return None
        theta = self.thetas.get(layer, 100.0)
        inv_freq = 1.0 / theta ** (torch.arange(0, self.dims, 2, dtype=torch.float64) / self.dims)
        return Rope(inv_freq, self.pairing)  # type: ignore[arg-type]


def _maker(config_class: Any, model_class: Any, **sizes: Any) -> Callable[..., Any]:
    def make(seed: int = 0, dtype: torch.dtype = torch.float64, **more: Any) -> Any:
        torch.manual_seed(seed)
        settings = {**SIZES, "rope_parameters": dict(DEFAULT), **sizes, **more}
        model = model_class(config_class(**settings)).eval()
        with torch.no_grad():  # wide weights: scores that differ enough for a wrong distance to show
            for name, weight in model.named_parameters():
                if weight.ndim == 2 and any(part in name for part in ("q_proj", "k_proj", "qkv", "query_key_value")):
                    weight.mul_(8.0)
        return model.to(dtype)

    return make


FAMILIES = {
    "llama": Family(_maker(hf.LlamaConfig, hf.LlamaForCausalLM, **GROUPED)),
    "mistral": Family(
        _maker(hf.MistralConfig, hf.MistralForCausalLM, sliding_window=20, **GROUPED), sliding={0: 20, 1: 20}
    ),
    "qwen2": Family(_maker(hf.Qwen2Config, hf.Qwen2ForCausalLM, **GROUPED)),
    "qwen3": Family(_maker(hf.Qwen3Config, hf.Qwen3ForCausalLM, head_dim=16, **GROUPED)),
    "starcoder2": Family(_maker(hf.Starcoder2Config, hf.Starcoder2ForCausalLM, sliding_window=None, **GROUPED)),
    "phi3": Family(_maker(hf.Phi3Config, hf.Phi3ForCausalLM, original_max_position_embeddings=TRAINED, **GROUPED)),
    "granite": Family(_maker(hf.GraniteConfig, hf.GraniteForCausalLM, attention_multiplier=0.2, **GROUPED)),
    "smollm3": Family(
        _maker(hf.SmolLM3Config, hf.SmolLM3ForCausalLM, no_rope_layers=[1, 0], **GROUPED), no_rope=frozenset({1})
    ),
    "gpt_neox": Family(
        _maker(
            hf.GPTNeoXConfig,
            hf.GPTNeoXForCausalLM,
            rotary_pct=0.5,  # what older transformers go by
            rope_parameters={"rope_theta": 100.0, "rope_type": "default", "partial_rotary_factor": 0.5},
        ),
        dims=8,
    ),
    "gemma3": Family(
        _maker(
            hf.Gemma3TextConfig,
            hf.Gemma3ForCausalLM,
            head_dim=16,
            sliding_window=20,
            layer_types=["sliding_attention", "full_attention"],
            rope_parameters={
                "sliding_attention": {"rope_theta": 50.0, "rope_type": "default"},
                "full_attention": {"rope_theta": 100.0, "rope_type": "default"},
            },
            **GROUPED,
        ),
        sliding={0: 20},
        thetas={0: 50.0},
    ),
}

# Further conventions: neighbouring pairs, a rotated part that the layer itself cuts off.
MORE = {
    "cohere": Family(_maker(hf.CohereConfig, hf.CohereForCausalLM, **GROUPED), pairing="neighbours"),
    "glm": Family(
        _maker(
            hf.GlmConfig,
            hf.GlmForCausalLM,
            head_dim=16,
            rope_parameters={"rope_theta": 100.0, "rope_type": "default", "partial_rotary_factor": 0.5},
            **GROUPED,
        ),
        dims=8,
        pairing="neighbours",
    ),
    "phi": Family(
        _maker(
            hf.PhiConfig,
            hf.PhiForCausalLM,
            rope_parameters={"rope_theta": 100.0, "rope_type": "default", "partial_rotary_factor": 0.5},
            **GROUPED,
        ),
        dims=8,
    ),
    "stablelm": Family(
        _maker(
            hf.StableLmConfig,
            hf.StableLmForCausalLM,
            rope_parameters={"rope_theta": 100.0, "rope_type": "default", "partial_rotary_factor": 0.25},
            **GROUPED,
        ),
        dims=4,
    ),
}
ALL = {**FAMILIES, **MORE}


def token_ids(total: int, batch: int = 1, seed: int = 7) -> torch.Tensor:
    return torch.randint(2, 97, (batch, total), generator=torch.Generator().manual_seed(seed))


def unit_positions(total: int, unit: int = 11) -> torch.Tensor:
    """Units of `unit` tokens: int64 [2, total]."""
    index = torch.arange(total)
    return torch.stack([index // unit, index % unit])


def pieces(total: int, *cuts: int) -> list[tuple[int, int]]:
    edges = [0, *(cut for cut in cuts if cut < total), total]
    return list(itertools.pairwise(edges))


def run_stock(model: Any, ids: torch.Tensor, chunks: list[tuple[int, int]], cache: Any) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat(
            [model(input_ids=ids[:, a:b], past_key_values=cache, use_cache=True).logits for a, b in chunks], dim=1
        )


def run_patched(
    patched: Any, ids: torch.Tensor, positions: torch.Tensor, chunks: list[tuple[int, int]], cache: Any
) -> torch.Tensor:
    return torch.cat([patched.forward(ids[:, a:b], positions[:, :b], cache) for a, b in chunks], dim=1)
