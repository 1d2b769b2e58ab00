"""A side in a process of its own: a thread pool, a memory and an environment that no other side touches.

Times are taken there, so the pipe does not count. Knows sides; knows no engine.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from hirope_ls.lab.bench.sides import Answer, Side
from hirope_ls.model.generator import IntArray, Mentions
from hirope_ls.problems import HiropeError, InputError

_OURS = ("OMP_WAIT_POLICY",)  # what our command line sets for itself, and others would not


@dataclass(frozen=True)
class Make:
    """Calls what has that name in that module, which is imported where it is called."""

    module: str
    name: str
    arguments: tuple[Any, ...]

    def __call__(self) -> Side:
        side: Side = getattr(importlib.import_module(self.module), self.name)(*self.arguments)
        return side


class Child:
    """The side that `make`, which must be picklable, makes there. `as_ours`: with our own environment."""

    def __init__(self, make: Callable[[], Side], as_ours: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make), daemon=True)
        hidden = {} if as_ours else {name: os.environ.pop(name) for name in _OURS if name in os.environ}
        try:
            self._process.start()
        finally:
            os.environ.update(hidden)
        theirs.close()
        self._receive()

    def answer(
        self, key: str, ids: IntArray, positions: IntArray, new: int, mentions: Mentions | None = None
    ) -> Answer:
        """Mentions are told to no child."""
        found: Answer = self._ask("answer", key, ids, positions, new)
        return found

    def forget(self) -> None:
        self._ask("forget")

    def held(self, key: str) -> tuple[int, int]:
        found: tuple[int, int] = self._ask("held", key)
        return found

    def peak(self) -> int:
        found: int = self._ask("peak")
        return found

    def close(self) -> None:
        """End the process."""
        self._pipe.close()  # it ends by itself where nobody listens
        self._process.join(20)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, name: str, *arguments: object) -> Any:
        self._pipe.send((name, arguments))
        return self._receive()

    def _receive(self) -> object:
        try:
            kind, found = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise InputError(f"a side of the bench ended with exit code {self._process.exitcode}") from None
        if kind == "problem":
            raise InputError(found)
        return found


def _serve(pipe: Connection, make: Callable[[], Side]) -> None:
    """The child's whole life."""
    side = _told(pipe, make)
    while side is not None:
        try:
            name, arguments = pipe.recv()
        except EOFError:
            return
        _told(pipe, lambda: getattr(side, name)(*arguments), tell=True)  # noqa: B023  (called at once)


def _told(pipe: Connection, call: Callable[[], object], tell: bool = False) -> object:
    """Call, and send what came of it, or that it is done."""
    try:
        found = call()
    except HiropeError as problem:
        pipe.send(("problem", str(problem)))
        return None
    except Exception as problem:
        pipe.send(("problem", f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"))
        return None
    pipe.send(("done", found if tell else None))
    return found
