"""Write a Llama-shaped model folder as a GGUF file, so that llama.cpp runs the very same weights.

What llama.cpp asks for goes in and no more: shapes, matrices as float32 or float16, norms as float32 (as it wants
them), and no tokenizer, since it is fed token ids. Plain positions only: llama.cpp knows no hierarchical ones.
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.weights import read_weights
from hirope_ls.problems import InputError, ModelRefused

KINDS = ("float32", "float16")
_FILE_TYPES = {"float32": 0, "float16": 1}  # llama.cpp's word for what most matrices are
_WHOLE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_OF_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("out", type=Path, help="the GGUF file to write")
    parser.add_argument("--model", type=Path, default=bundled_folder(), help="the model's folder (the bundled one)")
    parser.add_argument("--dtype", choices=KINDS, default=KINDS[0], help="number type of the matrices (float32)")


def run(args: argparse.Namespace) -> int:
    """Write the file and print its path; exit code 0. Raises HiropeError."""
    write(read_card(args.model), args.out, args.dtype)
    print(args.out)
    return 0


def write(card: Card, out: Path, dtype: str = "float32") -> None:
    """Write `card`'s weights to the GGUF file `out`. Raises ModelRefused for what is no plain Llama, and InputError."""
    config = json.loads((card.folder / "config.json").read_text("utf-8"))
    check(card, config)
    try:
        from gguf import GGUFWriter
    except ModuleNotFoundError:
        raise InputError("the package gguf is missing: pip install 'hirope-ls[lab]'") from None
    try:
        out.touch()
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from None
    writer = GGUFWriter(str(out), "llama")
    _describe(writer, card, config, dtype)
    for file in read_weights(card.folder).files:
        with safe_open(card.folder / file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118  (it is no dict)
                numbers = tensors.get_tensor(name).float().numpy()
                writer.add_tensor(_name(card, name), _converted(name, numbers, config, dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def check(card: Card, config: dict[str, Any]) -> None:
    """Raises ModelRefused, one line, for a configuration that would compute something else in llama.cpp."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    wrong = {
        f"it is a {card.model_type} model, not a llama": card.model_type != "llama",
        "its attention has biases": bool(config.get("attention_bias")),
        "its MLP has biases": bool(config.get("mlp_bias")),
        f"its activation is {config.get('hidden_act')}, not silu": config.get("hidden_act", "silu") != "silu",
        "its rotary frequencies are scaled": rope.get("rope_type", rope.get("type", "default")) != "default",
    }
    for reason, found in wrong.items():
        if found:
            raise ModelRefused(f"{card.name} cannot be written as GGUF: {reason}")


def _describe(writer: Any, card: Card, config: dict[str, Any], dtype: str) -> None:
    heads, rope = config["num_attention_heads"], config.get("rope_parameters") or {}
    size = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_name(card.name)
    writer.add_file_type(_FILE_TYPES[dtype])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0))
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))


def _name(card: Card, name: str) -> str:
    """What llama.cpp calls the tensor."""
    if name in _WHOLE:
        return _WHOLE[name]
    head, _, rest = name.removeprefix("model.layers.").partition(".")
    kind = _OF_LAYER.get(rest.removesuffix(".weight"))
    if not (name.startswith("model.layers.") and head.isdigit() and name.endswith(".weight") and kind):
        raise ModelRefused(f"{card.name} cannot be written as GGUF: no Llama has a tensor {name!r}")
    return f"blk.{head}.{kind}.weight"


def _converted(name: str, numbers: NDArray[np.float32], config: dict[str, Any], dtype: str) -> NDArray[Any]:
    """The tensor in the order and number type that llama.cpp wants. Raises ModelRefused where float16 is too small."""
    heads = config["num_attention_heads"]
    if name.endswith("q_proj.weight"):
        numbers = _neighbours(numbers, heads)
    elif name.endswith("k_proj.weight"):
        numbers = _neighbours(numbers, config.get("num_key_value_heads") or heads)
    if numbers.ndim == 1 or dtype == "float32":
        return numbers
    if np.abs(numbers).max(initial=0) > np.finfo(np.float16).max:
        raise ModelRefused(f"{name} has numbers that float16 cannot hold: use float32")
    return numbers.astype(np.float16)


def _neighbours(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """transformers turns the halves of a head against each other (j, j + d/2), llama.cpp neighbours (2j, 2j + 1)."""
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
