"""Files and places in them, as people type them: FILE:LINE:COLUMN, counted from 1, columns in characters.

Every refusal is an InputError that says what is wrong with which file. Knows no models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hirope_ls.problems import InputError
from hirope_ls.text.buffer import Buffer
from hirope_ls.text.encoding import Encoding

MAX_BYTES = 5_000_000
"""Larger files get no completions, in an editor neither."""

_PLACE = re.compile(r"(.+):(\d{1,9}):(\d{1,9})", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """A file and a place in it; line and column count from 1, columns in characters."""

    path: Path
    line: int
    column: int


def parse_place(text: str) -> Place:
    """The place that FILE:LINE:COLUMN means. Raises InputError."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise InputError(f"give the place as FILE:LINE:COLUMN, like app.py:12:5, not {shown(text)}")
    line, column = int(found[2]), int(found[3])
    if not line or not column:
        raise InputError(f"lines and columns are counted from 1, not from 0 as in {shown(text)}")
    return Place(Path(found[1]), line, column)


def read_source(path: Path) -> Buffer:
    """The text of a source file. Raises InputError for what is missing, unreadable, binary, not UTF-8 or too large."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError(f"{shown(path)} is a folder, not a file")
        if not path.is_file():
            raise InputError(f"{shown(path)} is not a regular file")
        if size > MAX_BYTES:
            raise InputError(f"{shown(path)} has {size:,} bytes; files over {MAX_BYTES:,} are not completed")
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no file {shown(path)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{shown(path)} cannot be read: {reason}") from None
    if (at := data.find(b"\0")) >= 0:
        raise InputError(f"{shown(path)} is a binary file: there is a NUL at byte {at}")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = f"byte 0x{data[error.start]:02x} in line {line}"
        raise InputError(f"{shown(path)} is not UTF-8 ({wrong}): save it as UTF-8 first") from None
    return Buffer.of(data)


def offset_at(buffer: Buffer, place: Place) -> int:
    """The byte offset of a place. Raises InputError, with how far the text goes, for one that is past it."""
    if place.line > buffer.line_count:
        last = f"its last line is {buffer.line_count}"
        raise InputError(f"{shown(place.path)} has no line {place.line}: {last}")
    start, end = buffer.line_span(place.line - 1)
    length = len(buffer.data[start:end].decode())
    if place.column > length + 1:
        has = f"has {length} character{'' if length == 1 else 's'}"
        raise InputError(f"line {place.line} of {shown(place.path)} {has}: its last column is {length + 1}")
    return buffer.offset(place.line - 1, place.column - 1, Encoding.UTF32)


def line_column(buffer: Buffer, offset: int) -> tuple[int, int]:
    """Line and column of a byte offset, both from 1."""
    line, character = buffer.position(offset, Encoding.UTF32)
    return line + 1, character + 1


def shown(name: object) -> str:
    """A name given by the user, safe to print in one line."""
    text = str(name).encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text) or "''"
