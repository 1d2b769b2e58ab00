"""Cuts a text into pieces, each parsed by itself: at the lines that begin a definition of a module or of a class.

Why not one tree for the file. tree-sitter's error recovery depends on the tree it starts from: where there is an
error, parsing again after an edit does not always give the tree that parsing afresh does (about one edit in 5,000 of
random ones), and a text under the cursor is wrong at every second keystroke. A wrong piece is parsed afresh, which
costs the length of a method and not of the file; and an open bracket in one function cannot swallow the next.
In text without errors the pieces' trees are the whole text's, cut between statements.

A border is where a definition begins outside strings, in the first column or in the column of the members of a class
that is itself such a definition, with its decorators and the comment lines directly above; and where a line is
indented no deeper than the class around the lines before, which ends it. The scanner goes left to right and takes
nothing along from border to border but the classes around (their columns and names), so whether a place is a border
depends on those, on the text from the border before to the end of its own line, and on nothing else. Brackets do not
count: an open one must not reach the next definition. Knows no trees and no tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirope_ls.text import Edit

Ints = NDArray[np.int64]

Scanner = re.Pattern[bytes] | None

_TAB = 8  # columns, as the grammar counts them
_OPEN, _CLOSED = re.compile(rb"[(\[{]"), re.compile(rb"[)\]}]")


class Enclosing(NamedTuple):
    """A class around a border: the columns in which it and its members begin, and its own name, "" if it has none."""

    column: int
    inner: int
    name: str


Classes = tuple[Enclosing, ...]  # from the outside in


class Border(NamedTuple):
    """Where a piece starts, and the classes around it."""

    start: int
    classes: Classes


def borders(scanner: Scanner, data: bytes) -> list[Border]:
    """Where the pieces of `data` start: 0 and the borders; none for an empty text."""
    first = Border(0, ())
    return [first, *_Scan(scanner, data, first)] if data else []


def borders_after(
    scanner: Scanner, starts: Ints, classes: Sequence[Classes], edit: Edit, new_data: bytes
) -> tuple[int, list[Border], int]:
    """The borders after an edit, as (keep, middle, resume): the first `keep` old ones, `middle`, and those from
    `resume` on moved.

    `starts` int64[borders] and `classes` are the borders before the edit. Scans from the last one that was decided
    before the edit to the first one behind the edit that was one before, in the same classes.
    """
    keep = int(np.searchsorted(starts, edit.start, side="right"))
    if keep and not _settled(scanner, new_data, int(starts[keep - 1]), edit.start):
        keep -= 1  # the border before that one was decided before this one's
    if keep == 1 or not new_data:
        keep = 0
    resume = int(np.searchsorted(starts, edit.old_end))
    first = Border(int(starts[keep - 1]), classes[keep - 1]) if keep else Border(0, ())
    middle = [first] if keep == 0 and new_data else []
    for border in _Scan(scanner, new_data, first):
        before = border.start - edit.delta
        while resume < len(starts) and starts[resume] < before:
            resume += 1
        if resume < len(starts) and starts[resume] == before and classes[resume] == border.classes:
            return keep, middle, resume
        middle.append(border)
    return keep, middle, len(starts)


def _settled(scanner: Scanner, data: bytes, start: int, edit_start: int) -> bool:
    """Whether what makes `start` a border, its comments and its first word, lies before the edit, not touching it."""
    for match in scanner.finditer(data, start, edit_start) if scanner else ():
        if match.lastgroup == "other":  # may be the beginning of a keyword that the edit breaks
            return data.find(b"\n", match.end(), edit_start) >= 0
        if match.lastgroup != "comment":
            return match.end() < edit_start
    return False


class _Class:
    """A class whose body is being read; `inner` is None until its first line has told the members' column."""

    __slots__ = ("column", "depth", "inner", "name", "seen")

    def __init__(self, column: int, inner: int | None, name: str, seen: int = 0) -> None:
        self.column, self.inner, self.name = column, inner, name
        self.depth, self.seen = 0, seen  # brackets of the header that are open at byte `seen`


class _Scan:
    """The borders of `data` after `first`, in order; `first` must be 0 or a border itself."""

    def __init__(self, scanner: Scanner, data: bytes, first: Border) -> None:
        self.scanner, self.data, self.first = scanner, data, first.start
        self.classes = [_Class(*outer) for outer in first.classes]
        self.glued = -1  # the column of a decorator that waits for its definition

    def __iter__(self) -> Iterator[Border]:
        run: list[tuple[int, int]] = []  # the comment lines directly above: where they start, and in which column
        below = self.first  # where the line under them starts
        for match in self.scanner.finditer(self.data, self.first) if self.scanner else ():
            kind = match.lastgroup
            if self.classes and self.classes[-1].inner is None:
                self._read_header(self.classes[-1], match)
            if kind == "comment":
                if below != match.start():
                    run.clear()
                run.append((match.start(), _column(_blanks(match["comment"]))))
                below = match.end()
            elif kind != "skip" and self._divides(match, kind):
                start = match.start()
                if below == start:  # comments that are indented deeper belong to what is above
                    column = _column(match["indent"])
                    start = next((at for at, indented in run if indented <= column), start)
                if start > self.first:
                    yield Border(start, tuple(Enclosing(c.column, c.inner or 0, c.name) for c in self.classes))
            if kind == "opener":
                self._open(match)

    def _divides(self, match: re.Match[bytes], kind: str | None) -> bool:
        """Whether a line that begins with `match` begins a piece; leaves the classes that it ends."""
        column = _column(match["indent"])
        ended = self._leave(column, match.start(), kind == "other")
        innermost = self.classes[-1] if self.classes else None
        if innermost is not None and innermost.inner is None and column > innermost.column:
            innermost.inner = column if kind != "other" or innermost.depth <= 0 else None
        glued = self.glued
        if kind == "other":
            if column <= glued:
                self.glued = -1
            return ended
        if column > (innermost.inner or 0 if innermost else 0):
            return False  # deeper: part of a member
        self.glued = column if kind == "glue" else -1
        return ended or glued != column

    def _leave(self, column: int, line: int, other: bool) -> bool:
        """Whether a line in `column` ends classes. A line joined to the one before ends none but by a definition."""
        before = len(self.classes)
        if before and column <= self.classes[-1].column and not (other and _is_joined(self.data, line)):
            while self.classes and column <= self.classes[-1].column:
                self.classes.pop()
        return len(self.classes) < before

    def _open(self, match: re.Match[bytes]) -> None:
        column = _column(match["indent"])
        inner = self.classes[-1].inner if self.classes else 0
        if inner is not None and column <= inner:
            name = (match["name"] or b"").decode(errors="ignore")
            self.classes.append(_Class(column, None, name, match.end()))

    def _read_header(self, innermost: _Class, match: re.Match[bytes]) -> None:
        between = self.data[innermost.seen : match.start()]
        innermost.depth += len(_OPEN.findall(between)) - len(_CLOSED.findall(between))
        innermost.seen = match.end()


def _column(indent: bytes) -> int:
    if b"\t" not in indent and b"\f" not in indent:
        return len(indent)
    indent = indent[indent.rfind(b"\f") + 1 :]
    return len(indent) + (_TAB - 1) * indent.count(b"\t")


def _is_joined(data: bytes, line: int) -> bool:
    return data[max(line - 2, 0) : line] == b"\\\n" or data[max(line - 3, 0) : line] == b"\\\r\n"


def _blanks(line: bytes) -> bytes:
    return line[: len(line) - len(line.lstrip(b" \t\f"))]
