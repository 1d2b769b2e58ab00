"""Where lines start, kept up to date without rescanning the file. Line ends: `\\n`, `\\r\\n`, `\\r`, no others.

Whether a line starts at offset s depends on the two bytes around s alone, so an edit of the bytes a..b can
only change the starts in a..b: all others stay or move by a constant. The starts are kept in runs of a few
hundred with one base each, so that moving the rest of a long file touches one number per run.
Knows bytes, not characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from hirope_ls.text.edit import Edit

_LINE_END = re.compile(rb"\r\n?|\n")
_RUN = 256


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
        starts = [0, *(match.end() for match in _LINE_END.finditer(data))]
        return cls((0,), (0,), ((0,),), 1)._with(0, 1, 0, starts, 0)

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
        base, last = self.bases[low], self.bases[high - 1]
        head, tail = self.runs[low], self.runs[high - 1]  # what stays of the runs in which the edit begins and ends
        head = head[: max(bisect_right(head, edit.start - 1 - base), 1)]  # offset 0 is always the start of a line
        tail = tail[bisect_right(tail, edit.old_end - last) :]
        new = _starts_between(new_data, max(edit.start, 1), edit.new_end)
        middle = [*head, *(start - base for start in new), *(last - base + delta + x for x in tail)]
        if len(middle) < _RUN // 4 and high < len(self.runs):  # no crumbs: join the next run
            middle += [self.bases[high] - base + delta + x for x in self.runs[high]]
            high += 1
        return self._with(low, high, base, middle, delta)

    def starts(self) -> list[int]:
        """All line starts, in order."""
        return [base + x for base, run in zip(self.bases, self.runs, strict=True) for x in run]

    def _with(self, low: int, high: int, base: int, middle: list[int], delta: int) -> LineTable:
        """This table with the starts `middle`, counted from `base`, for the runs low..high, and the rest moved."""
        runs = _cut(middle)
        more = len(middle) - sum(map(len, self.runs[low:high]))
        firsts = accumulate((len(run) for _, run in runs), initial=self.firsts[low])
        return LineTable(
            (*self.bases[:low], *(base + x for x, _ in runs), *(x + delta for x in self.bases[high:])),
            (*self.firsts[:low], *list(firsts)[:-1], *(first + more for first in self.firsts[high:])),
            (*self.runs[:low], *(run for _, run in runs), *self.runs[high:]),
            self.count + more,
        )


def _starts_between(data: bytes, low: int, high: int) -> list[int]:
    """The line starts s of `data` with low <= s <= high, for low >= 1."""
    # One byte more on each side: the terminator before `low`, and the \n that would make a \r no end of its own.
    ends = (match.end() for match in _LINE_END.finditer(data, low - 1, high + 1))
    return [end for end in ends if end <= high]


def _cut(starts: list[int]) -> list[tuple[int, tuple[int, ...]]]:
    """`starts` in even runs of at most twice `_RUN`, each with its base: so typing lines cuts off no crumbs."""
    count = -(-len(starts) // (2 * _RUN))
    if count == 1 and starts[0] == 0:
        return [(0, tuple(starts))]
    pieces = []
    for piece in range(count):
        run = starts[len(starts) * piece // count : len(starts) * (piece + 1) // count]
        pieces.append((run[0], tuple(start - run[0] for start in run)))
    return pieces
