"""Which tokens a text can begin with: for generations that have to begin with given bytes, as healed words do.

Knows the bytes of ids; knows no logits and no prompts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Beginnings:
    """The vocabulary sorted by bytes. `pieces`: the bytes of each id; ids without any never fit."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._lengths = [len(piece) for piece in pieces]
        order = sorted((piece, id) for id, piece in enumerate(pieces) if piece)
        self._pieces = [piece for piece, _ in order]
        self._ids = [id for _, id in order]

    def fitting(self, text: bytes) -> list[int]:
        """The ids that a text beginning with `text` can begin with: those that are a beginning of it, and those that it
        is a beginning of."""
        found = self._between(text, _after(text))
        for end in range(1, len(text)):
            found += self._between(text[:end], text[:end] + b"\0")
        return found

    def left(self, text: bytes, said: Sequence[int]) -> bytes:
        """What of `text` is not written yet by the tokens `said`, which began with it."""
        at = 0
        for id in said:
            at += self._lengths[id]
            if at >= len(text):
                return b""
        return text[at:]

    def _between(self, low: bytes, high: bytes | None) -> list[int]:
        end = len(self._ids) if high is None else bisect_left(self._pieces, high)
        return self._ids[bisect_left(self._pieces, low) : end]


def _after(text: bytes) -> bytes | None:
    """The least bytes beyond all that begin with `text`; None if there are none."""
    kept = text.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None
