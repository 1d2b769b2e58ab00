"""Where a completion ends: with the line, or with the block that is being begun, which is one unit at most.

A function of the text round the cursor and of the text generated so far. Knows lines, indentation, and the words that
begin a definition; no trees. (Deadline and stop tokens are the model's business; what is left then, `Ending.whole`'s.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_LINE_END = re.compile(r"[\r\n]")
_DEFINITION = re.compile(r"(?:async\s+def|def|class)\s")


@dataclass(frozen=True)
class Ending:
    """How far a completion goes.

    rest:  to the end of the line, whose rest stands after the cursor already
    line:  to the end of the first line that is not blank
    block: up to a line indented less than `indent` columns, or to a second definition, `max_lines` lines at most
    """

    kind: Literal["rest", "line", "block"]
    indent: int = 0
    column: int = 0
    max_lines: int = 1

    def cut(self, text: str) -> int | None:
        """Where `text` ends, in characters; None if it may go on."""
        if self.kind == "block":
            return self._block_cut(text)
        begin = 0 if self.kind == "rest" else len(text) - len(text.lstrip())
        found = _LINE_END.search(text, begin)
        return found.start() if found and begin < len(text) else None

    def whole(self, text: str) -> str:
        """What is left of a text that was broken off: its whole lines; empty if there are none."""
        return text[: text.rfind("\n")] if self.kind == "block" and "\n" in text.strip() else ""

    def _block_cut(self, text: str) -> int | None:
        at, own, defined = 0, 1 << 30, False  # own: the columns of the block's first line
        for number, line in enumerate(text.split("\n")):
            if number == self.max_lines:
                return at - 1
            if line.strip():
                column = indent_of(line) + (self.column if number == 0 else 0)
                own = min(own, column)
                begins = column == own and _DEFINITION.match(line.lstrip())
                if column < self.indent or (defined and (begins or (column == own and line.lstrip()[0] == "@"))):
                    return max(at - 1, 0)
                defined = defined or bool(begins)
            at += len(line) + 1
        return None


def ending_for(before: str, after: str, max_lines: int) -> Ending:
    """The ending for a cursor between `before` and `after`: a block where the last line above ends with a colon."""
    if _LINE_END.split(after, maxsplit=1)[0].strip():
        return Ending("rest")
    above, _, line = before.rpartition("\n")
    header = above.rstrip().rpartition("\n")[2]
    if max_lines <= 1 or line.strip() or not header.endswith(":"):
        return Ending("line")
    column = indent_of(line + "|")
    return Ending("block", column or indent_of(header) + 1, column, max_lines)


def indent_of(line: str) -> int:
    """The columns of blanks that a line begins with; a tab goes to the next multiple of eight."""
    blanks = line[: len(line) - len(line.lstrip())]
    return len(blanks.expandtabs(8))
