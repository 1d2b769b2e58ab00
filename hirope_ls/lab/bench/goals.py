"""The goals of the benches, in one table. A ratio is ours divided by theirs, whatever the unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Goal:
    """What `ours`, or the ratio, may be: at most or at least `bound`, in the row's unit."""

    of: Literal["ratio", "ours"]
    way: Literal["<=", ">="]
    bound: float

    def __str__(self) -> str:
        return f"{self.of} {self.way} {self.bound:g}"

    def holds(self, ours: float, ratio: float | None) -> bool | None:
        """None where there is nothing to hold it against."""
        value = ours if self.of == "ours" else ratio
        if value is None:
            return None
        return value <= self.bound if self.way == "<=" else value >= self.bound


def _ratio(way: Literal["<=", ">="], bound: float) -> Goal:
    return Goal("ratio", way, bound)


GOALS: dict[str, Goal] = {
    "keystroke p50": Goal("ours", "<=", 2.0),  # ms, in a file of 200 KB
    "keystroke p99": Goal("ours", "<=", 10.0),
    "keystroke afresh": _ratio("<=", 1 / 20),
    "keystroke flat": _ratio("<=", 2.0),  # the longest file against the shortest
    "latency warm": _ratio("<=", 1 / 50),  # against cold, from 8k tokens on
    "latency first llama.cpp": _ratio("<=", 1.0),
    "latency line llama.cpp": _ratio("<=", 1.0),
    "latency line generate": _ratio("<=", 1 / 5),
    "decode llama.cpp": _ratio(">=", 1.0),  # tokens a second, from 8k tokens on
    "decode generate": _ratio(">=", 2.0),
    "decode bandwidth": _ratio(">=", 0.7),  # of what a GPU's memory would allow
    "attention prefill": _ratio("<=", 1.15),
    "attention chunk": _ratio("<=", 1.10),
    "attention step": _ratio("<=", 1.10),
    "memory token": _ratio("<=", 1.5),  # bytes, against a plain cache of the same numbers
    "memory token unturned": _ratio("<=", 1.0),
    "memory budget": _ratio("<=", 1.0),
    "jump up": Goal("ours", "<=", 0.0),  # rows of the file's text that are computed again
    "jump down": _ratio("<=", 1 / 10),  # the first answer, against computing again from the edit
    "many files": _ratio("<=", 1.1),  # against one file alone; a tenth for the clock's noise
    "server initialize": Goal("ours", "<=", 1.0),  # s
    "server first": Goal("ours", "<=", 2.0),  # s, after the model is ready
    "server typing": _ratio("<=", 1.5),  # while the files are read, against afterwards
    "server again": _ratio("<=", 1 / 2),  # a second start's index, against the first
    "server memory": Goal("ours", "<=", 250.0),  # MiB, for 10,000 files
    "many replicas": _ratio(">=", 1.9),  # 2 against 1
}
