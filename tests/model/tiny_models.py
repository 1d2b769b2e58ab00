"""Tiny random models with a tokenizer, saved as real model folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Starcoder2Config,
    Starcoder2ForCausalLM,
)

VOCABULARY = 320
TRAINED = 64
SPECIAL = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": TRAINED,
    "initializer_range": 0.3,  # far from uniform, so that greedy choices are clear
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}


def save_model(folder: Path, kind: str = "llama", fim: bool = True, **changes: Any) -> Path:
    """Write a random model of that kind and its tokenizer into `folder`."""
    torch.manual_seed(7)
    shape = SHAPE | changes
    make_model(kind, shape).save_pretrained(folder)
    make_tokenizer(SPECIAL if fim else SPECIAL[:1]).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<|endoftext|>"}')
    return folder


def make_model(kind: str, shape: dict[str, Any]) -> PreTrainedModel:
    if kind == "llama":
        return LlamaForCausalLM(LlamaConfig(**shape, head_dim=12))
    if kind == "qwen2":
        return Qwen2ForCausalLM(Qwen2Config(**shape))
    if kind == "starcoder2":
        return Starcoder2ForCausalLM(Starcoder2Config(**shape, sliding_window=24))
    assert kind == "gemma3"
    types = ["sliding_attention", "full_attention", "sliding_attention"]
    return Gemma3ForCausalLM(Gemma3TextConfig(**shape, head_dim=12, sliding_window=24, layer_types=types))


def make_tokenizer(special: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 20,  # fewer than the model has logits, as in padded vocabularies
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([Path(__file__).read_text()], trainer)
    return tokenizer
