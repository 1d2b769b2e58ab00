"""Our side of a bench: `LocalModel`, as the server runs it."""

from __future__ import annotations

from pathlib import Path

import torch

from hirope_ls.lab.bench.sides import Answer, Stopwatch, process_peak
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Generated, IntArray, Limits, Mentions, Prefilled
from hirope_ls.model.loader import Loaded, load
from hirope_ls.problems import InputError

BUDGET = 8 << 30  # bytes, allocated as they are needed


class Ours:
    """A loaded model with a KV store of `budget` bytes. chunk: rows prefilled at once (what the server takes).

    approximate: rows from before an edit serve after it, as the setting `approximateSplice` has it.
    """

    def __init__(
        self, loaded: Loaded, budget: int = BUDGET, chunk: int | None = None, approximate: bool = False
    ) -> None:
        self.loaded, self._budget, self._chunk, self._approximate = loaded, budget, chunk, approximate
        self.model = LocalModel(loaded, budget, chunk=chunk)
        self.model.few_rows()  # compiled loops are made once, at the first start

    def answer(
        self, key: str, ids: IntArray, positions: IntArray, new: int, mentions: Mentions | None = None
    ) -> Answer:
        """Raises InputError where there is no memory for the prompt."""
        tokens: list[int] = []
        prefilled = Prefilled(0, 0, 0.0)
        watch = Stopwatch()
        for event in self.model.generate(
            key, ids, positions, Limits(new, approximate=self._approximate), Never(), mentions
        ):
            match event:
                case Prefilled():
                    prefilled = event
                case Generated():
                    tokens.append(event.id)
                    watch.lap()
        if len(tokens) != new:
            raise InputError(f"{len(ids)} tokens and {new} new ones need more memory than there is for the cache")
        return Answer(tuple(tokens), tuple(watch.laps), prefilled.reused, prefilled.prefilled)

    def forget(self) -> None:
        self.model = LocalModel(self.loaded, self._budget, chunk=self._chunk)

    def held(self, key: str) -> tuple[int, int]:
        return self.model.cached(key)

    def peak(self) -> int:
        return process_peak()

    def close(self) -> None:
        self.forget()


class Never:
    """A stop flag that is never set."""

    def is_set(self) -> bool:
        return False


def open_ours(folder: Path, device: str, threads: int, budget: int = BUDGET) -> Ours:
    """The side, in a process that has loaded nothing yet."""
    torch.set_num_threads(threads)
    return Ours(load(read_card(folder), device), budget)
