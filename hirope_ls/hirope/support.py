"""Which models can be patched, as far as their configuration tells; the rest is measured by `probe` at patch time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hirope_ls.problems import ModelRefused


class Unsupported(ModelRefused):
    """A model that hierarchical positions cannot be given to; one line says why."""


@dataclass(frozen=True)
class Support:
    """ok, or the reason why not: one line, empty where ok."""

    ok: bool
    reason: str = ""


_REASONS = {
    "no rotary positions (learned or absolute positions)": (
        "gpt2 gpt_neo gpt_bigcode gpt-sw3 opt openai-gpt biogpt ctrl xglm cpmant bert roberta rembert electra camembert"
    ),
    "no rotary positions (ALiBi)": "bloom mpt",
    "rotary positions that bypass the attention interface": "codegen gptj falcon persimmon roformer gpt_neox_japanese",
    "attention beside a recurrence in each layer": "falcon_h1",
    "no attention keys to give positions to (recurrent model)": "mamba mamba2 falcon_mamba rwkv xlstm",
    "attention sinks": "gpt_oss granite_swa granitemoe_swa mimo_v2_flash",
    "queries and keys are normalised after they were rotated": "hunyuan_v1_dense hunyuan_v1_moe",
    "complex-valued rotary positions": "llama4 llama4_text deepseek_v2",
}
_BY_TYPE = {name: reason for reason, names in _REASONS.items() for name in names.split()}
_FULL_OR_SLIDING = {"full_attention", "sliding_attention"}


def support(config: Any) -> Support:
    """Whether a transformers configuration describes a model that `patch` accepts, without loading the model.

    A model that passes here may still be refused by `patch`, which looks at what its layers really do.
    """
    kind = str(getattr(config, "model_type", "") or "unknown")
    reason = _refusal(config, kind)
    return Support(False, f"{kind} models are not supported: {reason}") if reason else Support(True)


def _refusal(config: Any, kind: str) -> str:
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if _wraps_text_model(config):
        return "a text model inside another one: load the text model alone (a ...ForCausalLM)"
    if getattr(config, "is_encoder_decoder", False):
        return "encoder-decoder"
    if getattr(config, "kv_lora_rank", None) is not None:
        return "multi-head latent attention"
    if getattr(config, "attn_logit_softcapping", None) is not None:
        return "attention scores are soft-capped"
    if getattr(config, "alibi", False):
        return "no rotary positions (ALiBi)"
    if getattr(config, "num_kv_shared_layers", 0):
        return "layers share their keys"
    kinds = set(getattr(config, "layer_types", None) or ()) - _FULL_OR_SLIDING
    if kinds:
        return f"layers of the kind {', '.join(sorted(kinds))}"
    return _rope_refusal(config)


def _wraps_text_model(config: Any) -> bool:
    return getattr(config, "text_config", None) is not None and getattr(config, "rope_parameters", None) is None


def _rope_refusal(config: Any) -> str:
    ropes = list(_rope_parameters(config))
    if not ropes:
        return "no rotary positions in the configuration"
    if any("mrope_section" in rope for rope in ropes):
        return "multimodal rotary positions"
    if not isinstance(getattr(config, "max_position_embeddings", None), int):
        return "the configuration has no max_position_embeddings"
    return ""


def _rope_parameters(config: Any) -> Iterable[dict[str, Any]]:
    """The rope parameters of the model: one dict, or one a layer type."""
    parameters = getattr(config, "rope_parameters", None)
    if not isinstance(parameters, dict):
        return []
    nested = [rope for rope in parameters.values() if isinstance(rope, dict) and "rope_type" in rope]
    return nested or ([parameters] if "rope_type" in parameters else [])


def trained_length(config: Any) -> int:
    """Tokens of the context that a model was trained for, or that its frequencies were stretched to without training.

    The configuration's own word (key "hirope": {"trained_length": n}) comes first. Otherwise, by rope type:

    default, linear, llama3, dynamic: max_position_embeddings. Models published with linear or llama3 scaling were
        trained on with it up to there (DeepSeek-Coder: 16384 with factor 4, Llama 3.1: 131072 with factor 8), so the
        factor must not be counted again. Dynamic frequencies are used in their short form.
    yarn: original_max_position_embeddings * factor, or max_position_embeddings if that is more. Configurations differ:
        some give the stretched length as max_position_embeddings (OLMo 3, Ministral 3), some leave the original one
        there (Qwen2.5 with the rope_scaling of its model card: 32768 with factor 4, to be used up to 131072). Up to
        the product no pair turns farther than it did in training, and the configuration asks for ordinary positions.
    longrope: original_max_position_embeddings, because the short form is used (`freeze` in rotary.py).
    """
    own = getattr(config, "hirope", None)
    if isinstance(own, dict) and isinstance(own.get("trained_length"), int):
        return int(own["trained_length"])
    ropes = list(_rope_parameters(config))
    for rope in ropes:
        if rope["rope_type"] == "longrope":
            return int(rope["original_max_position_embeddings"])
    stated = int(config.max_position_embeddings)
    return max([stated, *(_stretched(rope, stated) for rope in ropes if rope["rope_type"] == "yarn")])


def _stretched(rope: dict[str, Any], stated: int) -> int:
    """Tokens that yarn frequencies were made for; transformers takes what is stated for the original where it must."""
    original = rope.get("original_max_position_embeddings") or stated
    return int(original * (rope.get("factor") or stated / original))
