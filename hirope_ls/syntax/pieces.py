"""Cuts a text into pieces, each parsed by itself: at the lines that begin a definition in the first column.

Why not one tree for the file. tree-sitter's error recovery depends on the tree it starts from: where there is an
error, parsing again after an edit does not always give the tree that parsing afresh does (about one edit in 5,000 of
random ones), and a text under the cursor is wrong at every second keystroke. A wrong piece is parsed afresh, which
costs the length of a function and not of the file; and an open bracket in one function cannot swallow the next.
In text without errors the pieces' trees are the whole text's, cut between top-level statements.

A border is where a definition begins in the first column, outside strings, with its decorators and the comment lines
directly above. The scanner goes left to right and forgets everything at a border, so whether a place is one depends on
the text from the border before to the end of its own line, and on nothing else. Knows no trees and no tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from hirope_ls.text import Edit

Scanner = re.Pattern[bytes] | None


def piece_starts(scanner: Scanner, data: bytes) -> list[int]:
    """Where the pieces of `data` start: 0 and the borders; none for an empty text."""
    return [0, *_borders(scanner, data, 0)] if data else []


def starts_after(scanner: Scanner, old: Sequence[int], edit: Edit, new_data: bytes) -> tuple[int, list[int], int]:
    """The piece starts after an edit, as (keep, middle, resume): old[:keep], `middle`, then old[resume:] moved.

    `old` are the piece starts before the edit. Scans from the last border that was decided before the edit to the
    first border behind the edit that was one before.
    """
    keep = bisect_right(old, edit.start)
    if keep and not _settled(scanner, new_data, old[keep - 1], edit.start):
        keep -= 1  # the border before that one was decided before this one's
    if keep == 1 or not new_data:
        keep = 0
    resume = bisect_left(old, edit.old_end)
    middle = [0] if keep == 0 and new_data else []
    for border in _borders(scanner, new_data, old[keep - 1] if keep else 0):
        resume = bisect_left(old, border - edit.delta, lo=resume)
        if resume < len(old) and old[resume] == border - edit.delta:
            return keep, middle, resume
        middle.append(border)
    return keep, middle, len(old)


def _settled(scanner: Scanner, data: bytes, start: int, edit_start: int) -> bool:
    """Whether what makes `start` a border, its comments and its anchor, lies before the edit and does not touch it."""
    for match in scanner.finditer(data, start, edit_start) if scanner else ():
        if match.lastgroup in ("glue", "anchor"):
            return match.end() < edit_start
        if match.lastgroup != "comment":
            return False
    return False


def _borders(scanner: Scanner, data: bytes, start: int) -> Iterator[int]:
    """The borders of `data` after `start`, in order; `start` must be 0 or a border itself."""
    comments = (start, start)  # the run of comment lines that ends here
    glued = False  # a decorator waits for its definition
    for match in scanner.finditer(data, start) if scanner else ():
        kind = match.lastgroup
        if kind == "comment":
            comments = (comments[0] if comments[1] == match.start() else match.start(), match.end())
        elif kind in ("glue", "anchor"):
            border = comments[0] if comments[1] == match.start() else match.start()
            if not glued and border > start:
                yield border
            glued = kind == "glue"
        elif kind == "other":
            glued = False
