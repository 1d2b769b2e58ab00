"""What is missing of a line, by how hard it is to say: how long it is, and whether its words stand above.

A line's kinds are two, one of each pair of questions. Knows text alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

LENGTHS = {8: "up to 8 characters", 24: "9 to 24 characters"}
_LONGER = "25 characters and more"
_ABOVE, _NEW = "words that all stand above", "a word that does not stand above"
KINDS = (*LENGTHS.values(), _LONGER, _ABOVE, _NEW)

_WORD = re.compile(r"\b[^\W\d]\w*")
_BEGUN = re.compile(r"\w*\Z")

Hits = dict[str, tuple[int, int]]
"""Of each kind that occurs: how many were right, of how many."""


def kinds(missing: str, before: str) -> tuple[str, str]:
    """Of the text `missing` after `before`, which may end within a word; blanks around it have no length."""
    size = len(missing.strip())
    long = next((told for most, told in LENGTHS.items() if size <= most), _LONGER)
    begun = _BEGUN.search(before) if re.match(r"\w", missing) else None  # a word that is not gone on with stands above
    start = begun.start() if begun else len(before)
    known = set(_WORD.findall(before[:start]))
    return long, _ABOVE if known.issuperset(_WORD.findall(before[start:] + missing)) else _NEW


def hits(answers: Iterable[tuple[str, str, bool]]) -> Hits:
    """Of (missing, before, whether the answer was right)."""
    asked, right = Counter[str](), Counter[str]()
    for missing, before, correct in answers:
        for kind in kinds(missing, before):
            asked[kind] += 1
            right[kind] += correct
    return {kind: (right[kind], asked[kind]) for kind in KINDS if asked[kind]}
