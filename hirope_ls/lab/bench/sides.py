"""What a bench compares: sides that continue the same ids greedily, each with its own prefix cache, and their clocks.

Knows no engine: ours, transformers and llama.cpp stand in modules of their own.
"""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from hirope_ls.model.generator import IntArray, Mentions


class Took(NamedTuple):
    """Seconds: of wall clock, and of CPU by all threads of the side's process."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Answer:
    """What a side said to a prompt: its tokens, what each took (the first with the prompt's reading), how many of the
    prompt's rows came from its cache and how many it computed."""

    tokens: tuple[int, ...]
    took: tuple[Took, ...]
    reused: int
    computed: int

    @property
    def first(self) -> Took:
        """To the first token."""
        return self.took[0]

    @property
    def all(self) -> Took:
        """To the last token."""
        return _sum(self.took)

    @property
    def step(self) -> Took:
        """The mean of the tokens after the first: a side may find several at once."""
        later = self.took[1:]
        total = _sum(later)
        return Took(total.wall / len(later), total.cpu / len(later))


def _sum(parts: Sequence[Took]) -> Took:
    return Took(sum(part.wall for part in parts), sum(part.cpu for part in parts))


class Side(Protocol):
    """One way of decoding. `key` names the file; `new` tokens come back, never fewer, whatever they are."""

    def answer(
        self, key: str, ids: IntArray, positions: IntArray, new: int, mentions: Mentions | None = None
    ) -> Answer: ...

    def forget(self) -> None:
        """Empty the caches: the next answer is cold."""
        ...

    def held(self, key: str) -> tuple[int, int]:
        """(rows, bytes) in the cache for that key."""
        ...

    def peak(self) -> int:
        """The most memory that the process ever had, in bytes."""
        ...

    def close(self) -> None: ...


class Stopwatch:
    """What each lap took; the first begins when the watch is made."""

    def __init__(self) -> None:
        self.laps: list[Took] = []
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def lap(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.laps.append(Took(wall - self._wall, cpu - self._cpu))
        self._wall, self._cpu = wall, cpu


def shared_rows(held: IntArray, ids: IntArray) -> int:
    """Rows of `ids` that a cache of `held` serves; the last is computed again, for its logits."""
    size = min(len(held), len(ids) - 1)
    differs = held[:size] != ids[:size]
    return int(differs.argmax()) if differs.any() else size


def joined(ids: IntArray, said: Sequence[int]) -> IntArray:
    """What a cache holds after an answer: the token said last was never read."""
    return np.append(ids, np.array(said[:-1], np.int32)).astype(np.int32)


def process_peak() -> int:
    """The most memory this process ever had, in bytes."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    except OSError:
        found = None
    # what getrusage tells begins with the parent's peak, so it comes second
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
