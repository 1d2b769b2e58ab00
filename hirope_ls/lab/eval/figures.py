"""From measurements to figures: means over files, with 95 % intervals by Student's t.

Files are what is drawn at random, so measurements in one file are averaged first. Knows numbers and names only.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

LOWER_IS_BETTER = frozenset({"nll", "copy_nll"})  # nats; the other metrics are shares from 0 to 1
_DIGITS = 6


@dataclass(frozen=True)
class Measured:
    """One item under one method: the task's metrics and their values."""

    method: str
    preset: str
    length: int
    file: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Row:
    """One figure. `low`, `high`: its interval, None where a single file tells none; `n`: files."""

    task: str
    method: str
    preset: str
    length: int
    multiple: float
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int


Place = tuple[str, int, str]
"""(method, length, metric)"""

Values = Mapping[Place, Mapping[str, float]]
"""What `per_file` makes."""


def rows(task: str, measured: Sequence[Measured], trained_length: int) -> list[Row]:
    """A row for each method, length and metric, in the order in which they come first."""
    presets = {one.method: one.preset for one in measured}
    return [
        Row(task, method, presets[method], length, _rounded(length / trained_length), metric, *_figure(metric, files))
        for (method, length, metric), files in per_file(measured).items()
    ]


def _figure(metric: str, files: Mapping[str, float]) -> tuple[float, float | None, float | None, int]:
    """(value, low, high, n)"""
    value, error = mean_and_error(list(files.values()))
    if error is None:
        return _rounded(value), None, None, 1
    most = math.inf if metric in LOWER_IS_BETTER else 1.0
    return _rounded(value), _rounded(max(value - error, 0.0)), _rounded(min(value + error, most)), len(files)


def _rounded(value: float) -> float:
    return round(value, _DIGITS)


def per_file(measured: Iterable[Measured]) -> dict[Place, dict[str, float]]:
    """The mean of each file: (method, length, metric) -> file -> value."""
    values: dict[Place, dict[str, list[float]]] = {}
    for one in measured:
        for metric, value in one.values.items():
            values.setdefault((one.method, one.length, metric), {}).setdefault(one.file, []).append(value)
    return {
        place: {file: math.fsum(several) / len(several) for file, several in files.items()}
        for place, files in values.items()
    }


def paired(values: Values, metric: str, one: tuple[str, int], other: tuple[str, int]) -> list[float]:
    """What (method, length) `one` has more than `other` in each file that both have."""
    mine, theirs = values.get((*one, metric), {}), values.get((*other, metric), {})
    return [mine[file] - theirs[file] for file in mine if file in theirs]


def over_files(values: Iterable[tuple[str, float]]) -> tuple[float, float | None]:
    """As `mean_and_error`, over files of each one's mean; values: (file, number), in any order."""
    each: dict[str, list[float]] = {}
    for file, value in values:
        each.setdefault(file, []).append(float(value))
    return mean_and_error([statistics.fmean(own) for own in each.values()])


def mean_and_error(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean, and how far its 95 % interval reaches to either side: None for a single value."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, student_t(len(values) - 1) * math.sqrt(variance / len(values))


@cache
def student_t(degrees: int) -> float:
    """The 97.5 % quantile of Student's t with that many degrees of freedom.

    With x = sqrt(degrees) tan(a) the density is that of cos(a)^(degrees - 1), on a bounded range.
    """
    reach = min(math.pi / 2, 40 / math.sqrt(degrees))  # beyond it there is nothing to add up
    angle = np.linspace(0, reach, 100_001)
    density = np.cos(angle) ** (degrees - 1)
    share = np.concatenate(([0.0], np.cumsum(density[1:] + density[:-1])))
    return math.sqrt(degrees) * math.tan(float(np.interp(0.95, share / share[-1], angle)))
