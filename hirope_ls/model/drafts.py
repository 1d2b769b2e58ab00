"""N-gram drafts: what followed the last tokens where they stood before is proposed to follow them again.

A draft is a guess that model/loop.py verifies, so nothing here can change an answer, only what it costs. Knows ids;
knows no model, no caches and no text. The idea is prompt lookup decoding (Saxena 2023; Yang et al. 2023, "Inference
with Reference").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from hirope_ls.model.generator import IntArray

LONGEST = 8  # tokens that are compared at most: longer matches foretell no better
_MOST_OTHERS = 1 << 17  # tokens of other texts that are searched: a tenth of a millisecond
_GAP = np.array([-1], np.int32)  # no id, so that no match crosses it


class Drafts:
    """The texts that one generation draws on: other ones, oldest first, then its own prompt and what it has said."""

    def __init__(self, others: Iterable[IntArray], prompt: IntArray, room: int) -> None:
        """`room`: tokens that may yet be said."""
        known = _latest(others)
        self._begin = sum(len(part) for part in known)
        self._end = self._prompted = self._begin + len(prompt)
        self._text = np.empty(self._end + room, np.int32)
        np.concatenate([*known, prompt], out=self._text[: self._end])

    def follow(self, said: Sequence[int]) -> None:
        """Take in what was said since the last time; `said` is all of it."""
        new = said[self._end - self._prompted :]
        self._text[self._end : self._end + len(new)] = new
        self._end += len(new)

    def look_up(self) -> tuple[int, int]:
        """As the function, for all texts together, the last tokens being its own."""
        return look_up(self._text[: self._end], min(LONGEST, self._end - self._begin))

    def at(self, place: int, most: int) -> list[int]:
        """Up to `most` tokens from that place on."""
        found: list[int] = self._text[place : min(place + most, self._end)].tolist()
        return found[: found.index(-1)] if -1 in found else found


def look_up(text: IntArray, longest: int) -> tuple[int, int]:
    """Where the last tokens of `text` stood before: (the place after that, how many of them, at most `longest`).

    The most tokens count first, then the latest place; (len(text), 0) where not even the last token did.
    """
    ends = np.flatnonzero(text[:-1] == text[-1])
    if not ends.size or longest < 1:
        return len(text), 0
    length = 1
    while length < longest:
        longer = ends[ends >= length]
        longer = longer[text[longer - length] == text[-1 - length]]
        if not longer.size:
            break
        ends, length = longer, length + 1
    return int(ends[-1]) + 1, length


def _latest(others: Iterable[IntArray]) -> list[IntArray]:
    """The last of the texts, up to a bound, each with a gap after it."""
    kept: list[IntArray] = []
    room = _MOST_OTHERS
    for text in reversed(list(others)):
        kept += [_GAP, text[-room:] if room else text[:0]]
        room = max(0, room - len(text))
    return kept[::-1]
