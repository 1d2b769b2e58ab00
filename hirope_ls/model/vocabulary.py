"""What the ids of a tokenizer stand for: exact bytes, control tokens, fill-in-the-middle markers.

Reads tokenizer.json and tokenizer_config.json. Knows no texts. FIM markers as their models' cards give them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from hirope_ls.problems import ModelRefused

META = "▁"  # what sentencepiece writes for a space

# (prefix, suffix, middle): Qwen2.5-Coder and CodeGemma; StarCoder and StarCoder2, Granite; SantaCoder; DeepSeek-Coder;
# CodeLlama; Codestral.
_FIM = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    ("▁<PRE>", "▁<SUF>", "▁<MID>"),
    ("[PREFIX]", "[SUFFIX]", "[MIDDLE]"),
)
_ENDS = ("<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>", "<eos>", "</s>")
_FILES = ("<|file_sep|>", "<file_sep>", "<|file_separator|>")


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Ids with a meaning of their own; `all` has every control id, which never stands for text.

    `begin` is set only where the tokenizer itself puts it before every text.
    """

    end_of_text: int | None
    fim_prefix: int | None
    fim_suffix: int | None
    fim_middle: int | None
    file_sep: int | None
    begin: int | None
    all: frozenset[int]

    @property
    def has_fim(self) -> bool:
        """Whether the model was given markers for prefix, suffix and middle."""
        return None not in (self.fim_prefix, self.fim_suffix, self.fim_middle)


def special_tokens(names: dict[str, int], spec: dict[str, Any], settings: dict[str, Any]) -> SpecialTokens:
    """The special tokens among the control tokens `names` (text -> id), by tokenizer.json and tokenizer_config.json."""
    fim = next((row for row in _FIM if all(name in names for name in row)), None)
    prefix, suffix, middle = (names[name] for name in fim) if fim else (None, None, None)
    ends = (*((name,) if (name := _content(settings.get("eos_token"))) else ()), *_ENDS)
    # A chat model ends its turns with another token; a text ends with the one its files ended with in training.
    if "<|endoftext|>" in names:
        ends = ("<|endoftext|>", *ends)
    return SpecialTokens(
        end_of_text=next((names[name] for name in ends if name in names), None),
        fim_prefix=prefix,
        fim_suffix=suffix,
        fim_middle=middle,
        file_sep=next((names[name] for name in _FILES if name in names), None),
        begin=_begin(names, spec, settings),
        all=frozenset(names.values()),
    )


def _begin(names: dict[str, int], spec: dict[str, Any], settings: dict[str, Any]) -> int | None:
    name = _content(settings.get("bos_token"))
    if name not in names or settings.get("add_bos_token") is False:
        return None
    template = str((spec.get("post_processor") or {}).get("single", ""))
    processors = str((spec.get("post_processor") or {}).get("processors", ""))
    added = settings.get("add_bos_token") is True or repr(name) in template or repr(name) in processors
    return names[name] if added else None


def _content(token: Any) -> str:
    return str(token["content"]) if isinstance(token, dict) else str(token or "")


@functools.cache
def byte_alphabet() -> dict[str, int]:
    """GPT-2's table: the printable character that stands for each byte, as character -> byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(rest)}


def byte_level_bytes(vocabulary: dict[str, int]) -> tuple[dict[int, bytes], list[int]]:
    """(the bytes of each id, the ids of the 256 single bytes) of a byte-level vocabulary. Raises ModelRefused."""
    alphabet = byte_alphabet()
    known = {
        id: bytes(alphabet[char] for char in token)
        for token, id in vocabulary.items()
        if all(char in alphabet for char in token)
    }
    return known, _single_bytes({byte: vocabulary.get(char) for char, byte in alphabet.items()})


def metaspace_bytes(vocabulary: dict[str, int]) -> tuple[dict[int, bytes], list[int]]:
    """As `byte_level_bytes`, for a sentencepiece vocabulary with byte fallback. Raises ModelRefused."""
    names = {f"<0x{byte:02X}>": byte for byte in range(256)}
    known = {
        id: bytes([names[token]]) if token in names else token.replace(META, " ").encode()
        for token, id in vocabulary.items()
    }
    return known, _single_bytes({byte: vocabulary.get(name) for name, byte in names.items()})


def _single_bytes(found: dict[int, int | None]) -> list[int]:
    ids = [id for _, id in sorted(found.items()) if id is not None]
    if len(ids) != 256:
        raise ModelRefused(f"the tokenizer cannot write every text: {256 - len(ids)} of the 256 bytes have no token")
    return ids
