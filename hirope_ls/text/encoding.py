"""The three position encodings of LSP 3.17 and how to count characters in them.

Knows single lines of valid UTF-8, not files and not line ends.
"""

from __future__ import annotations

from enum import StrEnum


class Encoding(StrEnum):
    """What one `character` of an LSP position counts; the values are LSP's `PositionEncodingKind`."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


def units_in(line: bytes, encoding: Encoding) -> int:
    """Code units of `encoding` that the valid UTF-8 bytes `line` take."""
    if encoding is Encoding.UTF8 or line.isascii():
        return len(line)
    text = line.decode()
    return len(text) if encoding is Encoding.UTF32 else len(text.encode("utf-16-le")) // 2


def bytes_before(line: bytes, units: int, encoding: Encoding) -> int:
    """Bytes of `line` (valid UTF-8) before its code unit number `units`.

    Past the end gives the whole length. A place inside a character gives the start of that character.
    """
    if encoding is Encoding.UTF8:
        return character_start(line, min(units, len(line)))
    if line.isascii():
        return min(units, len(line))
    text = line.decode()
    if encoding is Encoding.UTF32:
        return len(text[:units].encode())
    # A high surrogate left without its partner is exactly what "ignore" drops, so the place inside a pair moves left.
    return len(text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore").encode())


def character_start(data: bytes, offset: int) -> int:
    """The start of the character of `data` (valid UTF-8) that holds the byte at `offset`; the end stays the end."""
    while 0 < offset < len(data) and data[offset] & 0xC0 == 0x80:
        offset -= 1
    return offset
