"""How families of code models were trained to fill in the middle: their markers, and in which order the parts stand.

A tokenizer tells its markers, but not their order: JetBrains' Mellum has StarCoder's markers and puts the suffix first.
So a row may ask for more than its markers: a model type of config.json, or a word of the model's name. Where no row
fits, nothing is guessed: the model is asked without the text after the cursor, and `Doubt` says why.

Orders and markers are those of the models' own cards and reports: Qwen2.5-Coder (arXiv 2409.12186), StarCoder2 (arXiv
2402.19173), DeepSeek-Coder (arXiv 2401.14196), Code Llama (arXiv 2308.12950), CodeGemma (arXiv 2406.11409), Granite
code (arXiv 2405.04324), Seed-Coder (arXiv 2506.03524), Mellum (arXiv 2510.05788), Codestral (mistral-common's
`encode_fim`), SantaCoder (arXiv 2301.03988). Knows names of tokens; no ids, no files.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

FimOrder = Literal["context-spm", "psm", "spm", "suffix-prefix-middle", "suffix-prefix"]
"""What they look like stands in engine/prompt.py."""


@dataclass(frozen=True)
class Family:
    """Models with these markers, which stand in this order; `middle` is empty where there is no such marker.

    `kinds` and `words` tell who they are, where the markers alone do not: a model type of config.json, or a word in the
    model's name.
    """

    markers: tuple[str, str, str]  # prefix, suffix, middle
    order: FimOrder
    kinds: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()

    def has_markers(self, names: Collection[str]) -> bool:
        """Whether a tokenizer has its markers among its control tokens."""
        return all(name in names for name in self.markers if name)

    def fits(self, names: Collection[str], kind: str, called: str) -> bool:
        """Whether a model with these control tokens, of this type and name, is one of them."""
        if not self.has_markers(names):
            return False
        told = kind in self.kinds or any(word in called.lower() for word in self.words)
        return told or not (self.kinds or self.words)


_STARCODER: Final = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
FAMILIES: Final = (
    # Qwen2.5-Coder and later ones, CodeGemma, Granite 3.3 and later ones, and the bundled model, which says its order.
    Family(("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"), "psm"),
    Family(_STARCODER, "suffix-prefix-middle", frozenset({"mellum"}), ("mellum",)),
    Family(
        _STARCODER,
        "psm",
        frozenset({"starcoder2", "stablelm", "granite", "granitemoe", "granitemoehybrid", "qwen2"}),
        ("starcoder", "granite", "stable-code", "codeqwen"),
    ),
    Family(("<fim-prefix>", "<fim-suffix>", "<fim-middle>"), "psm"),  # SantaCoder
    Family(("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"), "psm"),  # DeepSeek-Coder
    Family(("▁<PRE>", "▁<SUF>", "▁<MID>"), "psm"),  # Code Llama
    Family(("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"), "suffix-prefix-middle"),  # Seed-Coder
    # Mistral's general models have these tokens as well, and were not trained to fill in.
    Family(("[PREFIX]", "[SUFFIX]", ""), "suffix-prefix", words=("codestral",)),
)
ENDS: Final = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "<｜end▁of▁sentence｜>",
    "<[end▁of▁sentence]>",
    "<eos>",
    "</s>",
)
"""What a document ended with in training, by rank."""
ALSO_END: Final = (
    "▁<EOT>",  # Code Llama ends what it fills in with it
    "<|EOT|>",
    "<|eot_id|>",
    "<|im_end|>",
    "<end_of_turn>",
    "<|fim_pad|>",
    "<fim_pad>",
    "<fim-pad>",
    "<|repo_name|>",
    "<repo_name>",
    "<reponame>",
)
"""What a model may say where it has no more to say."""
FILES: Final = ("<|file_sep|>", "<file_sep>", "<|file_separator|>", "<filename>")
"""What stands before a file and its name."""
_LIKE_FIM: Final = re.compile(r"fim|prefix|suffix|middle|span|<(pre|suf|mid)>", re.IGNORECASE)


@dataclass(frozen=True)
class Doubt:
    """A model that seems to be trained to fill in the middle, and why it is not asked to."""

    markers: tuple[str, ...]
    known: bool  # the markers, and only their order is not

    def __str__(self) -> str:
        shown = " ".join(self.markers[:3])
        if not self.known:
            return f"{shown} look like marks for filling in the middle, of a kind that is not known here"
        return (
            f"whether and in which order it was trained with {shown} is not known here; its config.json may say so,"
            ' as in "hirope": {"fim_order": "psm"}'
        )


def order_of(names: Collection[str], kind: str, called: str) -> FimOrder | Doubt | None:
    """The order in which a model with these control tokens, of this type and name, was trained; None for no FIM."""
    for family in FAMILIES:
        if family.fits(names, kind, called):
            return family.order
    markers = markers_of(names)
    if markers is not None:
        return Doubt(tuple(name for name in markers if name), known=True)
    alike = tuple(sorted(name for name in names if _LIKE_FIM.search(name)))
    return Doubt(alike, known=False) if len(alike) > 1 else None


def markers_of(names: Collection[str]) -> tuple[str, str, str] | None:
    """(prefix, suffix, middle) among the names of control tokens, whatever their order."""
    return next((family.markers for family in FAMILIES if family.has_markers(names)), None)
