"""How many calls in a package are resolved by the names of a workspace, and how many of them right.

The truth is what jedi says of Python, which infers types, and TypeScript's own compiler of scripts; it is asked about
calls drawn at random. Told by evidence: how many calls, about how many of them the truth is known, and of those how
many first candidates (and how many among all) are right. "share": of all calls that lead to something inside the
package, those whose first candidate is right.
"""

from __future__ import annotations

import argparse
import importlib
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval.scripts import Scripts
from hirope_ls.lab.eval.truths import Call, table
from hirope_ls.names import Candidate, Names, resolve
from hirope_ls.problems import InputError
from hirope_ls.syntax import language_for
from hirope_ls.syntax.extracting import symbols_in
from hirope_ls.syntax.symbols import FileSymbols, Reference

_DEFINITIONS = ("function", "class", "property")
_LOCAL = ("param", "statement", "instance")

Spot = tuple[str, int]  # a path and a line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--workspace", type=Path, nargs="+", required=True, metavar="DIR", help="folders of packages")
    add("--typescript", type=Path, metavar="DIR", help="scripts, not Python; DIR has TypeScript's node_modules")
    add("--limit", type=int, default=20, metavar="N", help="files of each (default: 20)")
    add("--calls", type=int, default=15, metavar="N", help="calls of each file (default: 15)")
    add("--seed", type=int, default=1, metavar="N", help="for both (default: 1)")


def run(args: argparse.Namespace) -> int:
    """Ask, print a table, and return 0. Raises InputError."""
    calls = list(_of_scripts(args) if args.typescript else _of_python(args))
    if not calls:
        raise InputError("there are no calls in such files there")
    print(table(calls), end="")
    return 0


def _of_scripts(args: argparse.Namespace) -> Iterator[Call]:
    source = random.Random(args.seed)
    for folder in args.workspace:
        yield from Scripts(folder.resolve()).calls(args.typescript, source, args.limit, args.calls)


def _of_python(args: argparse.Namespace) -> Iterator[Call]:
    try:
        jedi = importlib.import_module("jedi")
    except ImportError:
        raise InputError("what calls mean is asked of jedi: pip install jedi") from None
    source = random.Random(args.seed)
    for folder in args.workspace:
        yield from Package(folder.resolve()).calls(jedi, source, args.limit, args.calls)


class Package:
    """The Python files of a package; paths begin with its own name."""

    def __init__(self, folder: Path) -> None:
        self.root = folder.parent
        self.texts: dict[str, bytes] = {}
        self.names = Names()
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(self.root).as_posix()
            self.texts[name] = path.read_bytes()
            self.names.put(name, self.symbols(name))

    def symbols(self, path: str) -> FileSymbols:
        """All symbols of a file, references included."""
        return symbols_in(language_for("python", None), self.texts[path])

    def calls(self, jedi: Any, source: random.Random, limit: int, number: int) -> Iterator[Call]:
        """Calls of some files, put to both."""
        project = jedi.Project(str(self.root))
        files = [path for path in self.texts if "/tests/" not in path and self._called(path)]
        for path in source.sample(files, min(limit, len(files))):
            script = jedi.Script(self.texts[path].decode(errors="replace"), path=str(self.root / path), project=project)
            symbols, found = self.symbols(path), self._called(path)
            for one in source.sample(found, min(number, len(found))):
                yield self._call(path, symbols, one, script)

    def _called(self, path: str) -> list[Reference]:
        return [one for one in self.symbols(path).references if one.kind == "call"]

    def _call(self, path: str, symbols: FileSymbols, one: Reference, script: Any) -> Call:
        found = resolve(self.names, path, symbols, one)
        spots, truth = self._truth(script, self.texts[path][: one.start])
        right = [self._spot(candidate) in spots for candidate in found]
        return Call(found[0].evidence if found else "none", any(right[:1]), any(right), truth)

    def _truth(self, script: Any, before: bytes) -> tuple[set[Spot], str]:
        """Where jedi says that the name after `before` leads to in the package, and what that is."""
        line, column = before.count(b"\n") + 1, len(before[before.rfind(b"\n") + 1 :].decode(errors="replace"))
        try:
            told = script.goto(line, column, follow_imports=True)
        except Exception:  # it fails in many ways; each means that it does not know
            told = []
        inside = [one for one in told if one.module_path and one.line and self._is_ours(Path(one.module_path))]
        spots = {(Path(one.module_path).relative_to(self.root).as_posix(), one.line) for one in inside}
        if any(one.type in _DEFINITIONS for one in inside):
            return spots, "inside"
        if any(one.type in _LOCAL for one in inside):
            return spots, "variable"
        return set(), "outside" if told else "unknown"

    def _is_ours(self, path: Path) -> bool:
        return path.is_relative_to(self.root) and path.relative_to(self.root).as_posix() in self.texts

    def _spot(self, one: Candidate) -> Spot:
        """Where a definition has its name."""
        data, name = self.texts[one.path], re.escape(one.definition.name.encode())
        pattern = rb"\b(?:def|class)\s+(" + name + rb")\b"
        match = re.compile(pattern).search(data, one.definition.start, one.definition.body)
        return one.path, data.count(b"\n", 0, match.start(1) if match else one.definition.start) + 1
