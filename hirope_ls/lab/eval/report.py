"""What an evaluation leaves in its folder: results.json, table.md, plot.png, and differences file by file.

`results.json` holds the figures of every task that was measured into the folder with the same model and seed; the table
and the plot show all of them. Knows figures; knows no models and no tasks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval.differences import difference_table
from hirope_ls.lab.eval.figures import LOWER_IS_BETTER, Measured, Row
from hirope_ls.lab.eval.plot import Curve, Panel, draw
from hirope_ls.lab.eval.tables import table, unit
from hirope_ls.problems import InputError


class Report:
    """The results in the folder `out`, made with these `versions` and this `seed`."""

    def __init__(self, out: Path, versions: Mapping[str, str], seed: int, task: str) -> None:
        """Raises InputError where the folder holds another task's results, made with anything else."""
        self.out = out
        self._head = {"versions": dict(versions), "seed": seed}
        before = _read(out / "results.json")
        self._others = [Row(**row) for row in before.get("rows", []) if row["task"] != task]
        if self._others and {key: before.get(key) for key in self._head} != self._head:
            raise InputError(f"{out} holds results of another model, version or seed: choose another --out")

    def write(self, rows: Sequence[Row], measured: Sequence[Measured], trained_length: int) -> str:
        """Write everything; the table of `rows`, all of one task. Raises InputError."""
        every = self._others + list(rows)
        results = {**self._head, "rows": [asdict(row) for row in every]}
        try:
            self._save("results.json", json.dumps(results, indent=1) + "\n")
            self._save("table.md", table(every))
            self._save(f"differences-{rows[0].task}.md", difference_table(measured, trained_length))
            draw(panels(every), trained_length, self.out / "plot.png")
        except OSError as error:
            raise InputError(f"cannot write to {self.out}: {error.strerror}") from None
        return table(rows)

    def _save(self, name: str, text: str) -> None:
        (self.out / name).write_text(text, encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    """What `path` holds; nothing where it is missing or no results."""
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
        [Row(**row) for row in found["rows"]]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found


def panels(rows: Sequence[Row]) -> list[Panel]:
    """A panel for each task and metric, with a curve for each method."""
    found: dict[tuple[str, str], dict[str, Curve]] = {}
    for row in rows:
        curves = found.setdefault((row.task, row.metric), {})
        curves.setdefault(row.method, []).append((row.length, row.value, row.low, row.high))
    return [
        Panel(f"{task}: {metric.replace('_', ' ')}", unit(metric), metric in LOWER_IS_BETTER, curves)
        for (task, metric), curves in found.items()
    ]
