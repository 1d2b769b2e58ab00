"""A shape of model: the rope fields it was published with, full size, and the same for a tiny model.

What the oracle needs to know of a shape (which layers slide, which do not rotate, how pairs lie in a head) is written
down by hand, as is the trained length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

HEAD = 16  # dimensions of a tiny model's heads
_LENGTHS = {"max_position_embeddings", "original_max_position_embeddings", "sliding_window"}
_BASES = {"rope_theta", "rotary_emb_base", "rope_local_base_freq"}
_KINDS = {"f": "full_attention", "s": "sliding_attention", "n": "full_attention"}
Fields = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Shape:
    """One row of the table.

    family   "Llama" for LlamaConfig and LlamaForCausalLM; "Gemma3Text Gemma3" where the two differ
    layers   of the tiny model: f full attention, s sliding window, n full attention without rotary positions
    share    of a head that is rotated
    local    rope fields of the sliding layers, where they have their own
    short    trained length of the tiny model; longer where scaling needs room to be seen
    since    version of transformers before which these fields make another model, or attention bypasses the interface
    more     sizes that the tiny model needs, not scaled
    """

    name: str
    published: str
    family: str
    fields: Fields
    trained: int
    layers: str = "ff"
    pairing: Literal["halves", "neighbours"] = "halves"
    share: float = 1.0
    local: Fields | None = None
    short: int = 48
    since: str = ""
    more: Fields = field(default_factory=dict)
    remark: str = ""

    @property
    def classes(self) -> tuple[str, str]:
        config, _, model = self.family.partition(" ")
        return f"{config}Config", f"{model or config}ForCausalLM"

    @property
    def tiny(self) -> dict[str, Any]:
        """The same fields for a model whose trained length is `short`."""
        return _divided(self.fields, self.trained / self.short, self.dims // 2)

    @property
    def stated_layers(self) -> dict[str, Any]:
        """What a configuration says of its layers, where their kinds need saying."""
        if set(self.layers) == {"f"} and "sliding_window" not in self.fields:
            return {}
        return {"num_hidden_layers": len(self.layers), "layer_types": [_KINDS[kind] for kind in self.layers]}

    def tiny_rope(self, kind: str) -> dict[str, Any]:
        """The fields that the rope of a tiny layer of that kind (f or s) is to be made from."""
        if kind == "s" and self.local is not None:
            return _divided(self.local, self.trained / self.short, self.dims // 2)
        return self.tiny

    @property
    def dims(self) -> int:
        return int(HEAD * self.share)


def _divided(fields: Fields, by: float, pairs: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            found[name] = _divided(value, by, pairs)
        elif name in _LENGTHS and value is not None:
            found[name] = max(round(value / by), 5)
        elif name in _BASES:
            found[name] = max(value / by, 20.0)
        else:
            found[name] = value[:pairs] if name.endswith("_factor") and isinstance(value, list) else value
    return found


def llama3(factor: float) -> dict[str, Any]:
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }


def fields(length: int, base: float, **more: Any) -> dict[str, Any]:
    return {"max_position_embeddings": length, "rope_theta": base, **more}


EXPERTS = {"num_experts": 2, "num_local_experts": 2, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
GROUPED_EXPERTS = {**EXPERTS, "n_routed_experts": 2, "n_shared_experts": 1, "n_group": 1, "topk_group": 1}
ALL_SLIDE = "all its layers slide, so nothing needs changing: the stock model at every length"
NOPE = "its full layers have no rotary positions and the others slide: the stock model at every length"
