"""Steps of one row on a GPU as CUDA graphs: recorded once, repeated for each token without launching operations.

A graph goes over one bucket of one cache's slabs (`static`); it is right as long as those are the same tensors. Each is
tried before it is used, against the same step without it; one that fails or differs switches graphs off for the
process, with the reason. `Recorder` alone needs a GPU, and has not run on one yet; the rest is tested on CPUs, with
steps that are not recorded.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hirope_ls.hirope.frame import Frame
from hirope_ls.hirope.lean import Cached, Decoder
from hirope_ls.hirope.scheme import Scheme
from hirope_ls.hirope.static import BUCKET, Slabs, StaticStep, bucket_of, serves, settle

_MOST = 16  # graphs
_AFTER = 2  # steps that go without a graph: recording takes as long as several
_WARM = 2  # times a step runs before it is recorded, so that libraries set themselves up

Work = Callable[[], None]
Record = Callable[[Work], Work]
"""Takes work on a device and gives what repeats it."""


class Recorder:
    """Records CUDA graphs on a stream of its own; they share one memory pool.

    They may: one runs after the other, and none leaves anything in the pool that a later one must not overwrite.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    @cached_property
    def _stream(self) -> torch.cuda.Stream:
        return torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]

    @cached_property
    def _pool(self) -> Any:
        return torch.cuda.graph_pool_handle()

    def __call__(self, work: Work) -> Work:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            for _ in range(_WARM):
                work()
        current.wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        try:  # other threads may allocate meanwhile: only this one's calls must be fit for recording
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                work()
        finally:
            torch.cuda.set_stream(current)  # torch leaves its own in force where recording fails
        return graph.replay


def unrecorded(work: Work) -> Work:
    """In place of a recorder: the work runs each time, as it can anywhere. For comparisons."""
    return work


class Switch:
    """Why graphs are not used, "" where they may be."""

    def __init__(self) -> None:
        self.why = ""

    def off(self, why: str) -> None:
        """The first reason stays."""
        self.why = self.why or why


PROCESS = Switch()


class _Key(NamedTuple):
    """What a graph is for, but for the slabs themselves."""

    scheme: Scheme
    long: bool
    bucket: int
    places: tuple[int, ...]  # of weights and slabs
    dtype: torch.dtype


class _Graph:
    """A recorded step; it holds no slab."""

    def __init__(self, slabs: Sequence[Slabs]) -> None:
        self._slabs = [weakref.ref(part) for slab in slabs for part in slab]
        self.asked = 0
        self.step: StaticStep | None = None
        self.replay: Work = lambda: None

    def of(self, slabs: Sequence[Slabs]) -> bool:
        """Whether it is of these very tensors: others may stand at the same places."""
        return all(own() is part for own, part in zip(self._slabs, (p for s in slabs for p in s), strict=True))

    @property
    def dead(self) -> bool:
        return any(own() is None for own in self._slabs)


class Graphs:
    """The graphs of one decoder, at most `most`, the latest used. For one thread."""

    def __init__(
        self,
        decoder: Decoder,
        record: Record,
        switch: Switch = PROCESS,
        bucket: int = BUCKET,
        most: int = _MOST,
        after: int = _AFTER,
    ) -> None:
        self._decoder, self._record, self._switch = decoder, record, switch
        self._bucket, self._most, self._after = bucket, most, after
        self._held: OrderedDict[_Key, _Graph] = OrderedDict()
        self.replayed = self.recorded = 0  # steps, graphs

    @classmethod
    def of(cls, decoder: Decoder) -> Graphs | None:
        """None where the decoder is not on a GPU."""
        device = decoder.embedding.device
        return cls(decoder, Recorder(device)) if device.type == "cuda" else None

    @property
    def told(self) -> str:
        """What computes steps, in words."""
        if self._switch.why:
            return f"torch (graphs: {self._switch.why})"
        return "torch, in CUDA graphs" if self.recorded else "torch (graphs: none recorded yet)"

    def forward(self, ids: Tensor, frame: Frame, store: Cached) -> Tensor | None:
        """Logits [1, 1, vocab] of the token int64 [1] of that pass, or None where another way is to be taken; the
        store is then as before."""
        if self._switch.why or not serves(self._decoder, frame):
            return None
        slabs = [Slabs(*store.extend(block.layer, 1)) for block in self._decoder.blocks]
        try:
            logits = self._replayed(ids, frame, slabs)
        except Exception as error:  # whatever it is, there is another way
            self._fail(_line(error))
            logits = None
        if logits is None:
            for slab in store.slabs:
                slab.truncate(frame.first_row)
        return logits

    def _replayed(self, ids: Tensor, frame: Frame, slabs: Sequence[Slabs]) -> Tensor | None:
        graph = self._graph(frame, slabs)
        if graph.step is None:
            graph.asked += 1
            if graph.asked <= self._after or not self._make(graph, ids, frame, slabs):
                return None
        else:
            graph.step.fill(ids, frame)
            graph.replay()
        assert graph.step is not None
        self.replayed += 1
        return graph.step.logits.clone()[None]  # the next step writes there

    def _graph(self, frame: Frame, slabs: Sequence[Slabs]) -> _Graph:
        """The one for these slabs, recorded or not yet."""
        key = self._key(frame, slabs)
        found = self._held.get(key)
        if found is None or not found.of(slabs):
            for other in [other for other, graph in self._held.items() if graph.dead]:
                del self._held[other]
            found = self._held[key] = _Graph(slabs)
        self._held.move_to_end(key)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        return found

    def _key(self, frame: Frame, slabs: Sequence[Slabs]) -> _Key:
        weights = self._decoder.embedding, self._decoder.head.weights[0]
        places = tuple(part.data_ptr() for part in (*weights, *slabs[0]))
        bucket = bucket_of(frame.first_row, _capacity(slabs), self._bucket)
        return _Key(frame.scheme, frame.long, bucket, places, weights[0].dtype)

    def _make(self, graph: _Graph, ids: Tensor, frame: Frame, slabs: Sequence[Slabs]) -> bool:
        """Record it, and try it on this very row; whether it does what the step does without it."""
        row = frame.first_row
        step = StaticStep(self._decoder, frame, bucket_of(row, _capacity(slabs), self._bucket), self._bucket)
        settle(slabs, row)
        step.fill(ids, frame)
        work = partial(step.run, slabs)
        replay = self._record(work)
        work()
        wanted = step.logits.clone()
        for part in (part for slab in slabs for part in slab):
            part[:, :, row].zero_()
        step.logits.fill_(torch.nan)
        replay()
        if not _alike(step.logits, wanted):
            self._fail("a recorded step computed other numbers")
            return False
        graph.step, graph.replay = step, replay
        self.recorded += 1
        return True

    def _fail(self, why: str) -> None:
        self._switch.off(why)
        self._held.clear()


def _capacity(slabs: Sequence[Slabs]) -> int:
    return min(slab.keys.shape[2] for slab in slabs)


def _alike(got: Tensor, wanted: Tensor) -> bool:
    slack = 3e-2 if wanted.dtype in (torch.bfloat16, torch.float16) else 1e-4
    return bool((got - wanted).abs().max() <= slack * wanted.abs().max())


def _line(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
