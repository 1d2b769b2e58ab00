"""Time single steps with recorded graphs and without, in turn, over the same rows of one cache.

The steps alone: nothing is drafted, and recording, which happens once a bucket, is told apart.
"""

from __future__ import annotations

import time
from statistics import median

import torch

from hirope_ls.hirope.graphs import Graphs, Switch, unrecorded
from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.rows import Row, row
from hirope_ls.model.loader import Loaded
from hirope_ls.model.needs import measure
from hirope_ls.model.slabs import SlabCache, rounded

_CHUNK = 2048  # rows read at once
_ROUNDS = 4


def steps(case: str, loaded: Loaded, context: int, tokens: int) -> list[Row]:
    """Rows after a prompt of `context` tokens; `tokens` steps a turn. On a CPU steps are static and not recorded."""
    hirope, needs = loaded.hirope, measure(loaded)
    on_gpu, before = loaded.device.type == "cuda", (hirope.graphs, hirope._graphs)
    if not on_gpu and hirope._decoder is not None:
        hirope._graphs = Graphs(hirope._decoder, unrecorded, Switch())
    if hirope._graphs is None:
        return []
    try:
        timer = _Timer(loaded, SlabCache(needs.layers, needs.dtype, loaded.device), context, tokens)
        recording = max(timer.turn(True))
        turns: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(_ROUNDS):
            for graphs, took in turns.items():
                took += timer.turn(graphs)
        told = hirope._graphs.told
    finally:
        hirope.graphs, hirope._graphs = before
    ours, theirs = (1e3 * median(turns[graphs]) for graphs in (True, False))
    name = "CUDA graphs" if on_gpu else "static steps, not recorded"
    note = f"a step: {ours:.2f} against {theirs:.2f} ms, the one that records {1e3 * recording:.0f} ms"
    note += f"; {told}" if on_gpu else ""
    return [row("shapes", f"{case}: {name}", 1e3 / ours, "tokens/s", "without", 1e3 / theirs, note=note)]


class _Timer:
    """The rows after a prompt that was read, again and again."""

    def __init__(self, loaded: Loaded, cache: SlabCache, context: int, tokens: int) -> None:
        self._hirope, self._cache, self._rows = loaded.hirope, cache, range(context, context + tokens)
        ids, self._positions = random_prompt(loaded.card.vocab_size, loaded.card.trained_length, context + tokens)
        self._ids = torch.from_numpy(ids).to(loaded.device, torch.int64)[None]
        cache.grow(rounded(context + tokens))
        for start in range(0, context, _CHUNK):
            self._forward(start, min(start + _CHUNK, context))

    def turn(self, graphs: bool) -> list[float]:
        """Seconds of each step, until its token is known."""
        self._hirope.graphs = graphs
        self._cache.truncate(self._rows.start)
        took = []
        for at in self._rows:
            began = time.perf_counter()
            int(self._forward(at, at + 1).argmax())
            took.append(time.perf_counter() - began)
        return took

    def _forward(self, start: int, stop: int) -> torch.Tensor:
        with torch.inference_mode():
            return self._hirope.forward(self._ids[:, start:stop], self._positions[:, :stop], self._cache, True)
