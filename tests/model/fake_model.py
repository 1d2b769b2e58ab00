"""A fake LanguageModel for tests of ordering, delays and cancels: it says its lines, in its own time, and counts calls.

It computes nothing, so nothing can be learnt from it about what a real model says, caches or costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hirope_ls.model.generator import Event, Finished, Generated, IntArray, Limits, Mentions, Prefilled, StopFlag


class FakeModel:
    """Generates what it has to begin with, as `encode` writes it, then `says`, then stops.

    Sleeps `prefill_s` once and `step_s` before each token, unless told to stop. `first_s` are the prefills of the first
    generations; `chunk_s`: how long it does not look at the stop flag. `draws`: what it says, by the seed, where it is
    to draw at random. Where that is asked for, answers to what was not warmed are approximate.
    """

    def __init__(
        self,
        says: Sequence[int] = (),
        prefill_s: float = 0.0,
        step_s: float = 0.0,
        first_s: Sequence[float] = (),
        chunk_s: float = 0.002,
        encode: Callable[[bytes], Sequence[int]] = lambda text: (),
        draws: Sequence[Sequence[int]] = (),
    ) -> None:
        self.draws = draws
        self.says, self.prefill_s, self.step_s = list(says), prefill_s, step_s
        self.first_s, self.chunk_s, self.encode = list(first_s), chunk_s, encode
        self.calls: list[tuple[str, str]] = []
        self.held: dict[str, int] = {}
        self.read: dict[str, IntArray] = {}  # what each session was warmed with last

    def generate(
        self,
        session: str,
        ids: IntArray,
        positions: IntArray,
        limits: Limits,
        stop: StopFlag,
        mentions: Mentions | None = None,
    ) -> Iterator[Event]:
        self.calls.append(("generate", session))
        reused, self.held[session] = self.held.get(session, 0), len(ids)
        prefill_s = self.first_s.pop(0) if self.first_s else self.prefill_s
        halted = self._sleep(prefill_s, limits, stop)
        read = self.read.get(session, ids[:0])
        nearly = limits.approximate and not np.array_equal(read[: len(ids)], ids)
        yield Prefilled(min(reused, len(ids)), len(ids), prefill_s * 1e3, len(ids) // 2 if nearly else None)
        drawn = self.draws[limits.sampling.seed % len(self.draws)] if limits.sampling and self.draws else self.says
        says = [*self.encode(limits.prefix), *drawn]
        for id in says[: limits.max_new_tokens] if not halted else []:
            halted = self._sleep(self.step_s, limits, stop)
            if halted or id in limits.stop_ids:
                break
            yield Generated(id, -0.5)
        yield halted or Finished("length" if len(says) > limits.max_new_tokens else "stop")

    def warm(self, session: str, ids: IntArray, positions: IntArray, stop: StopFlag, modest: bool = False) -> Prefilled:
        self.calls.append(("rest" if modest else "warm", session))
        self.held[session], self.read[session] = len(ids), ids
        self._sleep(self.prefill_s, Limits(0), stop)
        return Prefilled(0, len(ids), self.prefill_s * 1e3)

    def cached(self, session: str) -> tuple[int, int]:
        return self.held.get(session, 0), 1000 * self.held.get(session, 0)

    def drop(self, session: str) -> None:
        self.held.pop(session, None)

    def score(self, ids: IntArray, positions: IntArray, mentions: Mentions | None = None) -> NDArray[np.float32]:
        return np.full(len(ids) - 1, -0.5, np.float32)

    def _sleep(self, seconds: float, limits: Limits, stop: StopFlag) -> Finished | None:
        """Sleep as long as nobody objects; the reason to finish if somebody does."""
        end = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            if stop.is_set():
                return Finished("cancelled")
            if limits.deadline is not None and now >= limits.deadline:
                return Finished("deadline")
            if now >= end:
                return None
            time.sleep(min(self.chunk_s, end - now))
