"""Who takes part in a bench: ours in this process, the peers in processes of their own, and why one cannot.

Every side gets the same ids, number of tokens, device and threads. A peer's process is kept from bench to bench.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from hirope_ls.lab import to_gguf
from hirope_ls.lab.bench.child import Child, Make
from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.ours import Ours, open_ours
from hirope_ls.lab.bench.sides import Answer, Side
from hirope_ls.lab.bench.stock import generate, loop, open_stock
from hirope_ls.model.loader import Loaded
from hirope_ls.problems import HiropeError

PEERS = ("generate", "loop", "llama.cpp", "llama.cpp f16")
"""generate(), a plain loop, llama.cpp with weights in float32 and in float16."""

_WARM_UP = 16  # tokens of a prompt that every side answers before it is timed
_REST = 0.02  # seconds before each turn, so that nobody's threads still wait for work


class Lab:
    """The model of a bench, and its sides. `wanted`: the peers that may take part."""

    def __init__(self, loaded: Loaded, wanted: Sequence[str] = PEERS) -> None:
        self.loaded, self.card, self._wanted = loaded, loaded.card, wanted
        self.threads = torch.get_num_threads()
        self.ours = Ours(loaded)
        self._open: dict[str, tuple[Child, int]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="hirope-bench-")

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        for child, _room in self._open.values():
            child.close()
        self._open = {}
        self._folder.cleanup()

    @property
    def on_gpu(self) -> bool:
        return self.loaded.device.type == "cuda"

    def sides(self, names: Sequence[str], room: int) -> tuple[dict[str, Side], dict[str, str]]:
        """Ours and those of the named peers that there are, with empty caches for `room` tokens, each warmed up by
        the same few tokens; and for the others why they are not. Peers that were not wanted are left out."""
        found: dict[str, Side] = {"ours": self.ours}
        why: dict[str, str] = {}
        for name in names:
            if not self.wants(name):
                continue
            reason = self.lacks(name)
            if not reason:
                try:
                    found[name] = self._peer(name, room)
                except HiropeError as problem:
                    reason = str(problem)
            if reason:
                why[name] = reason
        ids, positions = random_prompt(self.card.vocab_size, self.card.trained_length, _WARM_UP)
        for side in found.values():
            side.answer("warm-up", ids, positions, 3)
            side.forget()
        return found, why

    def fresh(self, name: str, room: int) -> Side:
        """A side of its own process, which the caller closes: one that has done nothing yet. Raises HiropeError."""
        if name == "ours":
            return Child(partial(open_ours, self.card.folder, str(self.loaded.device), self.threads), as_ours=True)
        return Child(self._maker(name, room))

    def wants(self, name: str) -> bool:
        """Whether that peer was asked for."""
        return name in self._wanted

    def lacks(self, name: str) -> str:
        """Why that peer cannot take part, or nothing."""
        if name.startswith("llama.cpp"):
            if self.on_gpu:
                return "llama-cpp-python is built for the CPU"
            absent = [module for module in ("llama_cpp", "gguf") if importlib.util.find_spec(module) is None]
            if absent:
                return f"the package of {absent[0]} is missing: pip install 'hirope-ls[lab]'"
        return ""

    def _peer(self, name: str, room: int) -> Side:
        child, has = self._open.get(name, (None, 0))
        if child is None or has < room:
            if child is not None:
                child.close()
            child = Child(self._maker(name, room))
            self._open[name] = child, room
        return child

    def _maker(self, name: str, room: int) -> Callable[[], Side]:
        loaded = self.loaded
        if not name.startswith("llama.cpp"):
            how = {"generate": generate, "loop": loop}[name]
            return partial(open_stock, self.card.folder, str(loaded.device), loaded.dtype, self.threads, how)
        dtype = "float16" if name.endswith("f16") else "float32"
        path = Path(self._folder.name) / f"{dtype}.gguf"
        if not path.exists():
            to_gguf.write(self.card, path, dtype)
        return Make("hirope_ls.lab.bench.llamacpp", "LlamaCpp", (path, room, self.threads))


Call = Callable[[Side], Answer]


def in_turn(sides: Mapping[str, Side], calls: Sequence[Call]) -> dict[str, list[Answer]]:
    """Each side's answers to each call. They take turns in one run, so that a busy machine slows all alike, and another
    begins each round, so that nobody always follows the same one."""
    names = list(sides)
    found: dict[str, list[Answer]] = {name: [] for name in names}
    for turn, call in enumerate(calls):
        for at in range(len(names)):
            name = names[(turn + at) % len(names)]
            time.sleep(_REST)
            found[name].append(call(sides[name]))
    return found


def middle(answers: Sequence[Answer], what: Callable[[Answer], Any]) -> tuple[float, float]:
    """Medians of what is asked of each answer, a `Took`: wall and CPU, in ms."""
    took = [what(answer) for answer in answers]
    return 1e3 * median(one.wall for one in took), 1e3 * median(one.cpu for one in took)
