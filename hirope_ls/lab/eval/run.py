"""The driver: measures each item under each method, goes on where an earlier run stopped, and writes the report.

Length by length, then item by item, then method by method: whenever it is interrupted, all methods have come as far.
Knows no task: they are in the modules beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval.copying import reader
from hirope_ls.lab.eval.figures import Measured, rows
from hirope_ls.lab.eval.keys import Keys
from hirope_ls.lab.eval.log import Log
from hirope_ls.lab.eval.progress import Shown
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.report import Report
from hirope_ls.lab.eval.task import Item, Task
from hirope_ls.lab.methods import Method
from hirope_ls.model.loader import Loaded

LOG = "items.jsonl"


@dataclass(frozen=True)
class Step:
    """One item under one method."""

    item: Item
    reader: Reader
    key: str

    def measured(self, facts: Mapping[str, Any]) -> Measured:
        """As the log has it."""
        method = self.reader.method
        return Measured(method.name, method.preset, self.item.length, self.item.file, facts["values"])


@dataclass(frozen=True)
class Evaluation:
    """What is to be measured, and where the results go. `versions` also says what model it is."""

    task: Task
    items: Sequence[Item]
    methods: Sequence[Method]
    loaded: Loaded
    model: str
    seed: int
    out: Path
    versions: Mapping[str, str]

    def run(self) -> str:
        """Measure what is not measured yet and write the report; the table. Raises InputError."""
        self._empty_report()  # tells now what would be in its way then
        with Log(self.out / LOG) as log:
            measured = self._measured(log)
        return self.report(measured)

    def known(self) -> list[Measured]:
        """What is measured already. Raises InputError."""
        with Log(self.out / LOG) as log:
            return [step.measured(log[step.key]) for step in self._steps() if step.key in log]

    def num_steps(self) -> int:
        """How many measurements there are to make."""
        return len(self.items) * len(self.methods)

    def report(self, measured: Sequence[Measured]) -> str:
        """Write the report of what is measured; the table. Raises InputError."""
        trained_length = self.loaded.hirope.trained_length
        return self._empty_report().write(rows(self.task.name, measured, trained_length), measured, trained_length)

    def _empty_report(self) -> Report:
        return Report(self.out, self.versions, self.seed, self.task.name)

    def _measured(self, log: Log) -> list[Measured]:
        steps = list(self._steps())
        left = [step for step in steps if step.key not in log]
        known = len(steps) - len(left)
        if known:
            print(f"{known} of {len(steps)} measurements are known from before", file=sys.stderr)
        with Shown(self.task.name, [step.item.length for step in left], self.loaded.hirope.trained_length) as progress:
            done = known
            try:
                for step in left:
                    log.add(step.key, self._facts(step))
                    progress.step(step.item.length)
                    done += 1
            except KeyboardInterrupt:
                progress.say(f"stopped with {done} of {len(steps)} measured; the same command goes on from there")
                raise
        return [step.measured(log[step.key]) for step in steps]

    def _steps(self) -> Iterator[Step]:
        keys = Keys(self.model, str(self.loaded.dtype), self.task, self.seed)
        readers = [reader(self.loaded, method) for method in self.methods]
        for item in sorted(self.items, key=lambda item: item.length):
            for each, key in zip(readers, keys.of(item, self.methods), strict=True):
                yield Step(item, each, key)

    def _facts(self, step: Step) -> dict[str, object]:
        found = self.task.measure(step.reader, step.item)
        values = {metric: float(found[metric]) for metric in self.task.metrics}
        about = {"task": self.task.name, "method": step.reader.method.name, "item": step.item.id}
        return {**about, "length": step.item.length, "values": values}
