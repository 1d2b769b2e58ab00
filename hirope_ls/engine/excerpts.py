"""How a definition of another file is shown: a function whole or by its signature, a class by those of its members.

Knows one file's bytes and symbols at a time; no tokens, no prompts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hirope_ls.syntax.symbols import Definition, FileSymbols

_WHOLE = 700  # bytes of a function that is shown with its body
_VALUE = 300  # bytes of a variable
_COMMENTS = {"python": "# ", "ruby": "# ", "bash": "# ", "lua": "-- ", "": "# "}
_BLANK = re.compile(rb"\n[ \t]*(?=\n)")


def header(path: str, language: str) -> str:
    """The line that names a file, as a comment."""
    return f"{_COMMENTS.get(language, '// ')}{path}\n"


def stands(symbols: FileSymbols, index: int, data: bytes) -> bool:
    """Whether the bytes still hold the definition where the symbols say: the file may have changed since."""
    one = symbols.definitions[index]
    return one.end <= len(data) and one.name.encode() in data[one.start : max(one.body, one.start + 1)]


def excerpt(symbols: FileSymbols, index: int, data: bytes, wanted: frozenset[str], most: int) -> str:
    """The text of a definition; of a class as many members as fit into `most` bytes.

    Its `wanted` members come first, with their bodies where those are short.
    """
    one = symbols.definitions[index]
    if one.kind == "class":
        lines = list(_class(symbols, index, data, wanted, most))
    elif one.kind == "function":
        lines = [_function(one, data, one.end - one.start <= _WHOLE)]
    else:
        lines = [_whole(one, data, _VALUE)]
    return "".join(lines)


def outline(symbols: FileSymbols, data: bytes, most: int) -> str:
    """Signatures of what a file defines at its top, up to `most` bytes; "" where there is nothing."""
    lines, size = [], 0
    for index, one in enumerate(symbols.definitions):
        if one.parent < 0 and one.kind in ("function", "class") and stands(symbols, index, data):
            line = _function(one, data, whole=False)
            size += len(line)
            if size > most:
                break
            lines.append(line)
    return "".join(lines)


def _class(symbols: FileSymbols, index: int, data: bytes, wanted: frozenset[str], most: int) -> Iterator[str]:
    """Header, fields and methods, those wanted first to have a place where there is little."""
    one = symbols.definitions[index]
    yield _line(data[_line_start(data, one.start) : one.body])
    members = [other for other in symbols.definitions if other.parent == index]
    important = [m for m in members if m.name in wanted or m.name == "__init__"]
    room = most
    texts: dict[int, str] = {}
    for member in [*important, *(m for m in members if m not in important)]:
        if member.kind == "function":
            text = _function(member, data, member.name in wanted and member.end - member.start <= _WHOLE)
        elif member.kind == "field" and member.body == member.end:  # one that the class itself defines
            text = _whole(member, data, _VALUE)
        else:
            continue
        if len(text) <= room:
            room -= len(text)
            texts[member.start] = text
    if not texts:
        yield _line(data[_line_start(data, one.start) : one.start] + b"    ...")
    yield from (texts[start] for start in sorted(texts))


def _function(one: Definition, data: bytes, whole: bool) -> str:
    start = _line_start(data, one.start)
    if whole or one.kind not in ("function", "class"):
        return _line(data[start : one.end])
    head = data[start : one.body].rstrip()
    return _line(head + b" ...")


def _whole(one: Definition, data: bytes, most: int) -> str:
    text = data[_line_start(data, one.start) : one.end]
    cut = text if len(text) <= most else text[: text.rfind(b"\n", 0, most) + 1] or text[:most]
    return _line(cut)


def _line_start(data: bytes, start: int) -> int:
    """The start of the line, where only blanks are before: so what is shown keeps its indentation."""
    begin = data.rfind(b"\n", 0, start) + 1
    return start if data[begin:start].strip() else begin


def _line(text: bytes) -> str:
    return _BLANK.sub(b"", text).rstrip().decode(errors="replace") + "\n"
