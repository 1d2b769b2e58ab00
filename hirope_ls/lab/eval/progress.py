"""How far an evaluation is, on stderr: a bar with the time left on a terminal, else a line a minute.

The time left follows what items cost, not how many there are: a long one costs more than its length says.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_POWER = 1.5  # between a model's linear layers and its attention
_EVERY = 60  # seconds


class Shown:
    """Progress over items of these lengths, to be shown while one is in it."""

    def __init__(self, name: str, lengths: Iterable[int], trained_length: int) -> None:
        """`lengths`: those of the items still to be measured, one for each."""
        self._trained_length = trained_length
        told = list(lengths)
        self._left = sum(map(self._cost, told))
        self._done = 0.0
        self._told = time.monotonic()
        self._name = name
        self._begin = time.monotonic()
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(
            *columns, TextColumn("{task.fields[left]}"), console=self._console, disable=not self._console.is_terminal
        )
        self._task = self._bar.add_task(name, total=len(told), left="")

    def __enter__(self) -> Shown:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, length: int) -> None:
        """An item of that length is measured."""
        cost = self._cost(length)
        self._left, self._done = self._left - cost, self._done + cost
        self._bar.update(self._task, advance=1, left=f"about {self.time_left()} left")
        if self._bar.disable and time.monotonic() > self._told + _EVERY:
            self._told = time.monotonic()
            share = self._done / (self._done + self._left)
            self.say(f"{self._name}: {share:.0%} done, about {self.time_left()} left")

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    def time_left(self) -> str:
        """The time left for people."""
        seconds = self._left * (time.monotonic() - self._begin) / self._done if self._done else 0.0
        if seconds < 90:
            return f"{max(seconds, 0.0):.0f} s"
        return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

    def _cost(self, length: int) -> float:
        return math.pow(length + self._trained_length, _POWER)
