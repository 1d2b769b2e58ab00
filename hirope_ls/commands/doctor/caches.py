"""What is kept between starts: machine code, the index of workspaces, models. All of it is safe to delete."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.doctor.private import shortened
from hirope_ls.commands.sizes import size
from hirope_ls.model.hub import all_cached, cache_folder
from hirope_ls.workspace import default_folder

_IN: Final = Section("Caches")
_LARGE: Final = 2 * 10**9  # bytes of index


def checks() -> Iterator[Finding]:
    """All of them; quick. Machine code is told of with the model that uses it."""
    yield kept("index", default_folder())
    yield kept("machine code", default_folder().with_name("compiled"))
    yield from quarantined(default_folder())
    yield _models()


def kept(name: str, folder: Path) -> Finding:
    """One of our own folders."""
    place = shortened(folder)
    if not folder.exists():
        above = next((path for path in folder.parents if path.exists()), Path("/"))
        if not os.access(above, os.W_OK):
            told = "cannot be kept: all is made anew at each start"
            return _IN.warning(name, told, f"sudo chown -R $USER {shortened(above)}", place, bytes=0)
        return _IN.ok(name, "nothing yet", place, bytes=0)
    count, total = _measured(folder)
    told = f"{size(total)} in {count} file{'' if count == 1 else 's'}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return _IN.warning(name, f"{told}, and cannot be written", f"sudo chown -R $USER {place}", place, bytes=total)
    if name == "index" and total > _LARGE:
        return _IN.warning(name, f"{told}: more than is of use", f"rm -r {place}", place, bytes=total)
    return _IN.ok(name, told, place, bytes=total, files=count)


def _measured(folder: Path) -> tuple[int, int]:
    sizes = list[int]()
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append((Path(where) / name).lstat().st_size)
            except OSError:
                continue  # gone meanwhile
    return len(sizes), sum(sizes)


def quarantined(index: Path) -> Iterator[Finding]:
    """Files over which a process died are left alone until they change."""
    count = 0
    for path in index.glob("*/quarantine.jsonl"):
        with contextlib.suppress(OSError):
            count += path.read_bytes().count(b"\n")
    if count:
        told = f"{count} file{'' if count == 1 else 's'} left alone until changed: a process died over them"
        yield _IN.note("quarantine", told, f"rm {shortened(index)}/*/quarantine.jsonl", files=count)


def _models() -> Finding:
    found = list(all_cached())
    told = f"{len(found)} in the Hugging Face cache" if found else "none but the bundled one"
    return _IN.ok("models", told, shortened(cache_folder()) if found else "", models=len(found))
