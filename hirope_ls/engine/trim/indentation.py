"""A rule for blanks: lines are indented as the file's are, with tabs or with its number of blanks.

What a file does is read off the lines round the cursor. Where those do not agree, or there are too few, nothing is
changed; nor are lines that a bracket above aligns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from hirope_ls.engine.trim.lines import line_before

_BLANKS = re.compile(r"[ \t]*")
_OPENS = re.compile(r"(?:[:{]|\b(?:then|do|else|begin))\s*$")  # not a call: what it is continued with varies
_MIXED = re.compile(r"\t+ {4}|\t* {8}\t| +\t", re.MULTILINE)
_STEPS = (2, 3, 4, 8)
_ENOUGH = 3  # lines, or steps, that show a habit
_MOST = 0.8  # of them agree


def indentation(text: str, before: str, after: str) -> str:
    """Indent with what the file is indented with, and not once more where the cursor's line is indented already."""
    own = line_before(before)
    header = before[: len(before) - len(own)].rstrip().rpartition("\n")[2]
    unit = unit_of(before, after)
    if own and not own.strip():
        text = _once(text, own, header, unit)
    if unit is None or ("\n" not in text and (own or text[:1] not in (" ", "\t"))):
        return text
    lines = (own + text).split("\n")
    written = _with_tabs(lines, header) if unit == "\t" else _with_blanks(lines, header, len(unit))
    # The cursor's line is the file's up to the cursor: what stands there already is not ours to change.
    return "\n".join([lines[0] if own else written[0], *written[1:]])[len(own) :]


def _once(text: str, own: str, header: str, unit: str | None) -> str:
    """The text without the blanks it begins with, and lines that are as deep as they would be without them, unless the
    cursor is where the block has no line yet, and they make it a level."""
    blanks, code = _split(text.partition("\n")[0])
    if not blanks or not code:
        return text
    extra = _width(own + blanks + code) - _width(own)
    if _OPENS.search(header) and _width(own) <= _width(header) and extra in _STEPS and code[0] not in ")]}":
        return text
    first, *others = text.split("\n")
    return "\n".join([first[len(blanks) :], *(_less(line, extra, _width(own)) for line in others)])


def _less(line: str, extra: int, least: int) -> str:
    """A line with so many columns of blanks less, if it has `least` then."""
    blanks, code = _split(line)
    return blanks[extra:] + code if "\t" not in blanks and len(blanks) - extra >= least else line


def unit_of(before: str, after: str) -> str | None:
    """What one level of indentation is in a file: a tab, or some blanks; None if that cannot be told."""
    lines = [line for line in (*before.splitlines()[:-1], *after.splitlines()[1:]) if line.strip()]
    begins = Counter(line[0] for line in lines if line[0] in " \t" and not line.lstrip().startswith("*"))
    total = begins.total()
    if total < _ENOUGH:
        return None
    if begins["\t"]:
        pure = begins["\t"] >= _MOST * total and not any(map(_MIXED.match, lines))
        return "\t" if pure else None
    return _blanks_of(lines)


def _blanks_of(lines: Iterable[str]) -> str | None:
    """As many blanks as lines have more than those above that open a block."""
    steps: Counter[int] = Counter()
    above = ""
    for line in lines:
        step = _width(line) - _width(above)
        if step in _STEPS and _OPENS.search(above):
            steps[step] += 1
        above = line
    [(step, count)] = steps.most_common(1) or [(0, 0)]
    return " " * step if count >= _ENOUGH - 1 and count >= _MOST * steps.total() else None


def _width(line: str) -> int:
    return len(_split(line)[0].expandtabs(8))


def _with_tabs(lines: list[str], header: str) -> list[str]:
    """Blanks of whole levels as tabs."""
    width = _level(lines, header)
    written, above = [], header
    for line in lines:
        blanks, code = _split(line)
        if code and width and " " in blanks and not _aligned(above):
            tabs, rest = divmod(_run(line), width)
            blanks = "\t" * (blanks.count("\t") + tabs) + " " * rest
        written.append(blanks + code)
        above = code or above
    return written


def _level(lines: list[str], header: str) -> int:
    """How many blanks make a level: the least that are used, or part of them, where the level above is known."""
    least = min((run for line in lines if line.strip() and (run := _run(line)) > 1), default=0)
    own, above = (_split(line)[0].count("\t") for line in (lines[0], header))
    depth = own or above + bool(_OPENS.search(header))
    if depth and least % depth == 0 and least // depth in _STEPS and not any("\t " in line for line in lines):
        return least // depth
    return least if least in _STEPS and least != 3 else 0


def _with_blanks(lines: list[str], header: str, unit: int) -> list[str]:
    """Tabs as levels; levels of another width, told by the first line below one that opens a block, by the file's."""
    lines = ["".join(_untabbed(line, unit)) for line in lines]
    base, above, step = _width(header), header, unit
    for line in lines:
        if line.strip():
            deeper = _width(line) - _width(above)
            if _OPENS.search(above) and deeper in _STEPS and deeper != unit:
                base, step = _width(above), deeper
                break
            above = line
    if step == unit:
        return lines
    return [_rescaled(line, base, step, unit) for line in lines]


def _rescaled(line: str, base: int, step: int, unit: int) -> str:
    levels, rest = divmod(_width(line) - base, step)
    blanks, code = _split(line)
    return " " * (base + levels * unit + rest) + code if code and levels > 0 else blanks + code


def _untabbed(line: str, unit: int) -> tuple[str, str]:
    blanks, code = _split(line)
    return blanks.replace("\t", " " * unit), code


def _split(line: str) -> tuple[str, str]:
    found = _BLANKS.match(line)
    end = found.end() if found else 0
    return line[:end], line[end:]


def _run(line: str) -> int:
    """How many of the blanks that a line begins with are no tabs."""
    return _split(line)[0].count(" ")


def _aligned(above: str) -> bool:
    """Whether a line leaves a bracket open that the next one is aligned to."""
    depth = sum((char in "([{") - (char in ")]}") for char in above)
    return depth > 0 and above.rstrip()[-1:] not in ("(", "[", "{")
