"""Rules against saying again what was just said, what stands before the cursor, or what stands below it."""

from __future__ import annotations

import re

from hirope_ls.engine.trim.lines import WORD, line_before, lines_below, lines_with, rest_of_line

_LOOP = re.compile(r"(.{2,40}?)\1{5,}")
_WORD_CHARACTER = re.compile(r"\w")  # a row of signs is a ruler, and meant
_DANGLING = re.compile(r"(?:[\s,;:+\-*/|&=<>.(\[{]|(?<![^\s,(\[{=+])[\"'])+\Z")  # what nothing follows any more
_LAST_WORD, _FIRST_WORD = re.compile(r"\w+\Z"), re.compile(r"\A\w+")
_LONGEST_PERIOD = 3  # lines
_ECHO = re.compile(r"\w{2,}.*", re.DOTALL)
_TWICE = frozenset({"long"})  # words that may stand twice


def loop(text: str, before: str, after: str) -> str:
    """Of a piece that the model repeats without end keep the first one; where whole lines precede it, only those."""
    found = _LOOP.search(text)
    if not found or not _WORD_CHARACTER.search(found[1]) or not found[1].startswith(text[found.end() :]):
        return text
    above = text[: text.rfind("\n", 0, found.start()) + 1]
    if above.strip():
        return above.rstrip()
    once = _DANGLING.sub("", text[: _end_of_word(text, found.end(1), found[1])])
    return once if _WORD_CHARACTER.search(once) else ""


def _end_of_word(text: str, at: int, piece: str) -> int:
    """Where the word ends that the first of many such pieces ends in; where it begins if there is no end to it."""
    if not (text[at - 1].isalnum() and text[at].isalnum()):
        return at
    if re.fullmatch(r"\w+", piece):
        return at - len(_LAST_WORD.findall(text[:at])[-1])
    return at + len(_FIRST_WORD.findall(text[at:])[0])


def echo(text: str, before: str, after: str) -> str:
    """Leave out what repeats the cursor's whole line up to it, as in `return return x`."""
    line = line_before(before).strip()
    if not _ECHO.fullmatch(line) or line in _TWICE or not text.lstrip(" \t").startswith(line):
        return text
    rest = text.lstrip(" \t")[len(line) :]
    if rest[:1].isalnum() or rest[:1] == "_":
        return text  # a longer word
    return rest.lstrip(" \t") if before[-1:].isspace() else rest


def repetition(text: str, before: str, after: str) -> str:
    """Stop before one to three lines that repeat the lines right before them, blank lines not counted."""
    lines = lines_with(text, before)
    said = [line.text for line in lines]
    for at in range(len(lines)):
        if lines[at].start is None:
            continue
        for period in range(1, _LONGEST_PERIOD + 1):
            first = at - period + 1
            repeated = said[first : at + 1] if first >= period else []
            if repeated and repeated == said[first - period : first] and any(map(WORD.search, repeated)):
                return text[: lines[first].start or 0].rstrip()
    return text


def next_lines(text: str, before: str, after: str) -> str:
    """Stop before the lines that the file goes on with after the cursor's: all that is left, or several."""
    if rest_of_line(after):
        return text
    coming = [line.strip() for line in lines_below(after) if line.strip()][:4]
    lines = lines_with(text, line_before(before))
    for first, line in enumerate(lines):
        same = 0
        for mine, theirs in zip(lines[first:], coming, strict=False):
            if mine.text != theirs:
                break
            same += 1
        if not any(map(WORD.search, coming[:same])):
            continue
        if first + same == len(lines) or same > 1:
            return text[: line.start or 0].rstrip()
    return text
