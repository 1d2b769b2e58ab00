"""Other words for the rare words of a text: what is left to learn is to look names up, not to remember them.

A small model that has read few projects remembers their names and expects them everywhere, where a stranger's file has
names of its own. In a renamed text each rare word is another one, the same throughout the text and in each spelling,
`node_count` and `NodeCount` alike, so that only the text itself can tell what comes next.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable

from hirope_ls.lab.train.corpus import SourceFile

_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z])")
_RARE = 0.004  # of all files; `node` is in more of them, `hamiltonian` in fewer
_FEWEST = 3  # files a word must stand in to be taken for another
_KEPT = 0.2  # of a text's rare words stay


class Renamer:
    """Knows which words are rare in a corpus."""

    def __init__(self, files: Iterable[SourceFile]) -> None:
        counts = Counter[str]()
        num_files = 0
        for file in files:
            num_files += 1
            counts.update({word.lower() for word in _WORD.findall(file.text)})
        most = max(_FEWEST, int(_RARE * num_files))
        self._common = frozenset(word for word, count in counts.items() if count > most)
        self._pool = sorted(word for word, count in counts.items() if _FEWEST <= count <= most)

    def renamed(self, text: str, rng: random.Random) -> str:
        """The text with other rare words, drawn by `rng`."""
        if not self._pool:
            return text
        others: dict[str, str] = {}

        def other(match: re.Match[str]) -> str:
            word = match[0]
            lower = word.lower()
            if lower in self._common:
                return word
            if lower not in others:
                others[lower] = lower if rng.random() < _KEPT else rng.choice(self._pool)
            return _spelled_as(word, others[lower])

        return _WORD.sub(other, text)


def _spelled_as(word: str, other: str) -> str:
    if word.islower():
        return other
    return other.upper() if word.isupper() else other.capitalize()
