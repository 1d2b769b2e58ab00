"""What the ids of a tokenizer stand for: exact bytes, control tokens, fill-in-the-middle markers.

Reads tokenizer.json and tokenizer_config.json. Knows no texts. Which names mean what is for `families` to say.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hirope_ls.model.families import ALSO_END, ENDS, FILES, markers_of
from hirope_ls.problems import ModelRefused

META = "▁"  # what sentencepiece writes for a space

_NEVER = frozenset({0xC0, 0xC1, *range(0xF5, 0x100)})  # bytes that no UTF-8 text has


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Ids with a meaning of their own; `all` has every control id, which never stands for text.

    `begin` is set only where the tokenizer itself puts it before every text. `ends` are those that say that there is
    no more to say: the end of a text, the markers, what stands before another file.
    """

    end_of_text: int | None
    fim_prefix: int | None
    fim_suffix: int | None
    fim_middle: int | None
    file_sep: int | None
    begin: int | None
    ends: frozenset[int]
    all: frozenset[int]

    @property
    def has_fim(self) -> bool:
        """Whether the model was given markers for prefix and suffix; not all have one for the middle."""
        return None not in (self.fim_prefix, self.fim_suffix)


def special_tokens(names: dict[str, int], opening: object, settings: dict[str, Any]) -> SpecialTokens:
    """The special tokens among the control tokens `names` (text -> id).

    `opening` is the post-processor of tokenizer.json, which may put a token before a text; `settings` are those of
    tokenizer_config.json.
    """
    prefix, suffix, middle = (names.get(name) for name in markers_of(names) or ("", "", ""))
    own = _content(settings.get("eos_token"))
    # A chat model ends its turns with another token; a text ends with the one its files ended with in training.
    ranked = (ENDS[0], own, *ENDS)
    end, file_sep = _first(ranked, names), _first(FILES, names)
    ends = {names[name] for name in (own, *ENDS, *ALSO_END) if name in names}
    ends |= {id for id in (prefix, suffix, middle, file_sep) if id is not None}
    return SpecialTokens(
        end_of_text=end,
        fim_prefix=prefix,
        fim_suffix=suffix,
        fim_middle=middle,
        file_sep=file_sep,
        begin=_begin(names, opening, settings),
        ends=frozenset(ends),
        all=frozenset(names.values()),
    )


def _first(ranked: Iterable[str], names: dict[str, int]) -> int | None:
    return next((names[name] for name in ranked if name in names), None)


def named_controls(vocabulary: dict[str, int], settings: dict[str, Any]) -> dict[str, int]:
    """Control tokens that tokenizer_config.json alone names (text -> id): old conversions of sentencepiece models."""
    told = [settings.get(key) for key in ("additional_special_tokens", "extra_special_tokens")]
    named = [each for some in told for each in (some.values() if isinstance(some, dict) else some or ())]
    return {name: vocabulary[name] for name in map(_content, named) if name in vocabulary}


def _begin(names: dict[str, int], opening: object, settings: dict[str, Any]) -> int | None:
    name = _content(settings.get("bos_token"))
    if name not in names or settings.get("add_bos_token") is False:
        return None
    told = opening if isinstance(opening, dict) else {}
    added = repr(name) in f"{told.get('single', '')}{told.get('processors', '')}"
    return names[name] if added or settings.get("add_bos_token") is True else None


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
    found = {byte: vocabulary.get(name) for name, byte in names.items()}
    # Gemma's converter writes the tab itself over its byte.
    return known, _single_bytes(found | {9: found[9] if found[9] is not None else vocabulary.get("\t")})


def _single_bytes(found: dict[int, int | None]) -> list[int]:
    """The id of each byte; -1 for one that no text has (DeepSeek's vocabulary lacks those)."""
    missing = [byte for byte, id in found.items() if id is None and byte not in _NEVER]
    if missing:
        raise ModelRefused(f"the tokenizer cannot write every text: {len(missing)} of the 256 bytes have no token")
    return [-1 if id is None else id for _, id in sorted(found.items())]
