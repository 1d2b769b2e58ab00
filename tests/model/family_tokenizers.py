"""Small tokenizers with the settings of published families, written as their model folders are.

Vocabularies are tiny and ids are others than the published ones; which tokens there are, which of them are called
special, how texts are normalised and split, what opens a text: these are each family's own, by its tokenizer.json and
tokenizer_config.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
STARCODER = ["<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>"]
NO_UTF8 = [chr(byte) for byte in (0xF5, 0xF7, 0xC1, 0xFD, 0xC0, 0xFF, 0xF8, 0xFA, 0xFE, 0xFC, 0xF9, 0xF6, 0xFB)]
TAGS = ["<table>", "</table>", "<h1>", "<code>", "</code>"]
CORPUS = [Path(__file__).read_text("utf-8"), "def f(a, b):\n\treturn a\n\n\nclass A:\n        x = 1\n" * 20]


@dataclass(frozen=True)
class Made:
    """A tokenizer and what its tokenizer_config.json says. `special` and `plain`: added tokens by that flag."""

    make: Callable[[], Tokenizer]
    special: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    opens: bool = False  # the tokenizer puts its begin token before a text
    nested: bool = False  # and that stands in a sequence of processors

    def save(self, folder: Path, kind: str, said: dict[str, Any] | None = None) -> Path:
        """The folder, with a configuration for a model of this type, and no weights."""
        tokenizer = self.make()
        tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in self.special])
        tokenizer.add_tokens([AddedToken(name, normalized=False, special=False) for name in self.plain])
        if self.opens:
            begin = self.settings["bos_token"]
            pair = [(begin, tokenizer.token_to_id(begin))]
            opening = processors.TemplateProcessing(single=f"{begin} $A", special_tokens=pair)
            nested = processors.Sequence([processors.ByteLevel(trim_offsets=False), opening])
            tokenizer.post_processor = nested if self.nested else opening
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **self.settings).save_pretrained(folder)
        config = {"architectures": ["TinyForCausalLM"], "model_type": kind, "max_position_embeddings": 4096}
        config |= {"vocab_size": tokenizer.get_vocab_size()} | (said or {})
        (folder / "config.json").write_text(json.dumps(config))
        return folder


def byte_level(split: list[pre_tokenizers.PreTokenizer], regex: bool = False, lacks: str = "") -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*split, last])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = [char for char in pre_tokenizers.ByteLevel.alphabet() if char not in lacks]
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def sentencepiece(first: list[str], tab: str = "<0x09>", runs: bool = False) -> Tokenizer:
    """`first`: the control tokens that stand before all others. tab: its name in the vocabulary."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=not runs)
    names = [tab if byte == 9 else f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=[*first, *names], limit_alphabet=90, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    spec = json.loads(tokenizer.to_str())
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["content"] in first]
    return Tokenizer.from_str(json.dumps(spec))


def qwen() -> Tokenizer:
    tokenizer = byte_level([pre_tokenizers.Split(Regex(QWEN), "isolated")])
    tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def starcoder() -> Tokenizer:
    return byte_level([pre_tokenizers.Digits(individual_digits=True)], regex=True)


def deepseek() -> Tokenizer:
    """Its vocabulary has no tokens for bytes that UTF-8 does not have; these are added ones, not called special."""
    split = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+")]
    return byte_level([*split, pre_tokenizers.Digits(individual_digits=True)], lacks="".join(NO_UTF8))


def llama() -> Tokenizer:
    """Llama-2's and Code Llama's: a blank before each text, blanks as a sign of their own, nothing split."""
    tokenizer = sentencepiece(["<unk>", "<s>", "</s>"], runs=True)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    spec = json.loads(tokenizer.to_str()) | {"pre_tokenizer": None}
    return Tokenizer.from_str(json.dumps(spec))


def gemma() -> Tokenizer:
    """Gemma's: no blank before a text, the tab written over its byte, runs of blanks and tags as added tokens."""
    tokenizer = sentencepiece(["<pad>", "<eos>", "<bos>", "<unk>"], tab="\t", runs=True)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    return tokenizer


def with_vocabulary(make: Callable[[], Tokenizer], names: list[str]) -> Tokenizer:
    """Names that are in the vocabulary and among no added tokens, as in old conversions."""
    spec = json.loads(make().to_str())
    size = len(spec["model"]["vocab"])
    spec["model"]["vocab"] |= {name: size + number for number, name in enumerate(names)}
    return Tokenizer.from_str(json.dumps(spec))


_ENDED = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
_LLAMA = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
_INFILL = ["▁<PRE>", "▁<MID>", "▁<SUF>", "▁<EOT>"]
MADE: dict[str, Made] = {
    "qwen2.5-coder": Made(
        qwen,
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        [
            "<tool_call>",
            "<|fim_prefix|>",
            "<|fim_middle|>",
            "<|fim_suffix|>",
            "<|fim_pad|>",
            "<|repo_name|>",
            "<|file_sep|>",
        ],
        {"eos_token": "<|endoftext|>"},
    ),
    "starcoder2": Made(starcoder, [*STARCODER, "<repo_name>", "<file_sep>", "<issue_start>"], [], _ENDED),
    "granite-code": Made(starcoder, [*STARCODER, "<filename>", "<gh_stars>", "<reponame>"], [], _ENDED),
    "mellum": Made(starcoder, [*STARCODER, "<filename>"], [], _ENDED),
    "stable-code": Made(starcoder, [*STARCODER, "<filename>", "<reponame>"], [], _ENDED),
    "santacoder": Made(
        starcoder, ["<|endoftext|>", "<fim-prefix>", "<fim-middle>", "<fim-suffix>", "<fim-pad>"], [], _ENDED
    ),
    "deepseek-coder": Made(
        deepseek,
        ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"],
        [*NO_UTF8, "<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>", "<pad>", "<|User|>", "<|EOT|>"],
        {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"},
        opens=True,
    ),
    "codellama": Made(llama, _INFILL, [], _LLAMA, opens=True),
    "codellama, an old conversion": Made(
        partial(with_vocabulary, llama, _INFILL), [], [], _LLAMA | {"additional_special_tokens": _INFILL}, opens=True
    ),
    "codegemma": Made(
        gemma,
        [
            "<|fim_prefix|>",
            "<|fim_middle|>",
            "<|fim_suffix|>",
            "<|file_separator|>",
            "<start_of_turn>",
            "<end_of_turn>",
        ],
        ["<mask>", "[@BOS@]", "<unused0>", "\n\n", "\n\n\n", "▁▁", "▁▁▁▁", *TAGS],
        {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"},
        opens=True,
    ),
    "codestral": Made(llama, ["[INST]", "[/INST]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"], [], _LLAMA, opens=True),
    "seed-coder": Made(
        qwen,
        ["<[begin▁of▁sentence]>", "<[end▁of▁sentence]>", "<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"],
        [],
        {"bos_token": "<[begin▁of▁sentence]>", "eos_token": "<[end▁of▁sentence]>"},
        opens=True,
        nested=True,
    ),
    "another": Made(llama, ["▁<AIX-SPAN-PRE>", "▁<AIX-SPAN-POST>", "▁<AIX-SPAN-MIDDLE>"], [], _LLAMA, opens=True),
    "none": Made(qwen, ["<|begin_of_text|>", "<|end_of_text|>"], [], {"eos_token": "<|end_of_text|>"}),
}
