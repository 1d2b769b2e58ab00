"""Time a keystroke, from the edit to a snapshot (text, tree, units, tokens, positions), against doing it afresh.

The typist writes whole lines at random places inside functions of a large file, character by character; while a line
is unfinished the text is mostly broken, as it is in an editor. Both ways are timed side by side; the ratio is what
counts. Goals are held against the wall clock; the thread's CPU time stands in the note: on a busy machine only that
means something.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.lab.bench.code import library
from hirope_ls.lab.bench.peers import Lab
from hirope_ls.lab.bench.rows import Row, row
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import never
from hirope_ls.text import Buffer, Edit

_LINES = [
    b"    value = self.compute(argument, [1, 2], key='name')\n",
    b'    if value is None and not options.get("quiet"):\n',
    b"    return {name: item for name, item in values.items()}\n",
]
_GOAL_BYTES = 200_000  # the goals in ms are for files of about this size


@dataclass(frozen=True)
class Sizes:
    """Lengths of the files in lines, keystrokes timed in each, and the seed of the places typed at."""

    lines: tuple[int, ...] = (1_000, 5_000, 20_000, 50_000)
    keystrokes: int = 300
    seed: int = 0


QUICK = Sizes((1_000, 5_000), 40)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Rows for each length, then how the longest compares with the shortest. Raises InputError."""
    pipeline = Pipeline(TextTokenizer.load(lab.card.folder), lab.card.trained_length)
    runs = [_typed(pipeline, lines, sizes) for lines in sizes.lines]
    near = min(runs, key=lambda run: abs(run.size - _GOAL_BYTES))
    for run in runs:
        yield from _rows(run, judged=run is near)
    short, long = min(runs, key=lambda run: run.size), max(runs, key=lambda run: run.size)
    times = [float(np.median(run.wall)) * 1e3 for run in (long, short)]
    cpu = [float(np.median(run.cpu)) * 1e3 for run in (long, short)]
    name = f"p50 at {long.lines:,} lines", f"at {short.lines:,} lines"
    yield row("keystroke", name[0], times[0], "ms", name[1], times[1], "keystroke flat", _cpu(*cpu))


@dataclass(frozen=True)
class _Run:
    """Seconds of each keystroke, and of the same text done afresh."""

    lines: int
    size: int
    flat: bool
    broken: float
    wall: list[float]
    cpu: list[float]
    afresh: list[float]
    afresh_cpu: list[float]


def _rows(run: _Run, judged: bool) -> Iterator[Row]:
    case = f"{run.lines:,} lines, {run.size / 1e3:.0f} KB{' flat' if run.flat else ''}"
    p50, p90, p99 = (1e3 * float(np.percentile(run.wall, p)) for p in (50, 90, 99))
    cpu50, cpu90, cpu99 = (1e3 * float(np.percentile(run.cpu, p)) for p in (50, 90, 99))
    fresh, fresh_cpu = 1e3 * float(np.median(run.afresh)), 1e3 * float(np.median(run.afresh_cpu))
    note = f"{_cpu(cpu50, fresh_cpu)}; {run.broken:.0%} of the texts broken"
    yield row("keystroke", f"{case}: p50", p50, "ms", "afresh", fresh, "keystroke afresh", note)
    for name, value, cpu in (("p50", p50, cpu50), ("p90", p90, cpu90), ("p99", p99, cpu99)):
        goal = f"keystroke {name}" if judged and name != "p90" else None
        yield row("keystroke", f"{case}: {name}", value, "ms", goal=goal, note=f"CPU {cpu:.2f} ms")


def _cpu(ours: float, theirs: float) -> str:
    return f"CPU {ours:.2f} against {theirs:.2f} ms"


def _typed(pipeline: Pipeline, lines: int, sizes: Sizes) -> _Run:
    data = library(lines)
    snapshot = pipeline.open("file:///bench.py", 0, Buffer.of(data), "python", None)
    rng, broken_before = random.Random(sizes.seed), _broken(snapshot)
    wall, cpu, broken, fresh_wall, fresh_cpu = [], [], 0, [], []
    typed: Iterator[Edit] = iter(())
    for step in range(sizes.keystrokes):
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
        if step % max(sizes.keystrokes // 10, 1) == 0:
            took, took_cpu = _afresh(pipeline, snapshot)
            fresh_wall.append(took)
            fresh_cpu.append(took_cpu)
    share = broken / sizes.keystrokes
    return _Run(lines, len(data), snapshot.parse.flat, share, wall, cpu, fresh_wall, fresh_cpu)


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
