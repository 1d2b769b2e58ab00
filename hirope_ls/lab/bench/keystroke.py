"""Time a keystroke, from the edit to a snapshot (text, tree, units, tokens, positions), against doing it afresh.

The typist writes whole lines at random places inside functions of a large file, character by character; while a line
is unfinished the text is mostly broken, as it is in an editor. Both ways are timed side by side; the ratio is what
counts. CPU time of the thread is shown next to the wall clock: on a busy machine only the first means something.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import re
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.model.folder import bundled_folder
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError, never
from hirope_ls.text import Buffer, Edit

_LINES = [
    b"    value = self.compute(argument, [1, 2], key='name')\n",
    b'    if value is None and not options.get("quiet"):\n',
    b"    return {name: item for name, item in values.items()}\n",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The bench's options."""
    parser.add_argument(
        "--model", type=Path, default=bundled_folder(), help="folder with tokenizer.json (the bundled one)"
    )
    parser.add_argument("--trained-length", type=int, default=512, help="tokens the model was trained for (512)")
    parser.add_argument(
        "--lines", type=int, nargs="+", default=[1_000, 5_000, 20_000, 50_000], help="lengths of the files"
    )
    parser.add_argument("--keystrokes", type=int, default=300, help="keystrokes timed for each file (300)")
    parser.add_argument("--seed", type=int, default=0, help="of the places typed at (0)")
    parser.add_argument("--json", type=Path, help="write the figures here as well")


def run(args: argparse.Namespace) -> int:
    """Time and print; the exit code. Raises ModelRefused, InputError."""
    pipeline = Pipeline(TextTokenizer.load(args.model), args.trained_length)
    rows = [_bench(pipeline, lines, args.keystrokes, args.seed) for lines in args.lines]
    Console().print(_table(rows))
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {args.model.name}")
    if args.json:
        args.json.write_text(json.dumps({"bench": "keystroke", "rows": rows}, indent=1) + "\n", "utf-8")
    return 0


def _bench(pipeline: Pipeline, lines: int, keystrokes: int, seed: int) -> dict[str, Any]:
    data = _source(lines)
    snapshot = pipeline.open("file:///bench.py", 0, Buffer.of(data), "python", None)
    rng, broken_before = random.Random(seed), _broken(snapshot)
    wall, cpu, broken, fresh_wall, fresh_cpu = [], [], 0, [], []
    typed: Iterator[Edit] = iter(())
    for step in range(keystrokes):
        edit = next(typed, None)
        if edit is None:
            typed = _line(rng, snapshot.buffer.data)
            edit = next(typed)
        began, began_cpu = time.perf_counter(), time.thread_time()
        snapshot = pipeline.edit(snapshot, [edit], step)
        snapshot.positions  # noqa: B018  (made on first use)
        wall.append(time.perf_counter() - began)
        cpu.append(time.thread_time() - began_cpu)
        broken += _broken(snapshot) > broken_before
        if step % max(keystrokes // 10, 1) == 0:
            took, took_cpu = _afresh(pipeline, snapshot)
            fresh_wall.append(took)
            fresh_cpu.append(took_cpu)
    return {
        "lines": lines,
        "bytes": len(data),
        "tokens": len(snapshot.tokens),
        "flat": snapshot.parse.flat,
        "broken": broken / keystrokes,
        "ms": _percentiles(wall),
        "cpu_ms": _percentiles(cpu),
        "fresh_cpu_ms": 1e3 * float(np.median(fresh_cpu)),
        "ratio": float(np.median(fresh_cpu) / np.median(cpu)),
        "ratio_wall": float(np.median(fresh_wall) / np.median(wall)),
    }


def _broken(snapshot: Snapshot) -> int:
    """Pieces with an error; the file's end, cut off in the middle, may have one from the start."""
    return sum(piece.tree is not None and piece.tree.root_node.has_error for piece in snapshot.parse.pieces)


def _afresh(pipeline: Pipeline, snapshot: Snapshot) -> tuple[float, float]:
    """Seconds (wall, CPU) for the same snapshot made from nothing; and it is the same."""
    began, began_cpu = time.perf_counter(), time.thread_time()
    fresh = pipeline.open(snapshot.uri, snapshot.version, Buffer.of(snapshot.buffer.data), "python", None)
    fresh.positions  # noqa: B018
    took = time.perf_counter() - began, time.thread_time() - began_cpu
    if fresh.digest() != snapshot.digest():
        never("a keystroke differs from the same text afresh", bytes=len(snapshot.buffer.data))
    return took


def _line(rng: random.Random, data: bytes) -> Iterator[Edit]:
    """One line typed inside a function somewhere, a character at a time."""
    near = rng.randrange(len(data))
    inside = re.compile(rb"\n(?=    \S)").search(data, near) or re.compile(rb"\n").search(data)
    at = inside.end() if inside else len(data)
    for byte in rng.choice(_LINES):
        yield Edit(at, at, bytes([byte]))
        at += 1


def _source(lines: int) -> bytes:
    """That many lines of real code: modules of the standard library one after the other."""
    parts: list[bytes] = []
    have = 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"), key=lambda path: path.name[::-1]):
        data = path.read_bytes()
        if not data.isascii() or len(data) < 5_000:
            continue
        parts.append(data)
        have += data.count(b"\n")
        if have >= lines:
            return b"".join(b"\n".join(parts).splitlines(keepends=True)[:lines])
    raise InputError(f"the standard library here has no {lines} lines; ask for fewer")


def _percentiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{p}": 1e3 * float(np.percentile(seconds, p)) for p in (50, 90, 99)}


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="one keystroke, ms of CPU (wall clock in brackets)")
    for name in ("lines", "KB", "tokens", "broken", "p50", "p90", "p99", "afresh", "ratio"):
        table.add_column(name, justify="right")
    for row in rows:
        times = (f"{row['cpu_ms'][p]:.2f} ({row['ms'][p]:.2f})" for p in ("p50", "p90", "p99"))
        size = f"{row['bytes'] / 1e3:.0f}{' flat' if row['flat'] else ''}"
        counts = (str(row["lines"]), size, str(row["tokens"]), f"{row['broken']:.0%}")
        table.add_row(*counts, *times, f"{row['fresh_cpu_ms']:.0f}", f"{row['ratio']:.0f}x")
    return table
