"""Which texts are too long or too odd to be parsed: large, minified, or hardly any letters.

The counts behind the answer are kept up to date by the lines an edit touches. A character is a Unicode character; a
letter is an ASCII letter or digit or any character that is not ASCII. Knows no languages and no trees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hirope_ls.text import Buffer, Edit

LARGEST_PARSED = 1_000_000  # bytes
LARGEST_SERVED = 5_000_000  # bytes
_LONGEST_LINE = 20_000  # characters
_MINIFIED_LINE, _MINIFIED_MEAN = 300, 150  # characters
_FEWEST_LETTERS = 0.25
_TELLING = 4_096  # characters that are needed to tell that a text is odd

_LONG = re.compile(rb"[^\r\n]{%d,}" % (_MINIFIED_LINE + 1))
_CONTINUATION = bytes(range(0x80, 0xC0))
_LETTERS = bytes(byte for byte in range(256) if byte >= 0xC0 or (byte < 0x80 and chr(byte).isalnum()))


@dataclass(frozen=True, slots=True)
class Shape:
    """Counts over one text: characters, letters, lines of more than 300 and of more than 20,000 characters."""

    characters: int
    letters: int
    long_lines: int
    huge_lines: int

    @classmethod
    def of(cls, buffer: Buffer) -> Shape:
        """The counts of a text, made from nothing in linear time."""
        return _count(buffer.data)

    def apply(self, old: Buffer, edit: Edit, new: Buffer) -> Shape:
        """The counts of `new`, which is `old`, the text of this shape, after `edit`."""
        # Whole lines in both texts: no start of a line outside edit.start..old_end can be changed by the edit.
        low = old.line_start(old.line_of(edit.start - 1))
        after = old.line_of(edit.old_end) + 1
        high = old.line_start(after) if after < old.line_count else len(old.data)
        gone, come = _count(old.data[low:high]), _count(new.data[low : high + edit.delta])
        return Shape(
            self.characters - gone.characters + come.characters,
            self.letters - gone.letters + come.letters,
            self.long_lines - gone.long_lines + come.long_lines,
            self.huge_lines - gone.huge_lines + come.huge_lines,
        )

    def flat(self, buffer: Buffer) -> bool:
        """Whether `buffer`, the text of this shape, should not be parsed."""
        if len(buffer.data) > LARGEST_PARSED or self.huge_lines:
            return True
        if self.characters < _TELLING:
            return False
        minified = self.long_lines > 0 and self.characters > _MINIFIED_MEAN * buffer.line_count
        return minified or self.letters < _FEWEST_LETTERS * self.characters


def _count(data: bytes) -> Shape:
    lengths = [_characters(match[0]) for match in _LONG.finditer(data)]
    return Shape(
        characters=_characters(data),
        letters=len(data) - len(data.translate(None, _LETTERS)),
        long_lines=sum(length > _MINIFIED_LINE for length in lengths),
        huge_lines=sum(length > _LONGEST_LINE for length in lengths),
    )


def _characters(data: bytes) -> int:
    return len(data) if data.isascii() else len(data.translate(None, _CONTINUATION))
