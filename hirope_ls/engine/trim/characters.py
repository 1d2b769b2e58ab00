"""Rules for single characters and for marks: what is not seen, what no file should have, how lines end."""

from __future__ import annotations

import re
import unicodedata

from hirope_ls.engine.trim.lines import LINE_END, rest_of_line

_UNWANTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # some scripts, and emoji, are not written without
# Letters and signs without a shape: Hangul fillers, the braille blank, the grapheme joiner.
_EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f")
# The forms that special tokens have in code models: Qwen, StarCoder, Llama 3; DeepSeek; CodeLlama; Gemma; Mistral.
_SPECIAL = re.compile(
    r"<\|\w{1,40}\|>|<(?:fim|file|repo|gh|jupyter|issue|commit)_\w{1,30}>|<[｜|][^｜|<>]{1,40}[｜|]>"
    r"|▁?<(?:EOT|SUF|MID)>|▁<PRE>|<(?:start|end)_of_turn>|\[/?INST\]|\[(?:PREFIX|SUFFIX|MIDDLE)\]"
)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[\w+-]*[ \t]*$", re.MULTILINE)


def unprintable(text: str, before: str, after: str) -> str:
    """Stop before a character that is not seen or could not be decoded: control, bidirectional, zero-width, private."""
    for at, char in enumerate(text):
        if char not in "\t\n\r" and (char == "\ufffd" or char in _EMPTY or _unwanted(char, before, after)):
            return text[:at]
    return text


def _unwanted(char: str, before: str, after: str) -> bool:
    """Whether it has no shape, or is a joiner, or a blank other than the usual one, that the file has not."""
    category = unicodedata.category(char)
    if char in _JOINERS or (category == "Zs" and char != " "):
        return char not in before and char not in after
    return category in _UNWANTED


def special_token(text: str, before: str, after: str) -> str:
    """Stop before what reads like a special token of a model, unless the file speaks of that very token."""
    for found in _SPECIAL.finditer(text):
        if found.group() not in before and found.group() not in after:
            return text[: found.start()]
    return text


def markdown_fence(text: str, before: str, after: str) -> str:
    """Stop before a line that is a fence of Markdown, where the file has none: the end of an answer in a chat."""
    found = _FENCE.search(text)
    return text[: found.start()] if found and not _FENCE.search(before) and not _FENCE.search(after) else text


def line_ends(text: str, before: str, after: str) -> str:
    """Use the file's own line end, and no other."""
    used = LINE_END.search(after) or LINE_END.search(before)
    return LINE_END.sub(used.group() if used else "\n", text)


def trailing_blanks(text: str, before: str, after: str) -> str:
    """No line ends at the end, and no blanks unless they stand before the rest of the cursor's line."""
    return text.rstrip("\r\n") if rest_of_line(after) else text.rstrip()
