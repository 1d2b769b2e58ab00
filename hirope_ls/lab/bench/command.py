"""The commands `hirope-ls bench ...`: each measures, prints a table of rows, and writes them as JSON where asked.

Every bench is a module with `Sizes` (the defaults, which are its options), `QUICK` and `measure(lab, sizes)`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from rich.console import Console

from hirope_ls.lab.bench import about, attention, decode, jump, keystroke, latency, many, memory, rows
from hirope_ls.lab.bench.peers import PEERS, Lab
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.loader import choose_threads, load
from hirope_ls.problems import InputError

BENCHES: dict[str, ModuleType] = {
    "keystroke": keystroke,
    "latency": latency,
    "decode": decode,
    "attention": attention,
    "memory": memory,
    "jump": jump,
    "many": many,
}


class Bench:
    """`hirope-ls bench NAME`, or of several names at once."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        one = len(names) == 1
        self.__doc__ = BENCHES[names[0]].__doc__ if one else "Measure all there is, and hold every goal against it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The options that all share; and the sizes of a bench, where it is one."""
        _add_common(parser)
        if len(self._names) == 1:
            _add_sizes(parser, BENCHES[self._names[0]].Sizes())

    def run(self, args: argparse.Namespace) -> int:
        """Measure, print, write; exit code 0, whatever holds. Raises HiropeError."""
        loaded = load(read_card(args.model), args.device, args.dtype)
        _set_threads(args.threads)
        console, found = Console(highlight=False), list[rows.Row]()
        machine, versions, busy = about.machine(loaded), about.versions(loaded), about.busy()
        with Lab(loaded, args.peers) as lab:
            for name in self._names:
                began = time.perf_counter()
                measured = _measured(name, lab, _sizes(name, args))
                console.print(rows.table(f"{name} ({time.perf_counter() - began:.0f} s)", measured))
                found += measured
                if args.json:  # what is done is kept, whatever becomes of the rest
                    rows.write(args.json, machine, versions, found)
        console.print(rows.verdict(found))
        console.print(machine)
        console.print(", ".join(f"{name} {version}" for name, version in versions.items()))
        if busy:
            console.print(busy, style="yellow")
        if args.quick:
            console.print("A quick run: sizes too small for the goals to mean much.", style="yellow")
        return 0


class Table:
    """Print the measured rows of a JSON file as a table in Markdown, machine and versions above it."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Its one argument."""
        parser.add_argument("file", type=Path, help="what bench ... --json wrote")

    def run(self, args: argparse.Namespace) -> int:
        """Print; exit code 0. Raises InputError."""
        machine, versions, found = rows.read(args.file)
        print(f"{machine}; {', '.join(f'{name} {version}' for name, version in versions.items())}\n")
        print(rows.markdown(found), end="")
        return 0


def _measured(name: str, lab: Lab, sizes: Any) -> list[rows.Row]:
    """The bench's rows; how many there are is told on stderr, without a thread that would take time from it."""
    found: list[rows.Row] = []
    for one in BENCHES[name].measure(lab, sizes):
        found.append(one)
        if sys.stderr.isatty():
            print(f"\r{name}: {len(found)} rows", end="\r", file=sys.stderr, flush=True)
    return found


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", type=Path, default=bundled_folder(), help="the model's folder (the bundled one)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    add("--dtype", default="auto", help="auto, float32, bfloat16 or float16 (auto); llama.cpp has its own")
    add("--threads", type=int, help="threads of every side (as the server chooses)")
    add("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="who takes part beside us (all)")
    add("--quick", action="store_true", help="small sizes: does it run? The figures mean little")
    add("--json", type=Path, metavar="FILE", help="write the rows here as well")


def _add_sizes(parser: argparse.ArgumentParser, sizes: Any) -> None:
    """An option for each size of the bench."""
    group = parser.add_argument_group("sizes", type(sizes).__doc__)
    for field in fields(sizes):
        value = getattr(sizes, field.name)
        several = isinstance(value, tuple)
        shown = " ".join(map(str, value)) if several else value
        option = f"--{field.name.replace('_', '-')}"
        group.add_argument(option, type=int, nargs="+" if several else None, metavar="N", help=f"({shown})")


def _sizes(name: str, args: argparse.Namespace) -> Any:
    """The bench's sizes as asked for. Raises InputError."""
    sizes = BENCHES[name].QUICK if args.quick else BENCHES[name].Sizes()
    asked = {field.name: getattr(args, field.name, None) for field in fields(sizes)}
    given = {
        key: tuple(value) if isinstance(value, list) else value for key, value in asked.items() if value is not None
    }
    for key, value in given.items():
        if key != "seed" and min(value if isinstance(value, tuple) else (value,)) < 1:
            raise InputError(f"--{key.replace('_', '-')} must be at least 1")
    return replace(sizes, **given)


def _set_threads(wanted: int | None) -> None:
    if wanted is None:
        choose_threads()
    elif wanted < 1:
        raise InputError("--threads must be at least 1")
    else:
        torch.set_num_threads(wanted)


bench_all = Bench(list(BENCHES))
bench_table = Table()
bench_keystroke, bench_latency, bench_decode = Bench(["keystroke"]), Bench(["latency"]), Bench(["decode"])
bench_attention, bench_memory = Bench(["attention"]), Bench(["memory"])
bench_jump, bench_many = Bench(["jump"]), Bench(["many"])
