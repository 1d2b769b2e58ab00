"""Rules for brackets and quotes that stand there already: what the rest of the line repeats, what nothing opened."""

from __future__ import annotations

import re

from hirope_ls.engine.trim.lines import line_before, lines_below, rest_of_line

_PAIRS = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'`"
_LONG_OVERLAP = 8  # characters of the line's rest that nobody repeats by chance
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`")
_COMMENT = re.compile(r"(?:^|(?<=\s))(?:#(?![\w\[!])|//|--\s).*", re.MULTILINE)


def overlap(text: str, before: str, after: str) -> str:
    """Leave out what the rest of the cursor's line repeats: words, or closing brackets and quotes not opened here."""
    rest = rest_of_line(after)
    for length in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:length]) and (length == len(rest) or length >= _LONG_OVERLAP or _closes(rest[:length])):
            kept, common = text[:-length], rest[:length]
            if (len(common) > 2 or not common.isalnum()) and not _opened(kept, common):
                return text if _needed(line_before(before) + kept, common, rest) else kept.rstrip("\r\n")
    return text


def doubled(text: str, before: str, after: str) -> str:
    """Nothing, where the text opens with the quote that is open already, and its other one stands after the cursor."""
    line, rest = _STRING.sub("", line_before(before)), rest_of_line(after)
    quote = rest[:1]
    opens = quote in _QUOTES and line.count(quote) % 2 == 1 and line.endswith(quote)
    return "" if quote and opens and text.startswith(quote) and not rest.startswith(text) else text


def unopened(text: str, before: str, after: str) -> str:
    """Stop before a closing bracket that nothing opens and that stands after the cursor already."""
    line, rest = line_before(before), rest_of_line(after)
    for closing, opening in _PAIRS.items():
        if closing not in text:
            continue
        if rest:
            outside = _bare(line + rest)
            spare = 0 if outside.count(opening) == outside.count(closing) and not _in_string(line) else None
        else:
            spare = _open_in_block(line, before, after, opening, closing)
        if spare is not None and (at := _surplus(text, opening, closing, spare)) is not None:
            return text[:at].rstrip()
    return text


def _open_in_block(line: str, before: str, after: str, opening: str, closing: str) -> int | None:
    """How many brackets are open inside of the block or call that the line below the cursor closes; None where that
    closes none of this kind."""
    below = next((each for each in lines_below(after) if each.strip()), "")
    if not below.strip().startswith(closing):
        return None
    column = _column(below)
    inside: list[str] = [line]
    above = before[: len(before) - len(line)].splitlines()
    for number in range(len(above) - 1, -1, -1):
        each = above[number]
        if each.strip() and _column(each) <= column:
            opens = _bare(each).rstrip().endswith(opening)
            code = _bare("\n".join(reversed(inside)))
            return code.count(opening) - code.count(closing) if opens else None
        inside.append(each)
    return None


def _surplus(text: str, opening: str, closing: str, depth: int) -> int | None:
    """Where in the text the first bracket stands that closes more than `depth` and what the text opens; None if as many
    are opened behind it, which what stands after the cursor closes."""
    first = None
    for at, char in enumerate(_bare(text)):
        depth += (char == opening) - (char == closing)
        if depth < 0 and first is None:
            first = at
    return first if depth < 0 else None


def _bare(code: str) -> str:
    """Code with strings and comments blanked out, as far as a look at its lines tells them; of the same length."""
    code = _STRING.sub(lambda found: " " * len(found.group()), code)
    return _COMMENT.sub(lambda found: " " * len(found.group()), code)


def _in_string(line: str) -> bool:
    """Whether the end of a line's beginning is in a string or comment, as far as that can be told."""
    left = _bare(line)
    return any(quote in left for quote in _QUOTES) or len(left.rstrip()) < len(line.rstrip()) - 1


def _column(line: str) -> int:
    return len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())


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
