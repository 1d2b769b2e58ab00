"""A frozen text with its lines: from LSP positions to byte offsets and back, and one edit at a time.

Follows LSP 3.17, "Position" and "Text Documents". The text is held as UTF-8; every offset is in bytes of it.
Knows no documents, versions or languages.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hirope_ls.problems import InputError
from hirope_ls.text.edit import Edit
from hirope_ls.text.encoding import Encoding, bytes_before, character_start, units_in
from hirope_ls.text.lines import LineTable


class InvalidText(InputError):
    """Text that is not Unicode: bytes that are not UTF-8, or a lone surrogate."""


class InvalidChange(InputError):
    """A change that no editor can mean: a reversed range, a negative position, half a character."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """One state of a text. Equal data means equal buffers."""

    data: bytes
    lines: LineTable = field(compare=False, repr=False)

    @classmethod
    def of(cls, text: str | bytes) -> Buffer:
        """A buffer made from nothing. Raises InvalidText for what is not Unicode."""
        data = utf8(text)
        return cls(data, LineTable.of(data))

    @property
    def text(self) -> str:
        """The whole text."""
        return self.data.decode()

    @property
    def line_count(self) -> int:
        """Lines, at least one: a terminator at the end of the text is followed by an empty last line."""
        return self.lines.count

    def apply(self, edit: Edit) -> Buffer:
        """The buffer after `edit`. Raises InvalidChange if the edit leaves the text or cuts a character in two."""
        if not 0 <= edit.start <= edit.old_end <= len(self.data):
            raise InvalidChange(f"the edit {edit.start}..{edit.old_end} is outside a text of {len(self.data)} bytes")
        for offset in (edit.start, edit.old_end):
            if character_start(self.data, offset) != offset:
                raise InvalidChange(f"the edit at byte {offset} would cut a character in two")
        utf8(edit.new)
        data = edit.apply(self.data)
        return Buffer(data, self.lines.apply(edit, data))

    def line_start(self, line: int) -> int:
        """Byte offset where `line` (0 .. line_count - 1) starts. Raises IndexError outside."""
        if not 0 <= line < self.lines.count:
            raise IndexError(f"line {line} of {self.lines.count}")
        return self.lines.start(line)

    def line_span(self, line: int) -> tuple[int, int]:
        """Start and end of `line` in bytes, without its terminator. Raises IndexError outside."""
        start = self.line_start(line)
        if line + 1 == self.lines.count:
            return start, len(self.data)
        end = self.lines.start(line + 1) - 1
        if end > start and self.data[end - 1 : end + 1] == b"\r\n":
            end -= 1
        return start, end

    def line_of(self, offset: int) -> int:
        """The line that the byte at `offset` is on; a terminator is on the line it ends; clamped to the text."""
        return self.lines.line_of(max(offset, 0))

    def offset(self, line: int, character: int, encoding: Encoding) -> int:
        """Byte offset of an LSP position.

        Past the end of a line: the end of its content. Past the last line: the end of the text. Inside a
        character (a surrogate pair, a UTF-8 sequence): its start. Raises InvalidChange if negative.
        """
        if line < 0 or character < 0:
            raise InvalidChange(f"a position may not be negative: {line}:{character}")
        if line >= self.lines.count:
            return len(self.data)
        start, end = self.line_span(line)
        if encoding is Encoding.UTF8:
            return character_start(self.data, min(start + character, end))
        # No character takes more than four bytes, so that far is far enough: long lines are not copied whole.
        reach = character_start(self.data, min(start + 4 * character, end))
        return start + bytes_before(self.data[start:reach], character, encoding)

    def position(self, offset: int, encoding: Encoding) -> tuple[int, int]:
        """The LSP position (line, character) of a byte offset.

        Clamped to the text; inside a character: its start; between `\\r` and `\\n`: the end of the line's content.
        """
        at = character_start(self.data, min(max(offset, 0), len(self.data)))
        line = self.lines.line_of(at)
        start, end = self.line_span(line)
        return line, units_in(self.data[start : min(at, end)], encoding)

    def point(self, offset: int) -> tuple[int, int]:
        """(row, column in bytes) as tree-sitter counts: rows end at `\\n` only, so a lone `\\r` ends none."""
        return self.data.count(b"\n", 0, offset), offset - (self.data.rfind(b"\n", 0, offset) + 1)


def edit_for_change(
    buffer: Buffer, start: tuple[int, int] | None, end: tuple[int, int] | None, text: str, encoding: Encoding
) -> Edit:
    """The byte edit of one LSP content change: the range start..end becomes `text`; no range: the whole text does.

    Raises InvalidChange for a reversed range or a negative position, InvalidText for a lone surrogate.
    """
    new = utf8(text)
    if start is None or end is None:
        if start is not end:
            raise InvalidChange("a change has a start without an end, or an end without a start")
        return Edit(0, len(buffer.data), new)
    if start > end:
        raise InvalidChange(f"a reversed range: {start[0]}:{start[1]} .. {end[0]}:{end[1]}")
    return Edit(buffer.offset(*start, encoding), buffer.offset(*end, encoding), new)


def utf8(text: str | bytes) -> bytes:
    """`text` as checked UTF-8. Raises InvalidText."""
    try:
        if isinstance(text, str):
            return text.encode()
        if not text.isascii():
            text.decode()
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        raise InvalidText(f"the text is not valid Unicode: {error.reason} at {error.start}") from None
    return text
