"""What a section's folder of results holds, for the page: values file by file, and the differences they make.

Beside `results.json`, which holds means, lies `files.json`: a value for each metric, method, length and file.
Differences are taken file by file. Knows figures, files and folders; knows no models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval.figures import LOWER_IS_BETTER, Measured, Place, Values, mean_and_error, paired, per_file

DIGITS = 3  # behind the point, on the page and in judgements
_KEPT_DIGITS = 5


@dataclass(frozen=True)
class Figure:
    """A mean, how far its 95 % interval reaches to either side (None: a single file), and the number of files.

    All of it is rounded to the digits shown, so that who reads the page judges by the same numbers.
    """

    mean: float
    error: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        mean, error = mean_and_error(values)
        return cls(round(mean, DIGITS) + 0.0, None if error is None else round(error, DIGITS), len(values))

    @property
    def clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.error is not None and abs(self.mean) > self.error

    def __str__(self) -> str:
        return f"{self.mean:.{DIGITS}f}{self._reach}"

    @property
    def signed(self) -> str:
        """As a difference."""
        return f"{self.mean:+.{DIGITS}f}{self._reach}"

    @property
    def _reach(self) -> str:
        return "" if self.error is None else f" ± {self.error:.{DIGITS}f}"


@dataclass(frozen=True)
class Found:
    """One section's results. `about`: what `write` was given; `head`: versions and seed."""

    trained_length: int
    values: Values
    about: Mapping[str, Any]
    head: Mapping[str, Any]

    @cached_property
    def metrics(self) -> list[str]:
        return list(dict.fromkeys(metric for _, _, metric in self.values))

    @cached_property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(method for method, _, _ in self.values))

    @cached_property
    def lengths(self) -> list[int]:
        return sorted({length for _, length, _ in self.values})

    @cached_property
    def num_files(self) -> dict[int, int]:
        """How many files each length has under the method that came least far, of those that came to it."""
        told = {n: [self.values.get((method, n, self.metrics[0]), {}) for method in self.methods] for n in self.lengths}
        return {n: min((len(files) for files in each if files), default=0) for n, each in told.items()}

    @property
    def origin(self) -> int:
        """The length that others are held against: the trained one, or the shortest."""
        return self.trained_length if self.trained_length in self.lengths else self.lengths[0]

    def multiple(self, length: int) -> str:
        """`4x`"""
        return f"{length / self.trained_length:.3g}x"

    def figure(self, method: str, length: int, metric: str) -> Figure | None:
        """The mean over files."""
        files = self.values.get((method, length, metric))
        return Figure.of(list(files.values())) if files else None

    def difference(self, metric: str, one: tuple[str, int], other: tuple[str, int]) -> Figure | None:
        """Of (method, length) `one` from `other`, over the files that both have."""
        pairs = paired(self.values, metric, one, other)
        return Figure.of(pairs) if pairs else None


def verdict(difference: Figure | None, metric: str) -> str:
    """Whether what a difference is of is "better", "level" or "worse" than what it is from; "" where that is open."""
    if difference is None or difference.error is None:
        return ""
    if not difference.clear:
        return "level"
    return "better" if (difference.mean < 0) == (metric in LOWER_IS_BETTER) else "worse"


def write(folder: Path, measured: Sequence[Measured], trained_length: int, about: Mapping[str, Any]) -> None:
    """Write `files.json`, one line for each method, length and metric."""
    values = per_file(measured)
    files = list(dict.fromkeys(file for own in values.values() for file in own))
    lines = [json.dumps([*place, [_kept(own.get(file)) for file in files]]) for place, own in values.items()]
    head = json.dumps({"trained_length": trained_length, "about": about, "files": files}, indent=1)
    told = ",\n  ".join(lines)
    (folder / "files.json").write_text(f'{head[:-2]},\n "values": [\n  {told}\n ]\n}}\n', encoding="utf-8")


def _kept(value: float | None) -> float | None:
    return None if value is None else round(value, _KEPT_DIGITS)


def read(folder: Path) -> Found | None:
    """What `write` and the evaluation's report left in `folder`; None where there is nothing, or something else."""
    try:
        head = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        found = json.loads((folder / "files.json").read_text(encoding="utf-8"))
        values = dict(_places(found["files"], found["values"]))
        versions = {"versions": head["versions"], "seed": head["seed"]}
        return Found(found["trained_length"], values, found["about"], versions) if values else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _places(files: Sequence[str], lines: Sequence[Any]) -> Iterator[tuple[Place, dict[str, float]]]:
    for method, length, metric, own in lines:
        yield (
            (method, length, metric),
            {file: value for file, value in zip(files, own, strict=True) if value is not None},
        )
