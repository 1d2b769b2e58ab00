"""Which units the text near the cursor speaks of: those that define a name it uses. For `hirope.mentions`.

A word counts from the token on in which it ends, and where tokens end inside a word, so do its beginnings: what a
token mentions depends on the text up to it alone, so cached rows stay right, and generated text is heard as it comes.
Of several definitions the nearest ones before the token are meant. Knows bytes, names and unit numbers; no trees.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

MOST = 2  # definitions of one name that a word can mean
_SHORTEST = 3  # bytes of a name that says something
_WORD = re.compile(rb"(?<![\w\x80-\xff])[A-Za-z_\x80-\xff][\w\x80-\xff]*+")
_UNFINISHED = re.compile(rb"[\w\x80-\xff]*\Z")
_LONGEST = 200  # bytes of a word that are looked at
NONE = np.empty((2, 0), np.int32)


@dataclass(frozen=True)
class Definers:
    """For each name the units that define it, ascending."""

    units: Mapping[bytes, Sequence[int]]

    @classmethod
    def of(cls, defined: Iterable[tuple[str, int]]) -> Definers:
        """From (name, unit) pairs in the order of units; short names and `__special__` ones are left out."""
        units: dict[bytes, list[int]] = {}
        for name, unit in defined:
            if len(name) >= _SHORTEST and not (name.startswith("__") and name.endswith("__")):
                known = units.setdefault(name.encode(), [])
                if not known or known[-1] != unit:
                    known.append(unit)
        return cls(units)

    def mentions(
        self, pieces: Sequence[bytes], units: Sequence[int], first: int, tail: bytes = b""
    ) -> NDArray[np.int32]:
        """int32[2, m], (token, unit) ascending, of tokens with these bytes in these units; the first is number `first`.

        `tail`: the unfinished word before them.
        """
        if not self.units:
            return NONE
        text, ends = tail + b"".join(pieces), list(accumulate(map(len, pieces), initial=len(tail)))[1:]
        pairs: set[tuple[int, int]] = set()
        for word in _WORD.finditer(text):
            begin, end = word.span()
            token = bisect_right(ends, max(begin, len(tail)))  # where the word begins, then where it goes on
            while token < len(pieces) and ends[token] - len(pieces[token]) < end:
                spoken = self._meant(text[begin : min(end, ends[token])], units[token]) if pieces[token] else ()
                pairs.update((first + token, unit) for unit in spoken)
                token += 1
        return np.array(sorted(pairs), np.int32).T if pairs else NONE

    def heard(self, tail: bytes, piece: bytes, unit: int) -> list[int]:
        """The units that a token of the unit `unit` mentions, ascending, after the unfinished word `tail`."""
        return [int(spoken) for spoken in self.mentions([piece], [unit], 0, tail)[1]]

    def _meant(self, name: bytes, unit: int) -> Sequence[int]:
        """The units that a name means in the unit `unit`."""
        known = self.units.get(name)
        if known is None:
            return ()
        end = bisect_left(known, unit)
        return known[max(end - MOST, 0) : end]


def unfinished(text: bytes) -> bytes:
    """The word at the end of `text` that may go on, "" if there is none."""
    found = _UNFINISHED.search(text[-_LONGEST:])
    return found.group() if found else b""
