"""Edits as people make them: a statement inserted, a line deleted, a variable renamed in its function.

Knows text and where units begin; no models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

Kind = Literal["insert", "delete", "rename"]
KINDS: tuple[Kind, ...] = ("insert", "delete", "rename")
_ASSIGNMENT = re.compile(rb"^([ \t]+)([a-z_]\w*) = [^\n]*[^\\(\[{,\n]\n", re.MULTILINE)


def assignment_before(text: bytes, offset: int) -> re.Match[bytes] | None:
    """The last indented assignment that ends before byte `offset`: code that can be edited."""
    found = list(_ASSIGNMENT.finditer(text, max(0, offset - 8000), offset))
    return found[-1] if found else None


def edit(text: bytes, place: re.Match[bytes], kind: Kind, units: Sequence[int]) -> bytes:
    """The text after an edit at an assignment of it; `units`: the first bytes of its units, ascending."""
    return _EDITS[kind](text, place, units)


def _insert(text: bytes, place: re.Match[bytes], units: Sequence[int]) -> bytes:
    return text[: place.end()] + place[1] + b"checked = True\n" + text[place.end() :]


def _delete(text: bytes, place: re.Match[bytes], units: Sequence[int]) -> bytes:
    return text[: place.start()] + text[place.end() :]


def _rename(text: bytes, place: re.Match[bytes], units: Sequence[int]) -> bytes:
    start = max(unit for unit in units if unit <= place.start(2))
    end = min([unit for unit in units if unit > place.start(2)], default=len(text))
    word = re.compile(rb"(?<![\w.])" + re.escape(place[2]) + rb"\b")
    return text[:start] + word.sub(place[2] + b"_new", text[start:end]) + text[end:]


_EDITS: dict[Kind, Callable[[bytes, re.Match[bytes], Sequence[int]], bytes]] = {
    "insert": _insert,
    "delete": _delete,
    "rename": _rename,
}
