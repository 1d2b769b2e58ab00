"""Texts with a cursor: `$0` stands where the cursor is, as in `foo($0)`."""

from __future__ import annotations

import textwrap

CURSOR = "$0"


def split(marked: str) -> tuple[str, str]:
    """What stands before and after the one cursor of a text."""
    before, found, after = marked.partition(CURSOR)
    assert found and CURSOR not in after, f"a fixture has one {CURSOR}: {marked!r}"
    return before, after


def cursor(marked: str) -> tuple[str, int]:
    """The text without its cursor, and the cursor's byte offset."""
    before, after = split(marked)
    return before + after, len(before.encode())


def block(marked: str) -> str:
    """A fixture written indented, with a first empty line for looks."""
    return textwrap.dedent(marked).removeprefix("\n")
