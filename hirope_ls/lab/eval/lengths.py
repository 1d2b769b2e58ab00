"""Lengths as users write them: tokens, or multiples of the trained length. Knows numbers only."""

from __future__ import annotations

import re

from hirope_ls.problems import InputError

LEAST = 8  # tokens; with fewer there is nothing to tell


def parse_lengths(text: str, trained_length: int) -> list[int]:
    """The tokens of each comma-separated length, ascending, once each; "0.5x" is half the trained length.

    Raises InputError.
    """
    return sorted({_length(word.strip(), trained_length) for word in text.split(",")})


def _length(word: str, trained_length: int) -> int:
    if re.fullmatch(r"[0-9]{1,9}", word):
        tokens = int(word)
    elif re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?x", word):
        tokens = round(float(word[:-1]) * trained_length)
    else:
        raise InputError(f"{word!r} is no length: give tokens (2048) or multiples of the trained length (4x, 0.5x)")
    if tokens < LEAST:
        raise InputError(f"a length of {word} is {tokens} tokens: give at least {LEAST}")
    return tokens


def shown(length: int, multiple: float) -> str:
    """A length for people: `2,048 (4x)`."""
    return f"{length:,} ({multiple:.3g}x)"
