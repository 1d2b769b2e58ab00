"""What is taken off a generated text before anyone sees it: small named rules, applied in order.

Each rule gets the text, what stands before and after the cursor, and returns a beginning of the text; `echo` an end of
it; `line-ends` and `indentation` write it as the file is written. The rules know characters and lines only: no tokens,
no languages, no documents. A suggestion that is emptied has the outcome `filtered:<rule>`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hirope_ls.engine.trim.brackets import doubled, overlap, unopened
from hirope_ls.engine.trim.characters import line_ends, markdown_fence, special_token, trailing_blanks, unprintable
from hirope_ls.engine.trim.indentation import indentation
from hirope_ls.engine.trim.repeated import echo, loop, next_lines, repetition

__all__ = ["RULES", "Trimmed", "loop", "trim"]

Rule = Callable[[str, str, str], str]

RULES: dict[str, Rule] = {
    "unprintable": unprintable,
    "special-token": special_token,
    "markdown-fence": markdown_fence,
    "loop": loop,
    "line-ends": line_ends,
    "indentation": indentation,
    "trailing-blanks": trailing_blanks,
    "echo": echo,
    "repetition": repetition,
    "next-lines": next_lines,
    "doubled": doubled,
    "overlap": overlap,
    "unopened": unopened,
}


@dataclass(frozen=True)
class Trimmed:
    """The text that is left, and the names of the rules that took something, in order."""

    text: str
    rules: tuple[str, ...]


def trim(text: str, before: str, after: str) -> Trimmed:
    """Clean `text`, generated for the place between `before` and `after`."""
    fired: list[str] = []
    for name, rule in RULES.items():
        shorter = rule(text, before, after)
        if shorter != text:
            fired.append(name)
        text = shorter
        if not text:
            break
    return Trimmed(text, tuple(fired))
