"""Lines round a cursor, and those of a text that is put in there."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE_END = re.compile(r"\r\n|\r|\n")
WORD = re.compile(r"\b(?!(?:end|fi|done|esac)\b)\w{2,}")  # what only closes a block stands on many lines
_NEAR = 4000  # characters before the cursor


@dataclass(frozen=True)
class Line:
    """A line that is not blank, without blanks around; `start` is where in the text it begins: 0 for the one that the
    cursor is in, None for those above."""

    text: str
    start: int | None


def line_before(before: str) -> str:
    """The cursor's line, up to it."""
    return before[max(before.rfind("\n"), before.rfind("\r")) + 1 :]


def rest_of_line(after: str) -> str:
    """The rest of the cursor's line, without blanks at its end."""
    return LINE_END.split(after, maxsplit=1)[0].rstrip()


def lines_below(after: str, size: int = 2000) -> list[str]:
    """Those after the cursor's, within so many characters."""
    return after[: len(rest_of_line(after)) + size].splitlines()[1:]


def lines_with(text: str, before: str) -> list[Line]:
    """The lines of the last of `before` and all of `text`."""
    head = before[-_NEAR:]
    cut = head.rfind("\n") + 1
    found = [Line(line.strip(), None) for line in head[:cut].split("\n")]
    at = 0
    for number, line in enumerate(text.split("\n")):
        found.append(Line(((head[cut:] if number == 0 else "") + line).strip(), at))
        at += len(line) + 1
    return [line for line in found if line.text]
