"""The shape of a model that is trained here: a Llama whose embedding is tied."""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from hirope_ls.lab.train.rows import TRAINED_LENGTH
from hirope_ls.lab.train.tokenizer import END

HEAD = 64
"""Width of a head: each pair of it turns at its own speed, and HiRoPE divides the pairs among its levels."""


@dataclass(frozen=True)
class Shape:
    """Width, the width of the feed-forward part, and how many layers, key and value heads."""

    hidden: int
    inner: int
    layers: int
    kv_heads: int

    def config(self, tokenizer: Tokenizer) -> LlamaConfig:
        """What transformers makes a model of."""
        end = tokenizer.token_to_id(END)
        return LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=self.hidden,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.hidden // HEAD,
            num_key_value_heads=self.kv_heads,
            head_dim=HEAD,
            max_position_embeddings=TRAINED_LENGTH,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=True,  # at this size the embedding is a quarter of the weights
            bos_token_id=None,
            eos_token_id=end,
            pad_token_id=end,
        )

    def fresh(self, tokenizer: Tokenizer) -> LlamaForCausalLM:
        """A model of random weights, drawn from torch's generator."""
        return LlamaForCausalLM(self.config(tokenizer))
