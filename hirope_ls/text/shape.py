"""How a text looks from afar: is it code that somebody wrote, or minified, or hardly any letters?

The counts behind the answer are kept up to date by the lines an edit touches, in time linear in these. A character is a
Unicode character; a letter is an ASCII letter or digit or any character that is not ASCII. Knows no languages.
"""

from __future__ import annotations

from dataclasses import dataclass

from hirope_ls.text.buffer import Buffer
from hirope_ls.text.edit import Edit

_LONGEST_LINE = 20_000  # characters
_MINIFIED_LINE, _MINIFIED_MEAN = 300, 150  # characters
_FEWEST_LETTERS = 0.25
_TELLING = 4_096  # characters that are needed to tell that a text is odd

_CONTINUATION = bytes(range(0x80, 0xC0))
_LETTERS = bytes(byte for byte in range(256) if byte >= 0xC0 or (byte < 0x80 and chr(byte).isalnum()))


@dataclass(frozen=True, slots=True)
class Shape:
    """Counts over one text; long lines have more than 300 characters, huge ones more than 20,000."""

    characters: int
    letters: int
    line_ends: int
    long_lines: int
    huge_lines: int

    @classmethod
    def of(cls, data: bytes) -> Shape:
        """The counts of a text, made from nothing in linear time."""
        lines = data.splitlines()  # of bytes: at \n, \r and \r\n only
        lengths = [_characters(line) for line in lines if len(line) > _MINIFIED_LINE]
        return cls(
            characters=_characters(data),
            letters=len(data) - len(data.translate(None, _LETTERS)),
            line_ends=len(lines) - (not data.endswith((b"\n", b"\r"))) if data else 0,
            long_lines=sum(length > _MINIFIED_LINE for length in lengths),
            huge_lines=sum(length > _LONGEST_LINE for length in lengths),
        )

    def apply(self, old: Buffer, edit: Edit, new: Buffer) -> Shape:
        """The counts of `new`, which is `old`, the text of this shape, after `edit`."""
        # Whole lines in both texts: no start of a line outside edit.start..old_end can be changed by the edit.
        low = old.line_start(old.line_of(edit.start - 1))
        after = old.line_of(edit.old_end) + 1
        high = old.line_start(after) if after < old.line_count else len(old.data)
        gone, come = Shape.of(old.data[low:high]), Shape.of(new.data[low : high + edit.delta])
        return Shape(
            self.characters - gone.characters + come.characters,
            self.letters - gone.letters + come.letters,
            self.line_ends - gone.line_ends + come.line_ends,
            self.long_lines - gone.long_lines + come.long_lines,
            self.huge_lines - gone.huge_lines + come.huge_lines,
        )

    @property
    def odd(self) -> bool:
        """Whether the text is minified, or hardly any letters; a line beyond all measure is enough."""
        if self.huge_lines:
            return True
        if self.characters < _TELLING:
            return False
        minified = self.long_lines > 0 and self.characters > _MINIFIED_MEAN * (self.line_ends + 1)
        return minified or self.letters < _FEWEST_LETTERS * self.characters


def _characters(data: bytes) -> int:
    return len(data) if data.isascii() else len(data.translate(None, _CONTINUATION))
