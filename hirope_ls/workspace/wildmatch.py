"""One line of an ignore file as a regular expression over bytes, exactly as git matches it.

Follows git's `wildmatch.c` and `dir.c`, the undocumented parts included; checked against git itself. Libraries
differ from git where it matters here: in brackets, classes, escapes, trailing white space, and in `!folder/`, which
must not bring back what is in the folder. Stars are matched without backtracking over each other (atomic groups), so
that no pattern of a cloned repository is slow. Knows one path at a time and no folders.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import Final

_SPECIAL: Final = b"*?[\\"
_NEVER: Final = b"(?!)"
_CLASSES: Final = {
    b"alnum": string.ascii_letters + string.digits,
    b"alpha": string.ascii_letters,
    b"blank": " \t",
    b"cntrl": "".join(map(chr, [*range(32), 127])),
    b"digit": string.digits,
    b"graph": "".join(map(chr, range(33, 127))),
    b"lower": string.ascii_lowercase,
    b"print": "".join(map(chr, range(32, 127))),
    b"punct": string.punctuation,
    b"space": " \t\n\r",
    b"upper": string.ascii_uppercase,
    b"xdigit": string.hexdigits,
}


class _Malformed(Exception):
    """A glob that matches nothing, whatever else it says."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """`expression` must match a whole name (`anywhere`) or a whole path below the ignore file's folder."""

    expression: bytes
    negated: bool
    folders_only: bool
    anywhere: bool


def parse_lines(data: bytes) -> tuple[Pattern, ...]:
    """All patterns of an ignore file, in its order."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    found = (_parse(line.removesuffix(b"\r")) for line in lines if line and not line.startswith(b"#"))
    return tuple(pattern for pattern in found if pattern is not None)


def _parse(line: bytes) -> Pattern | None:
    line = _without_trailing_spaces(line.split(b"\0")[0])
    negated = line.startswith(b"!")
    glob = line[negated:]
    folders_only = glob.endswith(b"/")
    glob = glob.removesuffix(b"/")
    if not glob:
        return None
    anywhere = b"/" not in glob
    try:
        expression = _name(glob) if anywhere else _path(glob.removeprefix(b"/"))
    except _Malformed:
        return None
    return Pattern(expression, negated, folders_only, anywhere)


def _without_trailing_spaces(line: bytes) -> bytes:
    end = at = 0
    while at < len(line):
        step = 2 if line[at] == 0x5C else 1
        at += step
        if step == 2 or line[at - 1] != 0x20:
            end = at
    return line[:end]


def _name(glob: bytes) -> bytes:
    return _segment(glob)


def _path(glob: bytes) -> bytes:
    """The part before the first special character is literal text to git, and what follows a glob of its own."""
    literal = next((at for at, byte in enumerate(glob) if byte in _SPECIAL), len(glob))
    return re.escape(glob[:literal]) + _blocks(_split(glob[literal:]))


def _split(glob: bytes) -> list[bytes]:
    """The segments between slashes, except those in brackets. An escaped slash is one, too."""
    segments, start, at = [], 0, 0
    while at < len(glob):
        if glob[at : at + 2] == b"\\/":
            segments.append(glob[start:at])
            start = at = at + 2
        elif glob[at] == 0x5C:
            at += 2
        elif glob[at] == 0x5B:
            at = _bracket(glob, at)[1]
        else:
            if glob[at] == 0x2F:
                segments.append(glob[start:at])
                start = at + 1
            at += 1
    return [*segments, glob[start:]]


def _blocks(segments: list[bytes]) -> bytes:
    """Runs of segments between `**`, each but the last matched where it can be first."""
    runs: list[list[bytes]] = [[]]
    for segment in segments:
        if _is_any_depth(segment):
            runs.append([])
        else:
            runs[-1].append(_segment(segment))
    first, *rest = (b"/".join(run) for run in runs)
    if not rest:
        return first
    parts = [first + b"/" if runs[0] else b""]
    for run, text in zip(runs[1:-1], rest[:-1], strict=True):
        if run:
            parts.append(b"(?>(?:.*?/)??" + text + b"/)")
    # A last `**` takes everything; a `**` before the last run takes any folders, or none.
    last = b"(?:.*/)?" + rest[-1] if runs[-1] else b".*"
    return b"".join(parts) + last


def _is_any_depth(segment: bytes) -> bool:
    return len(segment) > 1 and not segment.strip(b"*")


def _segment(glob: bytes) -> bytes:
    """One segment: the pieces between its stars, each but the last matched where it can be first."""
    pieces: list[bytes] = [b""]
    at = 0
    while at < len(glob):
        byte = glob[at]
        if byte == 0x2A:
            pieces.append(b"")
            at += 1
            continue
        if byte == 0x5B:
            text, at = _bracket(glob, at)
        elif byte == 0x3F:
            text, at = b"[^/]", at + 1
        else:
            at += byte == 0x5C
            if at == len(glob):
                raise _Malformed
            text, at = re.escape(glob[at : at + 1]), at + 1
        pieces[-1] += text
    first, *rest = pieces
    if not rest:
        return first
    inner = b"".join(b"(?>[^/]*?" + piece + b")" for piece in rest[:-1] if piece)
    return first + inner + b"[^/]*" + rest[-1]


def _bracket(glob: bytes, start: int) -> tuple[bytes, int]:
    """The bracket that begins at `start` as an expression, and where it ends."""
    at = start + 1
    negated = glob[at : at + 1] in (b"!", b"^")
    at += negated
    held: set[int] = set()
    before = 0  # what a range would begin with
    first = True
    while first or glob[at : at + 1] != b"]":
        first = False
        byte = _byte(glob, at)
        if byte == 0x5C:
            at += 1
            byte = _byte(glob, at)
            held.add(byte)
        elif byte == 0x2D and before and glob[at + 1 : at + 2] not in (b"", b"]"):
            at += 1 + (glob[at + 1] == 0x5C)
            held.update(range(before, _byte(glob, at) + 1))
            byte = 0
        elif glob[at : at + 2] == b"[:" and (named := _class(glob, at)) is not None:
            members, at = named
            held.update(members)
            byte = 0
        else:
            held.add(byte)
        before = byte
        at += 1
    return _set(held, negated), at + 1


def _byte(glob: bytes, at: int) -> int:
    if at >= len(glob):
        raise _Malformed
    return glob[at]


def _class(glob: bytes, at: int) -> tuple[bytes, int] | None:
    """The members of `[:name:]`, and where its `]` stands; None where it is an ordinary bracket after all."""
    end = glob.find(b"]", at + 2)
    if end < 0:
        raise _Malformed
    if end - 1 < at + 2 or glob[end - 1] != 0x3A:
        return None
    name = glob[at + 2 : end - 1]
    if name not in _CLASSES:
        raise _Malformed
    return _CLASSES[name].encode(), end


def _set(held: set[int], negated: bool) -> bytes:
    members = (set(range(256)) - held if negated else held) - {0x2F}
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]" if members else _NEVER
