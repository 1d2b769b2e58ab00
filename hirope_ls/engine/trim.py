"""What is taken off a generated text before anyone sees it: small named rules, applied in order.

Each rule gets the text, what stands before and after the cursor, and returns the text or a beginning of it. The rules
know characters and lines only: no tokens, no languages, no documents.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

Rule = Callable[[str, str, str], str]

_PAIRS = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'`"
# The forms that special tokens have in code models: Qwen, StarCoder, Llama 3; DeepSeek; CodeLlama.
_SPECIAL = re.compile(r"<\|\w{1,40}\|>|<(?:fim|file|repo|gh|jupyter|issue|commit)_\w{1,30}>|<[｜|][^｜|<>]{1,40}[｜|]>")
_LINE_END = re.compile(r"\r\n|\r|\n")
_LOOP = re.compile(r"(.{2,40}?)\1{5,}")
_WORD_CHARACTER = re.compile(r"\w")  # a row of signs is a ruler, and meant
_WORD = re.compile(r"\b(?!(?:end|fi|done|esac)\b)\w{2,}")  # what only closes a block stands on many lines
_LONGEST_PERIOD = 3  # lines
_LONG_OVERLAP = 8  # characters of the line's rest that nobody repeats by chance


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


def unprintable(text: str, before: str, after: str) -> str:
    """Stop before a control, bidirectional, zero-width, private or undecodable character."""
    for at, char in enumerate(text):
        if char not in "\t\n\r" and (char == "\ufffd" or unicodedata.category(char) in _UNWANTED):
            return text[:at]
    return text


_UNWANTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def special_token(text: str, before: str, after: str) -> str:
    """Stop before what reads like a special token of a model."""
    found = _SPECIAL.search(text)
    return text[: found.start()] if found else text


def loop(text: str, before: str, after: str) -> str:
    """Stop before a piece that the model repeats without end."""
    found = _LOOP.search(text)
    if found and _WORD_CHARACTER.search(found[1]) and found[1].startswith(text[found.end() :]):
        return text[: found.start()]
    return text


def line_ends(text: str, before: str, after: str) -> str:
    """Use the file's own line end, and no other."""
    used = _LINE_END.search(after) or _LINE_END.search(before)
    return _LINE_END.sub(used.group() if used else "\n", text)


def repetition(text: str, before: str, after: str) -> str:
    """Stop before one to three lines that repeat the lines right before them, blank lines not counted."""
    lines, starts = _lines_with(text, before)
    for at in range(len(lines)):
        if starts[at] is None:
            continue
        for period in range(1, _LONGEST_PERIOD + 1):
            first = at - period + 1
            repeated = lines[first : at + 1] if first >= period else []
            if repeated and repeated == lines[first - period : first] and any(map(_WORD.search, repeated)):
                start = starts[first]
                return text[: start or 0].rstrip()
    return text


def next_lines(text: str, before: str, after: str) -> str:
    """Stop before a last line (or lines) that the file goes on with after the cursor's line."""
    if _rest(after):
        return text
    following = after.partition("\n")[2]
    coming = [line.strip() for line in following[:2000].splitlines() if line.strip()][:4]
    lines, starts = _lines_with(text, before.rpartition("\n")[2])
    for count in range(min(len(coming), len(lines)), 0, -1):
        start = starts[-count]
        if lines[-count:] == coming[:count] and start is not None and any(map(_WORD.search, coming[:count])):
            return text[:start].rstrip()
    return text


def overlap(text: str, before: str, after: str) -> str:
    """Leave out what the rest of the cursor's line repeats: words, or closing brackets and quotes not opened here."""
    rest = _rest(after)
    for length in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:length]) and (length == len(rest) or length >= _LONG_OVERLAP or _closes(rest[:length])):
            kept, common = text[:-length], rest[:length]
            if (len(common) > 2 or not common.isalnum()) and not _opened(kept, common):
                return text if _needed(before.rpartition("\n")[2] + kept, common, rest) else kept.rstrip("\r\n")
    return text


def trailing_blanks(text: str, before: str, after: str) -> str:
    """No line ends at the end, and no blanks unless they stand before the rest of the cursor's line."""
    return text.rstrip("\r\n") if _rest(after) else text.rstrip()


RULES: dict[str, Rule] = {
    "unprintable": unprintable,
    "special-token": special_token,
    "loop": loop,
    "line-ends": line_ends,
    "trailing-blanks": trailing_blanks,
    "repetition": repetition,
    "next-lines": next_lines,
    "overlap": overlap,
}


def _rest(after: str) -> str:
    """The rest of the cursor's line, without blanks at its end."""
    return _LINE_END.split(after, maxsplit=1)[0].rstrip()


def _lines_with(text: str, before: str) -> tuple[list[str], list[int | None]]:
    """The non-blank lines, stripped, of the last of `before` and all of `text`, and where in `text` each starts.

    The line that the cursor is in starts at 0; lines before it have None.
    """
    head = before[-4000:]
    cut = head.rfind("\n") + 1
    lines = [line.strip() for line in head[:cut].split("\n")]
    starts: list[int | None] = [None] * len(lines)
    at = 0
    for number, line in enumerate(text.split("\n")):
        lines.append((head[cut:] + line).strip() if number == 0 else line.strip())
        starts.append(at)
        at += len(line) + 1
    kept = [(line, start) for line, start in zip(lines, starts, strict=True) if line]
    return [line for line, _ in kept], [start for _, start in kept]


def _closes(text: str) -> bool:
    """Whether there is nothing but closing brackets and quotes in a text."""
    return all(char in _PAIRS or char in _QUOTES for char in text)


def _opened(kept: str, common: str) -> bool:
    """Whether a closing bracket or quote of `common` belongs to one that `kept` opens."""
    closing = sum(char in _PAIRS for char in common) - sum(char in _PAIRS.values() for char in common)
    return (closing > 0 and _depth(kept) > 0) or (common[0] in _QUOTES and kept.count(common[0]) % 2 == 1)


def _needed(line: str, common: str, rest: str) -> bool:
    """Whether the line up to `common` has open brackets enough for those that close in `common` and in the rest."""
    closing = sum(char in _PAIRS for char in common)
    return closing > 0 and _depth(line) >= closing + sum(char in _PAIRS for char in rest)


def _depth(text: str) -> int:
    """How many brackets a text opens without closing them."""
    depth = 0
    for char in text:
        if char in _PAIRS.values():
            depth += 1
        elif char in _PAIRS and depth:
            depth -= 1
    return depth
