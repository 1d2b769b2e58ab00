"""Lines of code that a model can be asked to write: which there are in a file, and which of them to take.

Left out are blank lines, those with a comment, text inside strings, imports, and what is too short to tell anything.
Knows one file at a time; no models.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.lab.eval.neighbours import import_spans
from hirope_ls.lab.eval.sources import Source

SHORTEST = 3  # tokens of a line
STRETCH = 300  # tokens of a file in which the lines taken from it lie

_STRING, _INSIDE, _COMMENT = 1, 2, 3  # first byte of a string; inside of one, or an import; a comment


@dataclass(frozen=True)
class Line:
    """A line of code: its number in the file from 1 on, the token that it begins with, its text without blanks around.

    That token may hold the blanks in front of the code, or the last of them, but nothing of the line before.
    """

    number: int
    first: int
    text: str


def code_lines(source: Source) -> Iterator[Line]:
    """The lines of `source` that are code, at least SHORTEST tokens long, and begin with a token of their own."""
    ends = source.tokens.ends
    for number, begin, code, end in code_spans(source):
        first = source.tokens.before(code)
        num_tokens = int(np.searchsorted(ends, end)) + 1 - first
        if num_tokens >= SHORTEST and (ends[first - 1] if first else 0) >= begin:
            yield Line(number, first, source.data[code:end].decode())


def code_spans(source: Source) -> Iterator[tuple[int, int, int, int]]:
    """The lines of `source` that are code: number, and in bytes where line, code and the blanks after it begin."""
    marks, start = _marks(source), 0
    for number, line in enumerate(source.data.splitlines(keepends=True), 1):
        text, begin = line.strip(), start
        code = start + len(line) - len(line.lstrip())
        end = code + len(text)
        start += len(line)
        if text and _is_code(np.frombuffer(text, np.uint8), marks[code:end]):
            yield number, begin, code, end


def _is_code(text: NDArray[np.uint8], marks: NDArray[np.uint8]) -> bool:
    """Whether a line with these marks is to be asked for: words outside strings, and not a word of prose."""
    if marks[0] >= _INSIDE or marks.max() == _COMMENT:
        return False
    return re.search(rb"\w", text[marks == 0].tobytes()) is not None


def _marks(source: Source) -> NDArray[np.uint8]:
    """uint8[bytes]: 0 for code, else one of the marks above."""
    marks = np.zeros(len(source.data), np.uint8)
    language = source.parse.language
    for match in language.scanner.finditer(source.data) if language and language.scanner else ():
        start, end = match.span()
        if match.lastgroup == "comment" or (match.lastgroup == "skip" and match[0].startswith(b"#")):
            marks[start:end] = _COMMENT
        elif match.lastgroup == "skip":
            marks[start], marks[start + 1 : end] = _STRING, _INSIDE
    for start, end in import_spans(source):
        marks[start:end] = _INSIDE
    return marks


def chosen(lines: Sequence[Line], num: int, rng: random.Random, stretch: int = STRETCH) -> list[Line]:
    """Up to `num` of `lines` in their order, near each other: so each sees much the same text from afar."""
    if not lines:
        return []
    middle = rng.choice(lines).first
    near = [line for line in lines if abs(line.first - middle) <= stretch // 2]
    return sorted(rng.sample(near, min(num, len(near))), key=lambda line: line.first)
