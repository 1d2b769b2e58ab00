"""What is kept of a file between starts: its symbols without the references, as compact JSON.

References are by far the most of it, and only wanted of the file that is being edited, whose tree is at hand. Of the
settings of a TypeScript project the text is kept, as it says where modules are. Knows names and bytes; no disks.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from hirope_ls.syntax.extracting import symbols_in
from hirope_ls.syntax.languages import language_for
from hirope_ls.syntax.limits import is_flat
from hirope_ls.syntax.symbols import VERSION, FileSymbols
from hirope_ls.text.shape import Shape

RECORDS = f"symbols-{VERSION}"
"""The version of records: of another one none is read."""

_SETTINGS = frozenset({"tsconfig.json", "jsconfig.json"})


class Record(NamedTuple):
    """What a record tells: symbols, or the text of settings."""

    symbols: FileSymbols | None = None
    settings: str = ""


def record(name: str, data: bytes) -> bytes | None:
    """The record of a file with this name and these bytes; None where there is nothing to tell."""
    if name in _SETTINGS:
        return json.dumps({"settings": data.decode(errors="replace")}).encode()
    language = language_for(None, name)
    if language is None:
        return None
    if is_flat(Shape.of(data), len(data)):
        return None
    found = symbols_in(language, data, uses=False)
    return json.dumps(found.to_json(), ensure_ascii=False, separators=(",", ":")).encode()


def read(stored: bytes | None) -> Record:
    """What `record` made; an empty one for anything else."""
    try:
        found = json.loads(stored or b"null")
    except ValueError:
        return Record()
    if isinstance(found, dict) and isinstance(found.get("settings"), str):
        return Record(settings=found["settings"])
    return Record(FileSymbols.from_json(found))
