"""All that is to be found out on a machine with a GPU: checks of the arithmetic, the benches, models of real shapes.

Each step is guarded: one that fails is told with its error, and the rest goes on. What is done is written at once, so
a run that is cut off has kept its figures; `--only` chooses steps where time on the device is short.
"""

from __future__ import annotations

import argparse
import time
import traceback
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from hirope_ls.lab.bench import about, rows
from hirope_ls.lab.bench.command import BENCHES
from hirope_ls.lab.bench.peers import Lab
from hirope_ls.lab.device import shapes
from hirope_ls.lab.device.checks import checks
from hirope_ls.lab.device.ground import Ground, Step
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.loader import choose_threads, load, pick_device
from hirope_ls.problems import InputError

_OF_TEXT = ("keystroke",)  # benches that never see the device
_PEERS = ("generate", "loop")


def _bandwidth(ground: Ground) -> list[rows.Row]:
    return [rows.row("bandwidth", "copy of a large tensor, read and written", ground.bandwidth / 1e9, "GB/s")]


def _bench(name: str, ground: Ground) -> list[rows.Row]:
    module = BENCHES[name]
    with Lab(load(ground.card, str(ground.device)), _PEERS) as lab:
        return list(module.measure(lab, module.QUICK if ground.quick else module.Sizes()))


STEPS: dict[str, Step] = {
    "bandwidth": _bandwidth,
    "checks": checks,
    **{f"shape-{name}": partial(shapes.measure, name) for name in shapes.SHAPES},
    **{f"bench-{name}": partial(_bench, name) for name in BENCHES if name not in _OF_TEXT},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="figures.json and, for failures, errors.txt go here")
    add("--only", nargs="+", choices=list(STEPS), metavar="STEP", help=f"of {', '.join(STEPS)} (all)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    add("--model", type=Path, default=bundled_folder(), help="the small model of checks and benches (the bundled one)")
    add("--quick", action="store_true", help="tiny sizes and shapes: does it run?")


def run(args: argparse.Namespace) -> int:
    """0 where every step ran and every check holds (goals of speed do not count), else 1. Raises HiropeError."""
    args.out.mkdir(parents=True, exist_ok=True)
    choose_threads()
    ground = Ground(read_card(args.model), pick_device(args.device), args.quick)
    report, console = _Report(args.out, ground), Console(highlight=False)
    console.print(report.machine)
    for name in args.only or STEPS:
        began = time.perf_counter()
        error = ""
        try:
            found = STEPS[name](ground)
            report.rows += found
            console.print(rows.table(name, found))
        except Exception as problem:
            error = f"{type(problem).__name__}: {' '.join(str(problem).split())[:500]}"
            report.failed(name, traceback.format_exc())
            console.print(f"{name} failed: {error}", style="red", markup=False)
        ground.free()
        seconds = time.perf_counter() - began
        report.steps.append({"name": name, "seconds": round(seconds, 2), "error": error})
        report.write()
        console.print(f"{name}: {seconds:.1f} s\n")
    console.print(rows.verdict(report.rows))
    return 1 if report.wrong else 0


class _Report:
    """What is written after each step."""

    def __init__(self, out: Path, ground: Ground) -> None:
        loaded = load(ground.card, str(ground.device))
        self.machine, self._versions = about.machine(loaded), about.versions(loaded)
        self._out, self.rows, self.steps = out, list[rows.Row](), list[dict[str, Any]]()
        try:
            (out / "errors.txt").write_text("", "utf-8")
        except OSError as error:
            raise InputError(f"cannot write to {out}: {error.strerror}") from None

    @property
    def wrong(self) -> bool:
        """Whether a step failed or a check does not hold."""
        unmet = any(one.holds is False for one in self.rows if one.bench == "checks")
        return unmet or any(step["error"] for step in self.steps)

    def failed(self, name: str, trace: str) -> None:
        with (self._out / "errors.txt").open("a", encoding="utf-8") as file:
            file.write(f"--- {name}\n{trace}\n")

    def write(self) -> None:
        rows.write(self._out / "figures.json", self.machine, self._versions, self.rows, steps=self.steps)
