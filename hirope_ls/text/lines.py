"""Where lines start, kept up to date without rescanning the file. Line ends: `\\n`, `\\r\\n`, `\\r`, no others.

Whether a line starts at offset s depends on the two bytes around s alone, so an edit of the bytes a..b can
only change the starts in a..b: all others stay or move by a constant. The starts are kept in runs of a few
hundred with one base each, so that moving the rest of a long file touches one number per run.
Knows bytes, not characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from hirope_ls.text.edit import Edit

_LINE_END = re.compile(rb"\r\n?|\n")
_RUN = 512


@dataclass(frozen=True, slots=True)
class LineTable:
    """Line starts of one text: run r holds the starts `bases[r] + x for x in runs[r]`, from line `firsts[r]` on."""

    bases: tuple[int, ...]
    firsts: tuple[int, ...]
    runs: tuple[tuple[int, ...], ...]
    count: int

    @classmethod
    def of(cls, data: bytes) -> LineTable:
        """The table of `data`, made from nothing in linear time."""
        return cls._join([], _cut([0, *(match.end() for match in _LINE_END.finditer(data))]), [])

    def start(self, line: int) -> int:
        """Byte offset of the first byte of `line`, which must be in 0..count-1."""
        run = bisect_right(self.firsts, line) - 1
        return self.bases[run] + self.runs[run][line - self.firsts[run]]

    def line_of(self, offset: int) -> int:
        """The line that the byte at `offset` is on (terminators belong to the line they end)."""
        run = bisect_right(self.bases, offset) - 1
        return self.firsts[run] + bisect_right(self.runs[run], offset - self.bases[run]) - 1

    def apply(self, edit: Edit, new_data: bytes) -> LineTable:
        """The table of `new_data`, which is this table's text after `edit`. Costs one run, not the file."""
        delta = edit.delta
        low = max(bisect_right(self.bases, edit.start - 1) - 1, 0)
        high = bisect_right(self.bases, edit.old_end)
        kept = [base + x for base, run in zip(self.bases[low:high], self.runs[low:high], strict=True) for x in run]
        first_changed = bisect_right(kept, edit.start - 1)
        if first_changed == 0:  # offset 0 is always the start of a line
            first_changed = 1
        after = bisect_right(kept, edit.old_end)
        middle = kept[:first_changed]
        middle += _starts_between(new_data, max(edit.start, 1), edit.new_end)
        middle += [start + delta for start in kept[after:]]
        if len(middle) < _RUN // 4 and high < len(self.runs):  # no crumbs: join the next run
            middle += [self.bases[high] + delta + x for x in self.runs[high]]
            high += 1
        head = list(zip(self.bases[:low], self.runs[:low], strict=True))
        tail = [(base + delta, run) for base, run in zip(self.bases[high:], self.runs[high:], strict=True)]
        return self._join(head, _cut(middle), tail)

    def starts(self) -> list[int]:
        """All line starts, in order."""
        return [base + x for base, run in zip(self.bases, self.runs, strict=True) for x in run]

    @classmethod
    def _join(cls, *parts: Sequence[tuple[int, tuple[int, ...]]]) -> LineTable:
        pieces = [piece for part in parts for piece in part]
        ends = list(accumulate(len(run) for _, run in pieces))
        firsts = (0, *ends[:-1])
        return cls(tuple(base for base, _ in pieces), firsts, tuple(run for _, run in pieces), ends[-1])


def _starts_between(data: bytes, low: int, high: int) -> list[int]:
    """The line starts s of `data` with low <= s <= high, for low >= 1."""
    # One byte more on each side: the terminator before `low`, and the \n that would make a \r no end of its own.
    ends = (match.end() for match in _LINE_END.finditer(data, low - 1, high + 1))
    return [end for end in ends if end <= high]


def _cut(starts: list[int]) -> list[tuple[int, tuple[int, ...]]]:
    """`starts` in runs of at most `_RUN`, each with its base; even ones, so that typing lines cuts off no crumbs."""
    count = -(-len(starts) // _RUN)
    pieces = []
    for piece in range(count):
        run = starts[len(starts) * piece // count : len(starts) * (piece + 1) // count]
        pieces.append((run[0], tuple(start - run[0] for start in run)))
    return pieces
