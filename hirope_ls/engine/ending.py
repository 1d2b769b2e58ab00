"""Where a completion ends: with the line, or with the block that is being begun, which is one unit at most.

A function of the text round the cursor and of the text generated so far. Knows lines, indentation, and how the language
tells its blocks; no trees. (Deadline and stop tokens are the model's business; what is left then, `Ending.whole`'s.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hirope_ls.syntax import ANY_BLOCKS, Blocks

_LINE_END = re.compile(r"[\r\n]")
_DECORATES = ("@", "#[", "[", "template", "/**", "///")


@dataclass(frozen=True)
class Ending:
    """How far a completion goes.

    rest:  to the end of the line, whose rest stands after the cursor already
    line:  to the end of the first line that is not blank
    block: up to a line indented less than `indent` columns, or to a second definition, `max_lines` lines at most; with
           what closes it, in the column `closer`, unless that stands after the cursor already (then it is -1)
    """

    kind: Literal["rest", "line", "block"]
    indent: int = 0
    column: int = 0
    max_lines: int = 1
    blocks: Blocks = ANY_BLOCKS
    closer: int = -1

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
                begins = column == own and bool(self.blocks.begins.match(line.lstrip()))
                if column < self.indent:
                    return self._after_block(text, at, line) if column == self.closer else max(at - 1, 0)
                if defined and begins:
                    return max(at - 1, 0)
                defined = defined or (begins and not line.lstrip().startswith(_DECORATES))
            at += len(line) + 1
        return None

    def _after_block(self, text: str, at: int, line: str) -> int | None:
        """Where a block ends if `line`, which starts at `at`, closes it; None while that may go on."""
        bare = line.lstrip()
        found = self.blocks.closes.match(bare) if self.blocks.closes else None
        if found is None:
            growing = at + len(line) == len(text) and any(word.startswith(bare) for word in self.blocks.words)
            return None if growing else max(at - 1, 0)
        end = at + len(line) - len(bare) + found.end()
        return end if end < len(text) else None


def ending_for(before: str, after: str, max_lines: int, blocks: Blocks = ANY_BLOCKS) -> Ending:
    """The ending for a cursor between `before` and `after`: a block where the last line above opens one."""
    if _LINE_END.split(after, maxsplit=1)[0].strip():
        return Ending("rest")
    above, _, line = before.rpartition("\n")
    header = above.rstrip().rpartition("\n")[2]
    if max_lines <= 1 or line.strip() or not blocks.opens.search(header.strip()):
        return Ending("line")
    column, outer = indent_of(line + "|"), indent_of(header)
    closer = outer if blocks.closes and not _is_closed(after, outer, blocks) else -1
    return Ending("block", column or outer + 1, column, max_lines, blocks, closer)


def _is_closed(after: str, column: int, blocks: Blocks) -> bool:
    """Whether the first line after the cursor's that is indented no deeper than `column` closes a block there."""
    for line in after.partition("\n")[2].split("\n"):
        if line.strip() and indent_of(line) <= column:
            return indent_of(line) == column and bool(blocks.closes and blocks.closes.match(line.lstrip()))
    return False


def indent_of(line: str) -> int:
    """The columns of blanks that a line begins with; a tab goes to the next multiple of eight."""
    blanks = line[: len(line) - len(line.lstrip())]
    return len(blanks.expandtabs(8))
