"""Time a keystroke, from the edit to a snapshot (text, tree, units, tokens, positions), against doing it afresh.

The typist writes whole lines at random places inside functions of a large file, character by character; while a line
is unfinished the text is mostly broken, as it is in an editor. Both ways are timed side by side; the ratio is what
counts. Goals are held against the wall clock; the thread's CPU time stands in the note: on a busy machine only that
means something. Of the positions those are written out that a prompt at the cursor may hold. That prompt is timed by
itself: nothing that a keystroke leaves undone may come back there.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from hirope_ls.engine.options import Options
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.lab.bench.code import Desk, library
from hirope_ls.lab.bench.peers import Lab
from hirope_ls.lab.bench.rows import Row, row
from hirope_ls.problems import never
from hirope_ls.text import Edit

_LINES = [
    b"    value = self.compute(argument, [1, 2], key='name')\n",
    b'    if value is None and not options.get("quiet"):\n',
    b"    return {name: item for name, item in values.items()}\n",
]
_T = TypeVar("_T")
_GOAL_BYTES = 200_000  # the goals in ms are for files of about this size


@dataclass(frozen=True)
class Sizes:
    """Lengths of the files in lines, keystrokes timed in each, and the seed of the places typed at."""

    lines: tuple[int, ...] = (1_000, 5_000, 20_000, 50_000)
    keystrokes: int = 300
    seed: int = 0


QUICK = Sizes((1_000, 5_000), 40)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Rows for each length, then how long files compare with the shortest. Raises InputError."""
    desk = Desk.of(lab.card, Options().prompt_cap(lab.card.trained_length))
    runs = [_Run(desk, lines, sizes.seed) for lines in sizes.lines]
    for step in range(sizes.keystrokes):
        for run in runs:  # by turns: a machine that is busy for a while is so for all of them
            run.type(step)
            if step % max(sizes.keystrokes // 10, 1) == 0:
                run.check()
    near = min(runs, key=lambda run: abs(run.size - _GOAL_BYTES))
    for run in runs:
        yield from _rows(run, judged=run is near)
    short = min(runs, key=lambda run: run.size)
    for long in _longest(runs):
        yield from _compared(long, short)


class _Times:
    """Seconds by the wall clock and of this thread's CPU time."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def take(self, work: Callable[[], _T]) -> _T:
        began, began_cpu = time.perf_counter(), time.thread_time()
        done = work()
        self.wall.append(time.perf_counter() - began)
        self.cpu.append(time.thread_time() - began_cpu)
        return done

    def ms(self, percent: int = 50) -> tuple[float, float]:
        """Milliseconds (wall, CPU) that so many of a hundred took at most."""
        return 1e3 * float(np.percentile(self.wall, percent)), 1e3 * float(np.percentile(self.cpu, percent))


class _Run:
    """One file and who types in it; the times of each key, of the same text afresh, and of the prompt at the cursor."""

    def __init__(self, desk: Desk, lines: int, seed: int) -> None:
        self.desk, self.lines = desk, lines
        self.snapshot, self.at = desk.open(f"{lines}", library(lines)), 0
        self.size, self.flat = len(self.snapshot.buffer.data), self.snapshot.parse.flat
        self.keys, self.afresh, self.prompts = _Times(), _Times(), _Times()
        self.num_broken, self._broken_before = 0, _broken(self.snapshot)
        self._rng = random.Random(seed)
        self._typed: Iterator[Edit] = iter(())

    def type(self, step: int) -> None:
        """The next character of a line, or the first of another one."""
        edit = next(self._typed, None)
        if edit is None:
            self._typed = _line(self._rng, self.snapshot.buffer.data)
            edit = next(self._typed)
        self.at = edit.new_end
        self.snapshot = self.keys.take(partial(self._after, edit, step))
        self.prompts.take(partial(self.desk.prompt, self.snapshot, self.at))
        self.num_broken += _broken(self.snapshot) > self._broken_before

    def check(self) -> None:
        """Time the same text's snapshot made from nothing; and it is the same."""
        if self.afresh.take(self._fresh).digest() != self.snapshot.digest():
            never("a keystroke differs from the same text afresh", bytes=len(self.snapshot.buffer.data))

    def _after(self, edit: Edit, step: int) -> Snapshot:
        return self._with_positions(self.desk.pipeline.edit(self.snapshot, [edit], step))

    def _fresh(self) -> Snapshot:
        return self._with_positions(self.desk.open(f"{self.lines}", self.snapshot.buffer.data))

    def _with_positions(self, snapshot: Snapshot) -> Snapshot:
        """With the positions written out that a prompt at the cursor may hold."""
        near = snapshot.tokens.before(self.at)
        snapshot.layout.positions_in(max(0, near - self.desk.cap), near)
        return snapshot


def _rows(run: _Run, judged: bool) -> Iterator[Row]:
    case = f"{run.lines:,} lines, {run.size / 1e3:.0f} KB{' flat' if run.flat else ''}"
    (p50, cpu), (fresh, fresh_cpu) = run.keys.ms(), run.afresh.ms()
    note = f"{_cpu(cpu, fresh_cpu)}; {run.num_broken / len(run.keys.wall):.0%} of the texts broken"
    yield row("keystroke", f"{case}: p50", p50, "ms", "afresh", fresh, "keystroke afresh", note)
    for percent in (50, 90, 99):
        value, cpu = run.keys.ms(percent)
        goal = f"keystroke p{percent}" if judged and percent != 90 else None
        yield row("keystroke", f"{case}: p{percent}", value, "ms", goal=goal, note=f"CPU {cpu:.2f} ms")
    prompt, cpu = run.prompts.ms()
    yield row("keystroke", f"{case}: then the prompt, p50", prompt, "ms", note=f"CPU {cpu:.2f} ms")


def _longest(runs: list[_Run]) -> list[_Run]:
    """The longest file with trees, and the longest without, which is longer."""
    longest = {run.flat: run for run in sorted(runs, key=lambda run: run.size)}
    return [longest[flat] for flat in (False, True) if flat in longest]


def _compared(long: _Run, short: _Run) -> Iterator[Row]:
    for name, ours, theirs in (("p50", long.keys, short.keys), ("prompt p50", long.prompts, short.prompts)):
        (wall, cpu), (short_wall, short_cpu) = ours.ms(), theirs.ms()
        names = f"{name} at {long.lines:,} lines", f"at {short.lines:,} lines"
        note = _cpu(cpu, short_cpu)
        yield row("keystroke", names[0], wall, "ms", names[1], short_wall, "keystroke flat", note)


def _cpu(ours: float, theirs: float) -> str:
    return f"CPU {ours:.2f} against {theirs:.2f} ms"


def _broken(snapshot: Snapshot) -> int:
    """Pieces with an error; the file's end, cut off in the middle, may have one from the start."""
    return sum(piece.tree is not None and piece.tree.root_node.has_error for piece in snapshot.parse.pieces)


def _line(rng: random.Random, data: bytes) -> Iterator[Edit]:
    """One line typed inside a function somewhere, a character at a time."""
    near = rng.randrange(len(data))
    inside = re.compile(rb"\n(?=    \S)").search(data, near) or re.compile(rb"\n").search(data)
    at = inside.end() if inside else len(data)
    for byte in rng.choice(_LINES):
        yield Edit(at, at, bytes([byte]))
        at += 1
