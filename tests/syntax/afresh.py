"""What incremental parses are held to: the parse of the same text from nothing."""

from __future__ import annotations

from collections.abc import Sequence

from hirope_ls.syntax import Language, Parse, parse, reparse
from hirope_ls.text import Buffer, Edit


def difference(parsed: Parse, fresh: Parse) -> str | None:
    """What differs between two parses, if anything."""
    for name in ("units", "borders", "shape", "flat", "definitions"):
        if getattr(parsed, name) != getattr(fresh, name):
            return name
    if parsed.unit_starts.tolist() != [unit.start for unit in fresh.units]:
        return "unit starts"
    return None if list(parsed.nodes()) == list(fresh.nodes()) else "nodes"


def covers(parsed: Parse, size: int) -> bool:
    ends = [0, *(unit.end for unit in parsed.units)]
    return [unit.start for unit in parsed.units] == ends[:-1] and ends[-1] == size


def replay(language: Language, text: bytes, edits: Sequence[Edit]) -> str | None:
    """What differs after `edits`, if anything."""
    buffer = Buffer.of(text)
    parsed = parse(language, buffer)
    for edit in edits:
        changed = buffer.apply(edit)
        parsed, buffer = reparse(parsed, buffer, edit, changed), changed
        if not covers(parsed, len(buffer.data)):
            return "units do not cover the text"
        if wrong := difference(parsed, parse(language, buffer)):
            return wrong
    return None
