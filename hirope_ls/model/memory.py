"""What a model needs of a device's memory: its weights, the keys and values of what it was shown, and room to compute.

By configuration alone, so it is known before a model is fetched. One place for the table of models, for what
`hirope-ls models` says of a machine, and for the doctor. Knows no devices; imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

WORKING: Final = 1 << 30
"""Bytes for CUDA itself and for what a prompt is computed with: an estimate."""
_STEP: Final = 256 << 20


@dataclass(frozen=True)
class Shape:
    """What the layers cache for each token: `kv_heads` times `head_dim` numbers of keys, of keys as attention turned
    them, and of values, in each of `layers`. (Layers without rotary positions turn none: for these it is too much.)"""

    layers: int
    kv_heads: int
    head_dim: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Shape | None:
        """By the fields of a config.json; None where they do not tell."""
        layers, heads = _count(config, "num_hidden_layers"), _count(config, "num_attention_heads")
        if not layers or not heads:
            return None
        dim = _count(config, "head_dim") or _count(config, "hidden_size") // heads
        kv_heads = _count(config, "num_key_value_heads") or heads
        return cls(layers, kv_heads, dim) if dim else None

    def row_bytes(self, itemsize: int) -> int:
        """Bytes held for a token, in numbers of so many bytes."""
        return itemsize * self.kv_heads * self.head_dim * 3 * self.layers


@dataclass(frozen=True)
class Need:
    """A model's weights in bytes, what it caches, and the bytes of a number in both."""

    weights: int
    shape: Shape
    itemsize: int

    def bytes(self, tokens: int) -> int:
        """All it takes to work with prompts of so many tokens."""
        return self.weights + self.shape.row_bytes(self.itemsize) * tokens + WORKING

    def budget_mib(self, tokens: int) -> int:
        """A setting `kvBudgetMiB` that holds one prompt of so many tokens, and leaves an eighth for what is typed."""
        return -(-self.shape.row_bytes(self.itemsize) * tokens * 9 // 8 // _STEP) * (_STEP >> 20)

    def most_tokens(self, memory: int) -> int:
        """The longest prompt for which so many bytes of memory are enough; 0 where they are not for the weights."""
        return max(0, (memory - self.weights - WORKING) // self.shape.row_bytes(self.itemsize))


def _count(config: Mapping[str, Any], key: str) -> int:
    """A number of a configuration; 0 where there is none, or none that can be."""
    value = config.get(key)
    return value if type(value) is int and 0 < value < 2**24 else 0
