"""Texts inside Markdown that stay what they are: in fences, in code spans, or as plain words.

Nothing becomes markup, and no character steers a terminal or turns the direction of text. Knows no documents.
"""

from __future__ import annotations

import re
import unicodedata

_TICKS = re.compile(r"`+")
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&$!#=]|:(?=/))")  # within a line; a colon makes a link of what follows


def visible(text: str) -> str:
    """The text without characters that are not seen but act."""
    return text if text.isprintable() else "".join(map(_visible, text.replace("\r\n", "\n")))


def code(text: str) -> str:
    """A code span, whatever is in the text."""
    text = " ".join(visible(text).split())
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    pad = " " if not text or text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{pad}{text or ' '}{pad}{fence}"


def fenced(text: str, language: str = "") -> str:
    """A fenced block, whatever is in the text."""
    text = visible(text)
    fence = fence_for(text)
    return f"{fence}{language}\n{text}\n{fence}"


def fence_for(text: str) -> str:
    """What a block of this text can be fenced with."""
    return "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))


def plain(text: str) -> str:
    """Words that mean nothing to Markdown where they do not begin a line."""
    return _MARKUP.sub(r"\\\1", " ".join(visible(text).split()))


def _visible(char: str) -> str:
    if char in "\t\n":
        return char
    return "\ufffd" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char
