"""Whether recorded steps compute what steps do that are not: token by token, while the cache is cut and grows.

Three ways go over the same tokens: CUDA graphs, the same static steps without recording them, and the usual way. On a
CPU nothing can be recorded, and the first two are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from hirope_ls.hirope.graphs import Graphs, Recorder, Switch, unrecorded
from hirope_ls.hirope.patch import HiRoPE
from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.rows import Row
from hirope_ls.model.loader import Loaded
from hirope_ls.model.needs import measure
from hirope_ls.model.slabs import SlabCache, rounded

_STEPS, _CUT, _GROWN = 40, 7, 64  # rows


class _Side(NamedTuple):
    """graphs: None for the usual way."""

    graphs: Graphs | None
    cache: SlabCache


def recorded_steps(loaded: Loaded, kind: str, allowed: float) -> list[Row]:
    """Rows for short and long prompts; allowed: the largest difference of two logits."""
    on_gpu = loaded.device.type == "cuda"
    hirope, length = loaded.hirope, loaded.card.trained_length
    before = hirope._graphs
    recorded, static, usual = _sides(loaded)
    worst, whole = {"static": 0.0, "usual": 0.0}, 0
    try:
        for start in (length // 2, length - _STEPS // 2, 3 * length):
            for logits in _logits(loaded, (recorded, static, usual), start):
                whole += 1
                worst["static"] = max(worst["static"], _error(logits[0], logits[1]))
                worst["usual"] = max(worst["usual"], _error(logits[0], logits[2]))
    finally:
        hirope._graphs = before
    graphs = recorded.graphs
    assert graphs is not None
    share = graphs.replayed / whole
    name = "CUDA graphs" if on_gpu else "static steps (nothing is recorded on a CPU)"
    told = f"{graphs.recorded} recorded; {graphs.told}" if on_gpu else f"{graphs.recorded} made"
    return [
        Row("checks", f"{kind}: steps by {name}", share, "", None, "of all", None, "ours >= 0.5", share >= 0.5, told),
        _bounded(f"{kind}: {name} against the same steps without", worst["static"], allowed),
        _bounded(f"{kind}: {name} against the usual way", worst["usual"], allowed),
    ]


def _sides(loaded: Loaded) -> tuple[_Side, _Side, _Side]:
    needs, decoder = measure(loaded), loaded.hirope._decoder
    if decoder is None:
        raise RuntimeError(f"{loaded.card.name} is not computed row by row: nothing to check")
    recorder = Recorder(loaded.device) if loaded.device.type == "cuda" else unrecorded
    caches = [SlabCache(needs.layers, needs.dtype, loaded.device) for _ in range(3)]
    return (
        _Side(Graphs(decoder, recorder, Switch()), caches[0]),
        _Side(Graphs(decoder, unrecorded, Switch()), caches[1]),
        _Side(None, caches[2]),
    )


def _logits(loaded: Loaded, sides: tuple[_Side, ...], start: int) -> Iterator[list[Tensor]]:
    """Of each step by each side: a prompt of `start` tokens, steps, some rows cut, steps in slabs that have grown."""
    ids, positions = random_prompt(loaded.card.vocab_size, loaded.card.trained_length, start + _STEPS)
    tokens = torch.from_numpy(ids).to(loaded.device, torch.int64)[None]
    for side in sides:
        side.cache.truncate(0)
        side.cache.grow(rounded(start + _STEPS))
        with torch.inference_mode():
            loaded.hirope.forward(tokens[:, :start], positions[:, :start], side.cache, last_only=True)
    half = start + _STEPS // 2
    for part in (range(start, half), range(half - _CUT, start + _STEPS)):
        for side in sides:
            side.cache.truncate(part.start)
            if part.start != start:
                side.cache.grow(side.cache.capacity + _GROWN)
        for row in part:
            rows = tokens[:, row : row + 1], positions[:, : row + 1]
            yield [_step(loaded.hirope, side, *rows) for side in sides]


def _step(hirope: HiRoPE, side: _Side, ids: Tensor, positions: object) -> Tensor:
    hirope._graphs = side.graphs
    with torch.inference_mode():
        return hirope.forward(ids, positions, side.cache, last_only=True)


def _error(one: Tensor, two: Tensor) -> float:
    return float((one.double() - two.double()).abs().max())


def _bounded(case: str, error: float, allowed: float) -> Row:
    holds = error <= allowed
    return Row("checks", case, error, "allowed", allowed, "in logits", error / allowed, f"ours <= {allowed:.3g}", holds)
