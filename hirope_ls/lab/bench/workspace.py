"""Time the index of a repository: the first start, a second one, and a branch switch. Needs no model.

The repository is generated: modules of a few functions. A record is what the syntax layer says a file defines, made in
a process of its own as the server has it. The switch replaces, removes and adds half of the files; the index is then
compared with the disk, digest by digest, until they are equal. CPU time is of this process, in which the server would
live; the memory is its largest, torch not loaded.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from hirope_ls.lab.bench import rows
from hirope_ls.lab.bench.rows import Row, row
from hirope_ls.problems import InputError
from hirope_ls.syntax import language_for, parse
from hirope_ls.text import Buffer
from hirope_ls.workspace import Workspace
from hirope_ls.workspace.database import digest_of

MAKE = f"{__name__}:record"
_PART = 50  # files of a folder
_LONGEST = 600.0  # seconds
_FUNCTION = '''
def {name}(items, limit={number}):
    """Keep the first items that {name} wants."""
    kept = [item for item in items if item.size > limit]
    return sorted(kept, key=lambda item: item.name)[:{number}]
'''


@dataclass(frozen=True)
class Sizes:
    """Files of the repository, and functions of each."""

    files: int = 10_000
    functions: int = 12


QUICK = Sizes(300, 3)


def record(name: str, data: bytes) -> bytes | None:
    """The names of a file's units, one a line."""
    language = language_for(None, name)
    if language is None:
        return None
    units = (unit for piece in parse(language, Buffer.of(data)).pieces for unit in piece.units)
    return "\n".join(unit.name for unit in units).encode()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("--files", type=int, metavar="N", help=f"files of the repository ({Sizes().files})")
    add("--functions", type=int, metavar="N", help=f"functions of each ({Sizes().functions})")
    add("--polled", action="store_true", help="as if the kernel had no watches left")
    add("--quick", action="store_true", help="small sizes: does it run? The figures mean little")
    add("--json", type=Path, metavar="FILE", help="write the rows here as well")


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; exit code 0. Raises InputError."""
    sizes = QUICK if args.quick else Sizes()
    sizes = replace(sizes, files=args.files or sizes.files, functions=args.functions or sizes.functions)
    if min(sizes.files, sizes.functions) < 1:
        raise InputError("--files and --functions must be at least 1")
    with tempfile.TemporaryDirectory(prefix="hirope-bench-") as folder:
        found = list(measure(Path(folder).resolve(), sizes, not args.polled))
    told("workspace", found, args.json)
    return 0


def told(bench: str, found: Sequence[Row], file: Path | None) -> None:
    """Print the rows of a bench that needs no model; write them, too, where a file is asked for. Raises InputError."""
    console = Console(highlight=False)
    console.print(rows.table(bench, found))
    console.print(machine())
    if file is not None:
        rows.write(file, machine(), {"python": platform.python_version()}, found)


def machine() -> str:
    """What this runs on, and whether anybody else is at work."""
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, load {os.getloadavg()[0]:.1f}"


def measure(folder: Path, sizes: Sizes, watch: bool = True) -> Iterator[Row]:
    """Rows for both starts, the switch and the memory."""
    root, cache = folder / "repository", folder / "cache"
    _generate(root, sizes)
    time.sleep(2.1)  # files as fresh as their reading would be read again
    case = f"{sizes.files:,} files"
    first = _started(root, cache, watch)
    first.workspace.close()
    second = _started(root, cache, watch)
    yield row("workspace", f"{case}: listed", first.listed, "s", note=first.cpu)
    yield row("workspace", f"{case}: indexed", first.done, "s", note=first.cpu)
    yield row("workspace", f"{case}: a second start", second.done, "s", "the first", first.done, note=second.cpu)
    touched, began = _switch(root), time.monotonic()
    seconds = _until_equal(second.workspace, root, began)
    how = "watched" if watch else "polled"
    yield row("workspace", f"{touched:,} files of a branch switch, {how}: index equals disk", seconds, "s")
    second.workspace.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield row("workspace", f"{case}: largest memory", peak, "MiB", note=f"{_kept(cache):.1f} MiB are kept on disk")


@dataclass(frozen=True)
class _Start:
    workspace: Workspace
    listed: float
    done: float
    cpu: str


def _started(root: Path, cache: Path, watch: bool) -> _Start:
    began, cpu = time.perf_counter(), time.process_time()
    workspace = Workspace([root], MAKE, "bench", cache=cache, watch=watch)
    workspace.start()
    workspace.ready(_LONGEST)
    listed = time.perf_counter() - began
    if not workspace.settled(_LONGEST):
        raise InputError("the index was not ready in time")
    return _Start(workspace, listed, time.perf_counter() - began, f"CPU {time.process_time() - cpu:.2f} s")


def _generate(root: Path, sizes: Sizes) -> None:
    for number in range(sizes.files):
        path = root / f"part{number // _PART}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        names = (f"function_{number}_{at}" for at in range(sizes.functions))
        path.write_text("".join(_FUNCTION.format(name=name, number=number) for name in names))


def _switch(root: Path) -> int:
    """Half of the files, as git does: every second is replaced, removed or moved to a new name."""
    paths = sorted(root.rglob("*.py"))[::2]
    for at, path in enumerate(paths):
        if at % 3 == 0:
            path.write_text(f"def other_{at}():\n    return {at}\n")
        elif at % 3 == 1:
            path.unlink()
        else:
            path.rename(path.with_name(f"moved{at}.py"))
    git = root / ".git"
    git.mkdir(exist_ok=True)
    (git / "index").write_text(f"{len(paths)} files")  # which git writes when all is done
    return len(paths)


def _until_equal(workspace: Workspace, root: Path, began: float) -> float:
    """Seconds from `began` until the index has the digests of the disk."""
    wanted = {str(path): digest_of(path.read_bytes()) for path in root.rglob("*.py")}
    while {path: workspace.digest(path) for path in workspace.files()} != wanted:
        if time.monotonic() - began > _LONGEST:
            raise InputError("the index never equalled the disk")
        time.sleep(0.1)
    return time.monotonic() - began


def _kept(cache: Path) -> float:
    return sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) / 2**20
