"""Many open files, cycled: whether the first token in one is as fast as if it were alone, while the budget holds all.

A character is typed in each file in turn. The rows of many files do not fit the processor's own cache, those of one do:
so both are also measured after other memory was read, as it is after a second of other work. Team servers stand here
too, as what is not measured: there is none yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.ours import BUDGET, Ours
from hirope_ls.lab.bench.peers import Lab, middle
from hirope_ls.lab.bench.rows import Row, missing, row
from hirope_ls.lab.bench.sides import Answer, Took
from hirope_ls.model.generator import IntArray

_ALONE, _SWEPT = "one file alone", "alone, both out of the CPU's cache"
_SWEEP = 1 << 26  # bytes

_Pair = tuple[Answer, Answer]


@dataclass(frozen=True)
class Sizes:
    """Numbers of open files, tokens of each, and characters typed in each."""

    files: tuple[int, ...] = (1, 10, 100)
    file_tokens: int = 1_024
    keys: int = 3


QUICK = Sizes((1, 5), 256, 2)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """A row for each number of files, and for what there is no server for."""
    alone = _Cycle(lab, 1, sizes)
    other = np.ones(_SWEEP, np.uint8)
    for number in sizes.files:
        cycle = _Cycle(lab, number, sizes)
        yield _row(number, sizes, cycle, _ALONE, _keys(cycle, alone, number, sizes.keys, lambda: None), "many files")
        yield _row(number, sizes, cycle, _SWEPT, _keys(cycle, alone, number, sizes.keys, other.max))
    for editors in (1, 4, 16):
        yield missing("many", f"{editors} editors against a team server", "there is no team server yet")
    why = "there is no team server yet"
    yield missing("many", "2 replicas of a team server", why, "1 replica", "many replicas")


def _keys(cycle: _Cycle, alone: _Cycle, files: int, keys: int, before: Callable[[], object]) -> list[_Pair]:
    """Keys in each file of a cycle and in one alone, in turn, so that a busy machine slows both alike."""
    found = []
    for _ in range(keys):
        for file in range(files):
            before()
            ours = cycle.key(file)
            before()
            found.append((ours, alone.key(0)))
    return found


def _row(number: int, sizes: Sizes, cycle: _Cycle, peer: str, pairs: list[_Pair], goal: str | None = None) -> Row:
    ours, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    (time, cpu), (their_time, their_cpu) = middle(ours, _first), middle(theirs, _first)
    computed = max(answer.computed for answer in ours)
    held = cycle.held
    note = f"CPU {cpu:.2f} against {their_cpu:.2f} ms; at most {computed} rows computed; {held / 2**20:.0f} MiB held"
    files = f"{number} file{'s' * (number > 1)} of {sizes.file_tokens:,}"
    return row("many", f"{files}: first token", time, "ms", peer, their_time, goal, note)


class _Cycle:
    """Open files, each read once, and typed in by changing its last token."""

    def __init__(self, lab: Lab, files: int, sizes: Sizes) -> None:
        self._side, self._vocab, self._typed = Ours(lab.loaded, BUDGET), lab.card.vocab_size, 0
        ids, self._positions = random_prompt(lab.card.vocab_size, lab.card.trained_length, sizes.file_tokens)
        self._ids: list[IntArray] = [np.roll(ids, file) for file in range(files)]
        for file in range(files):
            self.key(file)

    def key(self, file: int) -> Answer:
        self._typed += 1
        ids = self._ids[file].copy()
        ids[-1] = 4 + self._typed % (self._vocab - 4)
        return self._side.answer(f"file{file}", ids, self._positions, 1)

    @property
    def held(self) -> int:
        """Bytes in the caches of all files."""
        return self._side.model.used_bytes


def _first(answer: Answer) -> Took:
    return answer.first
