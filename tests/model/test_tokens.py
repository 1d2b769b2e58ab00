"""Tokens: bytes are exact, special strings are text, and an update equals encoding afresh, for every kind of split."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edits import ODD, SNIPPETS, Typist, keep, kept
from fuzz import python_files, rng, rounds
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from hirope_ls.model.cuts import cuts_for
from hirope_ls.model.tokens import TextTokenizer, Tokens
from hirope_ls.problems import ModelRefused
from hirope_ls.text import Edit

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BUNDLED = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+"


def split(pattern: str, behavior: str = "isolated") -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(pattern), behavior)


def then_bytes(*stages: pre_tokenizers.PreTokenizer, use_regex: bool = False) -> pre_tokenizers.PreTokenizer:
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    return pre_tokenizers.Sequence([*stages, last])


BYTE_LEVEL = {
    "gpt2": pre_tokenizers.ByteLevel(add_prefix_space=True),
    "qwen": then_bytes(split(QWEN)),
    "bundled": then_bytes(split(BUNDLED)),
    "starcoder": then_bytes(pre_tokenizers.Digits(individual_digits=True), use_regex=True),
    "deepseek": then_bytes(
        split(r"[\r\n]"),
        split(r"\s?\p{L}+"),
        split(r"\s?\p{P}+"),
        split(r"[一-龥ࠀ-一가-퟿]+"),
        pre_tokenizers.Digits(individual_digits=True),
    ),
    "unknown": then_bytes(split(r"\w+|\W+?(?=\w)|\W+")),
    "merged": then_bytes(split(BUNDLED, "merged_with_next")),
    "whole": then_bytes(),
}
LOCAL = {"gpt2", "qwen", "bundled", "starcoder", "deepseek", "metaspace"}
SPECIALS = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>"]


def corpus() -> list[str]:
    texts = [path.read_text("utf-8") for path in python_files(6, largest=30_000)]
    # Runs of blanks, line ends and signs are what the regexes differ in.
    return [*texts, texts[0].replace("\n", "\r\n"), " \t\n" * 50, *SNIPPETS, *ODD]


def byte_level(pre_tokenizer: pre_tokenizers.PreTokenizer) -> dict[str, Any]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_tokens([AddedToken("<tool>", special=False)])
    spec: dict[str, Any] = json.loads(tokenizer.to_str())
    return spec


def sentencepiece(metaspace: bool) -> dict[str, Any]:
    """As Llama-2's tokenizer.json: without a pre-tokeniser, or with Metaspace, as newer conversions have it."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    names = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=[*names, *(f"<0x{byte:02X}>" for byte in range(256))],
        limit_alphabet=90,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    spec: dict[str, Any] = json.loads(tokenizer.to_str())
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["content"] in names]
    if not metaspace:
        steps = [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]
        spec |= {"pre_tokenizer": None, "normalizer": {"type": "Sequence", "normalizers": steps}}
    return spec


@pytest.fixture(scope="module")
def specs() -> dict[str, dict[str, Any]]:
    made = {name: byte_level(pre_tokenizer) for name, pre_tokenizer in BYTE_LEVEL.items()}
    return made | {"metaspace": sentencepiece(True), "llama": sentencepiece(False)}


@pytest.fixture(scope="module")
def tokenizers(specs: dict[str, dict[str, Any]]) -> dict[str, TextTokenizer]:
    return {name: TextTokenizer(spec, {}) for name, spec in specs.items()}


KINDS = [*BYTE_LEVEL, "metaspace", "llama"]


def check_exact(tokenizer: TextTokenizer, tokens: Tokens, data: bytes) -> None:
    assert tokens.ids.dtype == np.int32 and tokens.ends.dtype == np.int64
    assert tokenizer.decode(tokens.ids.tolist()) == data
    lengths = [len(tokenizer.token_bytes(id)) for id in tokens.ids.tolist()]
    assert tokens.ends.tolist() == np.cumsum(lengths, dtype=np.int64).tolist()
    assert not tokenizer.special.all & set(tokens.ids.tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_the_text_exactly(tokenizers: dict[str, TextTokenizer], kind: str):
    tokenizer = tokenizers[kind]
    assert tokenizer.local == (kind in LOCAL)
    texts = [
        "",
        "\n",
        "a",
        " a",
        "a ",
        "▁ ▁a▁",
        "e\u0301 é",
        *ODD,
        *SNIPPETS,
        *corpus()[:2],
        " ".join(ODD),
        *SPECIALS,
        "<tool>",
    ]
    for text in texts:
        check_exact(tokenizer, tokenizer.encode(text.encode()), text.encode())


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_the_librarys_own(specs: dict[str, dict[str, Any]], tokenizers: dict[str, TextTokenizer], kind: str):
    """For a text that needs none of what is left out: control tokens, normalisation, a space before the text."""
    raw = Tokenizer.from_str(json.dumps(specs[kind]))
    text = "\n".join(corpus()[:2])
    text = "".join(char for char in text if ord(char) < 128)
    expected = raw.encode(" " + text if kind == "gpt2" else text, add_special_tokens=False).ids
    offset = " " if kind in ("gpt2", "metaspace", "llama") else ""
    assert tokenizers[kind].encode((offset + text).encode()).ids.tolist() == expected


@pytest.mark.parametrize("kind", KINDS)
def test_updates_equal_encoding_afresh(tokenizers: dict[str, TextTokenizer], kind: str):
    tokenizer = tokenizers[kind]
    random_ = rng(f"tokens-{kind}")
    files = [path.read_bytes() for path in python_files(60, smallest=1_000, largest=40_000)]
    for _ in range(rounds(6)):
        text = random_.choice(files)
        at = random_.randrange(max(1, len(text) - 3_000))
        text = text[at : at + 3_000].decode("utf-8", "ignore").encode()
        typist, made, data, tokens = Typist(random_), [], text, tokenizer.encode(text)
        for _ in range(60):
            edit = typist.edit(data)
            made.append(edit)
            changed = edit.apply(data)
            tokens, data = tokenizer.update(tokens, data, edit, changed).tokens, changed
            if tokens != tokenizer.encode(data):
                pytest.fail(f"see {keep(f'tokens-{kind}', text, made)}")


@pytest.mark.parametrize("kind", sorted(LOCAL))
def test_updates_in_texts_of_nothing_but_hard_cases(tokenizers: dict[str, TextTokenizer], kind: str):
    tokenizer = tokenizers[kind]
    random_ = rng(f"hard-{kind}")
    pieces = [
        *" \t\n\r",
        "\r\n",
        "a",
        "Z",
        "1",
        "'",
        "'s",
        "'LL",
        "(",
        "=",
        "\u00a0",
        "\u2028",
        "é",
        "😀",
        "▁",
        "  ",
        "\x85",
    ]
    for _ in range(rounds(400)):
        data = "".join(random_.choices(pieces, k=random_.randrange(40))).encode()
        starts = [at for at in range(len(data) + 1) if at == len(data) or data[at] & 0xC0 != 0x80]
        start, end = sorted(random_.choices(starts, k=2))
        edit = Edit(
            start, random_.choice([start, end]), "".join(random_.choices(pieces, k=random_.randrange(4))).encode()
        )
        changed = edit.apply(data)
        if tokenizer.update(tokenizer.encode(data), data, edit, changed).tokens != tokenizer.encode(changed):
            pytest.fail(f"see {keep(f'tokens-{kind}', data, [edit])}")


@pytest.mark.parametrize("kind", KINDS)
def test_saved_failures(tokenizers: dict[str, TextTokenizer], kind: str):
    for text, edits in kept(f"tokens-{kind}"):
        data = text
        for edit in edits:
            changed = edit.apply(data)
            updated = tokenizers[kind].update(tokenizers[kind].encode(data), data, edit, changed)
            assert updated.tokens == tokenizers[kind].encode(changed)
            data = changed


@pytest.mark.parametrize("kind", sorted(LOCAL))
def test_a_window_is_small(tokenizers: dict[str, TextTokenizer], kind: str):
    """In code, the text that is tokenised again is a few words, however long the file."""
    cuts = cuts_for(byte_level_spec(kind))
    assert cuts is not None
    data = python_files(1, smallest=30_000)[0].read_bytes()
    spans = [cuts.after(data, at) - cuts.before(data, at) for at in range(0, len(data), 101)]
    assert np.median(spans) < 100 and max(spans) < 2_000


def byte_level_spec(kind: str) -> dict[str, Any]:
    made = BYTE_LEVEL.get(kind, pre_tokenizers.Metaspace())
    spec: dict[str, Any] = json.loads(made.__getstate__())
    return spec


def test_a_text_without_cuts_is_one_window(tokenizers: dict[str, TextTokenizer]):
    data = b"x" * 5_000
    edit = Edit(2_500, 2_501, b"(")
    tokenizer = tokenizers["bundled"]
    changed = edit.apply(data)
    assert tokenizer.update(tokenizer.encode(data), data, edit, changed) == (tokenizer.encode(changed), 0, len(changed))


def test_special_tokens(tokenizers: dict[str, TextTokenizer], specs: dict[str, dict[str, Any]]):
    special = tokenizers["qwen"].special
    assert special.has_fim
    assert (special.end_of_text, special.fim_prefix, special.fim_suffix, special.fim_middle, special.file_sep) == (
        *range(5),
    )
    assert special.begin is None
    assert len(special.all) == 6  # with <tool>, which is a control token though it is not called special
    llama = TextTokenizer(specs["llama"], {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True}).special
    assert (llama.begin, llama.end_of_text, llama.has_fim) == (1, 2, False)
    assert tokenizers["qwen"].decode([0, 1, 2, 10**6, -1]) == b""


FIM_NAMES: list[Sequence[str]] = [
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    ("▁<PRE>", "▁<SUF>", "▁<MID>"),
]


@pytest.mark.parametrize("names", FIM_NAMES)
def test_fim_markers_of_other_families(specs: dict[str, dict[str, Any]], names: Sequence[str]):
    spec = json.loads(json.dumps(specs["bundled"]))
    for token, name in zip(spec["added_tokens"][1:], names, strict=False):
        spec["model"]["vocab"][name] = spec["model"]["vocab"].pop(token["content"])
        token["content"] = name
    special = TextTokenizer(spec, {}).special
    assert (special.fim_prefix, special.fim_suffix, special.fim_middle) == (1, 2, 3)


def test_half_characters_decode_to_their_bytes(tokenizers: dict[str, TextTokenizer]):
    tokenizer = tokenizers["bundled"]
    ids = tokenizer.encode("😀".encode()).ids.tolist()
    assert b"".join(tokenizer.token_bytes(id) for id in ids) == "😀".encode()
    assert tokenizer.decode(ids[:1]) == "😀".encode()[: len(tokenizer.token_bytes(ids[0]))]


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"normalizer": {"type": "Lowercase"}}, "changes texts"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "drops or adds"),
        (
            {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": " "}, "behavior": "Removed", "invert": False}},
            "drops",
        ),
        ({"model": {"type": "Unigram", "vocab": [], "unk_id": None}}, "only BPE"),
        ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}, "of the 256 bytes"),
        ({"added_tokens": [{}]}, "malformed"),
    ],
)
def test_tokenizers_that_are_not_exact_are_refused(specs, tmp_path: Path, change: dict[str, Any], reason: str):
    (tmp_path / "tokenizer.json").write_text(json.dumps(specs["gpt2"] | change), "utf-8")
    with pytest.raises(ModelRefused, match=reason) as told:
        TextTokenizer.load(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"model": 3}', "\x00"])
def test_unreadable_tokenizers_are_refused(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content, "utf-8")
    with pytest.raises(ModelRefused):
        TextTokenizer.load(tmp_path)
