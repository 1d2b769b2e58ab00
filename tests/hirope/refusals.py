"""Models that are refused, and the line that says why: from the configuration alone, or from trying a tiny model."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import transformers as hf
from hirope.tiny import SIZES

from hirope_ls.hirope import Unsupported, patch, support


@dataclass(frozen=True, eq=False)
class Refused:
    """family: as in `Shape`. tried: sizes of a tiny model where the configuration alone does not tell."""

    published: str
    family: str
    tried: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


_TWO = {"num_experts": 2, "num_local_experts": 2, "num_experts_per_tok": 2}

REFUSED = [
    Refused("gpt2, codeparrot", "GPT2"),
    Refused("starcoder, starcoderbase, santacoder", "GPTBigCode"),
    Refused("gpt-neo-1.3B", "GPTNeo"),
    Refused("opt-1.3b, galactica", "OPT"),
    Refused("bert-base, CodeBERT", "Bert"),
    Refused("codet5p, t5", "T5"),
    Refused("bloom", "Bloom"),
    Refused("mpt-7b", "Mpt"),
    Refused("codegen-350M to 16B, codegen2", "CodeGen"),
    Refused("gpt-j-6b", "GPTJ"),
    Refused("falcon-7b", "Falcon"),
    Refused("persimmon-8b", "Persimmon"),
    Refused("gpt-neox-japanese-2.7b", "GPTNeoXJapanese"),
    Refused("DeepSeek-Coder-V2-Lite, DeepSeek-V2", "DeepseekV2"),
    Refused("DeepSeek-V3, -R1", "DeepseekV3"),
    Refused("MiniCPM3-4B", "MiniCPM3"),
    Refused("Kimi-Linear", "KimiLinear"),
    Refused("gemma-2-2b to 27b", "Gemma2"),
    Refused("vaultgemma-1b", "VaultGemma"),
    Refused("gemma-3n-E2B, -E4B", "Gemma3nText"),
    Refused("gemma-4-E2B, -E4B", "Gemma4Text", fields={"num_kv_shared_layers": 18}),
    Refused("gemma-3-4b as image and text model", "Gemma3"),
    Refused("Mistral-Small-3.1 as image and text model", "Mistral3"),
    Refused("Qwen2-VL", "Qwen2VL"),
    Refused("gpt-oss-20b, -120b", "GptOss"),
    Refused("Llama-4-Scout", "Llama4Text"),
    Refused("Hunyuan-1.8B to 7B", "HunYuanDenseV1"),
    Refused("Qwen3-Next-80B-A3B, Qwen3-Coder-Next", "Qwen3Next"),
    Refused("Qwen3.5", "Qwen3_5Text"),
    Refused(
        "granite-4.0-h-tiny",
        "GraniteMoeHybrid",
        fields={"layer_types": ["mamba", "attention"], "num_hidden_layers": 2},
    ),
    Refused("Falcon-H1", "FalconH1"),
    Refused("Jamba-v0.1", "Jamba"),
    Refused("LFM2-1.2B", "Lfm2", fields={"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2}),
    Refused("recurrentgemma-2b", "RecurrentGemma"),
    Refused("Nemotron-H, Nemotron Nano 2", "NemotronH"),
    Refused("MiniMax-Text-01", "MiniMax"),
    Refused("mamba-2.8b", "Mamba"),
    Refused("Mamba-Codestral-7B", "Mamba2"),
    Refused("rwkv-4", "Rwkv"),
    Refused("Phi-3.5-MoE", "Phimoe", tried=_TWO),
    Refused("Doge-160M", "Doge", tried={"num_key_value_heads": 2}),
    Refused("DiffLlama-375M", "DiffLlama", tried={"num_key_value_heads": 2}),
    Refused("SmolLM3 shapes without any rotary layer", "SmolLM3", tried={"no_rope_layers": [0, 0]}),
    Refused(
        "granite-4.0 shapes with position_embedding_type nope",
        "GraniteMoeHybrid",
        tried={
            "layer_types": ["attention"] * 2,
            "num_local_experts": 0,
            "shared_intermediate_size": 64,
            "mamba_n_heads": 8,
            "pad_token_id": 0,
            "position_embedding_type": None,
        },
    ),
]


@functools.cache
def refusal(row: Refused) -> str | None:
    """The line, with the model's name taken off; None where the installed transformers has no such model."""
    config_class = getattr(hf, f"{row.family}Config", None)
    if config_class is None:
        return None
    line = _tried(row, config_class) if row.tried is not None else support(config_class(**row.fields)).reason
    return line.partition(" models are not supported: ")[2] or line


def _tried(row: Refused, config_class: Any) -> str:
    config = config_class(**{**SIZES, **(row.tried or {})})
    told = support(config)
    if not told.ok:  # in some versions of transformers the configuration tells
        return told.reason
    try:
        patch(getattr(hf, f"{row.family}ForCausalLM")(config).eval())
    except Unsupported as error:
        return str(error)
    return ""
