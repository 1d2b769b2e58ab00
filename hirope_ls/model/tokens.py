"""Text to token ids with exact byte ends, and after an edit only what the edit can have changed.

Two families are read from tokenizer.json: byte-level BPE (GPT-2, Qwen, StarCoder, DeepSeek) and sentencepiece-like
BPE with byte fallback (Llama-2, CodeLlama, Gemma). Neither may lose a byte, so what would is left out on loading:
Unicode normalisation, a space put before the text, and control tokens, whose names in a source are plain text. (So the
first word of a file has Llama-2's tokens of a word without a blank before it, which it has in training.)
Knows no files but the model's folder, no syntax and no model. Needs neither torch nor transformers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from hirope_ls.model.cuts import Cuts, cuts_for
from hirope_ls.model.runs import Tokens
from hirope_ls.model.vocabulary import (
    META,
    SpecialTokens,
    byte_level_bytes,
    metaspace_bytes,
    named_controls,
    special_tokens,
)
from hirope_ls.problems import ModelRefused, never
from hirope_ls.text import Edit

__all__ = ["SpecialTokens", "TextTokenizer", "Tokens", "Update"]

_TAG = re.compile(
    r"</?(table|caption|thead|tbody|tfoot|tr|th|td|h[1-6]|blockquote|strong|em|b|i|u|s|sub|sup|code|a|p|ul|ol|li)>"
)


class Update(NamedTuple):
    """The tokens after an edit; outside the bytes `start..end` of the new text they are those of before, moved along.

    Both are borders of tokens, in the old text as well.
    """

    tokens: Tokens
    start: int
    end: int


class TextTokenizer:
    """A model's tokenizer for source text. Immutable once made; use it from one thread at a time."""

    def __init__(self, spec: dict[str, Any], settings: dict[str, Any]) -> None:
        """`spec` is tokenizer.json, `settings` tokenizer_config.json. Raises ModelRefused."""
        opening = spec.get("post_processor")
        spec, controls = _lossless(spec, settings)
        self._meta = not _has_type(spec.get("pre_tokenizer"), "ByteLevel")
        table = metaspace_bytes if self._meta else byte_level_bytes
        known, self._byte_ids = table(spec["model"]["vocab"])
        known |= {token["id"]: token["content"].encode() for token in spec["added_tokens"]}
        known |= dict.fromkeys(controls.values(), b"")
        self.special = special_tokens(controls, opening, settings)
        self.vocab_size = max(known) + 1
        self._bytes = [known.get(id, b"") for id in range(self.vocab_size)]
        self._lengths = np.array([len(piece) for piece in self._bytes], np.int64)
        rewritten = spec["added_tokens"] or spec["normalizer"]
        self._cuts: Cuts | None = None if rewritten else cuts_for(spec["pre_tokenizer"])
        try:
            self._tokenizer = Tokenizer.from_str(json.dumps(spec))
        except Exception as error:  # the library raises plain Exception
            raise ModelRefused(f"the tokenizer cannot be read: {error}") from None

    @classmethod
    def load(cls, folder: Path) -> TextTokenizer:
        """The tokenizer of a model folder. Raises ModelRefused if there is none, or none that is exact."""
        try:
            spec = json.loads((folder / "tokenizer.json").read_text("utf-8"))
            at = folder / "tokenizer_config.json"
            settings = json.loads(at.read_text("utf-8")) if at.exists() else {}
        except (OSError, ValueError) as error:
            raise ModelRefused(f"no readable tokenizer.json in {folder}: {error}") from None
        if not isinstance(spec, dict) or not isinstance(settings, dict):
            raise ModelRefused(f"the tokenizer in {folder} is no JSON object")
        try:
            return cls(spec, settings)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ModelRefused(f"the tokenizer in {folder} is malformed: {error!r}") from None

    @property
    def local(self) -> bool:
        """Whether `update` works on a window (see cuts.py); otherwise it encodes the whole text again."""
        return self._cuts is not None

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes of each id, in order; empty for control tokens."""
        return self._bytes

    def encode(self, data: bytes) -> Tokens:
        """The tokens of `data` (valid UTF-8), no special tokens added or recognised."""
        text = data.decode()
        ids = self._encode_around_meta(text) if self._meta and META in text else self._encode(text)
        lengths = self._lengths[ids]
        if int(lengths.sum()) != len(data):
            never("tokens do not add up to the text", bytes=len(data), tokens=len(ids))
            ids = np.array([self._byte_ids[byte] for byte in data], np.int32)
            lengths = np.ones(len(data), np.int64)
        return Tokens.of(ids, np.cumsum(lengths, dtype=np.int64))

    def update(self, old: Tokens, old_data: bytes, edit: Edit, new_data: bytes) -> Update:
        """`encode(new_data)`, where `new_data` is `old_data` after `edit` and `old` is `encode(old_data)`.

        Tokenises what lies between the last cut wholly before the edit and the first one wholly after it.
        """
        if self._cuts is None:
            return Update(self.encode(new_data), 0, len(new_data))
        start = self._cuts.before(old_data, edit.start)
        end = self._cuts.after(new_data, edit.new_end)
        tokens = self._replaced(old, start, end - edit.delta, new_data[start:end])
        return Update(tokens, start, end) if tokens else Update(self.encode(new_data), 0, len(new_data))

    def until(self, tokens: Tokens, data: bytes, offset: int) -> Tokens:
        """`encode(data[:offset])`, where `tokens` is `encode(data)`: only what follows the last cut is tokenised."""
        start = self._cuts.before(data, offset) if self._cuts else 0
        return self._replaced(tokens, start, len(data), data[start:offset]) or self.encode(data[:offset])

    def _replaced(self, old: Tokens, start: int, end: int, new: bytes) -> Tokens | None:
        """The tokens with the bytes `start..end` replaced; None if tokens go over these borders, as they never do."""
        low, high = old.before(start), old.before(end)
        if old.begins(np.array([low, high])).tolist() != [start, end]:
            never("a cut is no border of tokens", start=start, end=end)
            return None
        return old.replaced(low, high, self.encode(new))

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one id; empty for control tokens and for ids the vocabulary does not have."""
        return self._bytes[id] if 0 <= id < self.vocab_size else b""

    def decode(self, ids: Iterable[int]) -> bytes:
        """The bytes of `ids`, exactly: perhaps half a character at either end."""
        return b"".join(self.token_bytes(int(id)) for id in ids)

    def _encode(self, text: str) -> NDArray[np.int32]:
        return np.array(self._tokenizer.encode(text, add_special_tokens=False).ids, np.int32)

    def _encode_around_meta(self, text: str) -> NDArray[np.int32]:
        """As `_encode`, with the sign that stands for a space written as bytes, to tell the two apart."""
        sign = np.array([self._byte_ids[byte] for byte in META.encode()], np.int32)
        parts: list[NDArray[np.int32]] = []
        for piece in text.split(META):
            parts += (self._encode(piece), sign)
        return np.concatenate(parts[:-1])


def _lossless(spec: dict[str, Any], settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """tokenizer.json without what loses or adds bytes, and the control tokens taken out of it (text -> id)."""
    model = dict(spec["model"])
    if model.get("type", "BPE") != "BPE" or model.get("dropout") or model.get("end_of_word_suffix"):
        raise ModelRefused("only BPE tokenizers without dropout and word endings are supported")
    added = spec.get("added_tokens", [])
    texts = [token for token in added if _is_text(token)]
    controls = {token["content"]: token["id"] for token in added if token not in texts}
    controls |= named_controls(model["vocab"], settings)
    kept = [token for token in texts if META not in token["content"]]  # BPE makes runs of that itself
    # Of tokens that are not in the vocabulary, the library would count the ids anew, without those taken out.
    model["vocab"] = model["vocab"] | {token["content"]: token["id"] for token in kept}
    if model.get("ignore_merges"):  # such a model takes a whole piece that is in the vocabulary, also a control token
        model["vocab"] = {token: id for token, id in model["vocab"].items() if token not in controls}
    lossless = {
        "model": model,
        "added_tokens": kept,
        "normalizer": _lossless_normalizer(spec.get("normalizer")),
        "pre_tokenizer": _lossless_pre_tokenizer(spec.get("pre_tokenizer")),
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }
    return spec | lossless, controls


def _is_text(token: dict[str, Any]) -> bool:
    """Whether an added token stands for a text that people write: runs of blanks and, in Gemma, tags of HTML."""
    content = token["content"].replace(META, " ")
    return not token["special"] and (content.isspace() or bool(_TAG.fullmatch(content)))


def _lossless_normalizer(normalizer: dict[str, Any] | None) -> dict[str, Any] | None:
    steps = [] if normalizer is None else normalizer.get("normalizers", [normalizer])
    kept = [step for step in steps if step["type"] not in ("NFC", "NFD", "NFKC", "NFKD", "Prepend")]
    for step in kept:
        if step["type"] != "Replace" or step["pattern"] != {"String": " "} or step["content"] != META:
            raise ModelRefused(f"the tokenizer changes texts in an unknown way: {step['type']}")
    return kept[0] if kept else None


def _lossless_pre_tokenizer(pre_tokenizer: dict[str, Any] | None) -> dict[str, Any] | None:
    if pre_tokenizer is None:
        return None
    match pre_tokenizer["type"]:
        case "Sequence":
            stages = [_lossless_pre_tokenizer(stage) for stage in pre_tokenizer["pretokenizers"]]
            return pre_tokenizer | {"pretokenizers": stages}
        case "ByteLevel":
            return pre_tokenizer | {"add_prefix_space": False}
        case "Metaspace":
            return pre_tokenizer | {"prepend_scheme": "never"}
        case "Digits" | "Punctuation":
            return pre_tokenizer
        case "Split" if pre_tokenizer["behavior"] != "Removed" or pre_tokenizer.get("invert"):
            return pre_tokenizer
        case kind:
            raise ModelRefused(f"the tokenizer drops or adds characters: pre-tokenizer {kind}")


def _has_type(pre_tokenizer: dict[str, Any] | None, kind: str) -> bool:
    if pre_tokenizer is None:
        return False
    return any(stage["type"] == kind for stage in pre_tokenizer.get("pretokenizers", [pre_tokenizer]))
