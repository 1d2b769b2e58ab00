"""A few rows of a small decoder of the Llama kind on a CPU, by loops compiled for the processor (`hirope_ls.compiled`).

The same rows that `lean` computes, for float32 models small enough that launching operations is what a step costs; that
one serves until the machine code is made, and is the slow twin that tests hold this to. Weights that are bfloat16
numbers are copied as such: half the bytes to read. Knows no sessions and no cache but what it is handed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hirope_ls.compiled import build
from hirope_ls.hirope.frame import Frame
from hirope_ls.hirope.layer import Layer
from hirope_ls.hirope.lean import Block, Cached, Decoder, Norm
from hirope_ls.hirope.packed import Linears
from hirope_ls.hirope.scheme import Scheme

_SMALL = 2**26  # bytes of weights
_TRIED = 4  # tokens compared
_SLACK = 1e-4
_SHARED = 2**22  # bytes of keys and values of a layer from which on a second thread is worth waking

Array = NDArray[Any]


class Store(Protocol):
    """Where rows go."""

    def extend(self, layer: Layer, rows: int) -> tuple[Tensor, Tensor, Tensor]:
        """The layer's keys, values and turned keys [1, kv, capacity, .], with room for `rows` more at the end of those
        that count; the turned keys that are near to one of them are there."""
        ...


class _Layer(NamedTuple):
    """One decoder layer's weights in the order that the loops take them."""

    layer: Layer
    scale: float
    heads: int
    kv_heads: int
    size: int
    value_size: int
    begin: tuple[Any, ...]
    finish: tuple[Any, ...]


class _Rows(NamedTuple):
    """What the rows of a pass see, the same in all layers; see `loops.attend`."""

    cos: Array
    sin: Array
    far_cos: Array
    far_sin: Array
    num_far: int
    scale: Array
    bias: Array
    raised: Array
    heard: Array
    gain: np.float32


class _Scratch:
    """An empty store for `_TRIED` rows of each layer."""

    def __init__(self, layers: Sequence[_Layer]) -> None:
        self._sizes = {each.layer.index: (each.kv_heads, each.size, each.value_size) for each in layers}

    def extend(self, layer: Layer, rows: int) -> tuple[Tensor, Tensor, Tensor]:
        heads, size, value_size = self._sizes[layer.index]
        keys, turned = (torch.zeros(1, heads, rows, size) for _ in range(2))
        return keys, torch.zeros(1, heads, rows, value_size), turned


class Quick:
    """A decoder by compiled loops. It serves from some time after `begin` on, when their machine code is there."""

    _loops: Any

    def __init__(self, decoder: Decoder, kind: str) -> None:
        """Use `of`."""
        self._decoder, self._embedding, self._kind = decoder, decoder.embedding, kind
        self._layers = [_layer(block, kind) for block in decoder.blocks]
        self._norm, self._head = _norm(decoder.norm), _linear(decoder.head, kind)
        self._begun, self._loops = False, None
        self._building: subprocess.Popen[bytes] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self.unavailable = ""  # why, where it never will be

    @classmethod
    def of(cls, decoder: Decoder) -> Quick | None:
        """None where the model is another kind of decoder: too large, not on a CPU, not float32 with SiLU, or one whose
        layers turn by different angles."""
        like = decoder.embedding
        linears = [*(part for b in decoder.blocks for part in (b.heads, b.out, b.gates, b.down)), decoder.head]
        weights = [weight for part in linears for weight in part.weights]
        small = sum(weight.nbytes for weight in weights) <= _SMALL
        if like.device.type != "cpu" or any(weight.dtype != torch.float32 for weight in weights) or not small:
            return None
        if any(type(block.act).__name__ not in ("SiLU", "SiLUActivation") for block in decoder.blocks):
            return None
        if any(block.layer.angles is not decoder.blocks[0].layer.angles for block in decoder.blocks):
            return None  # what rows see is worked out once for all layers
        return cls(decoder, "bfloat16" if all(map(_is_half, weights)) else "float32")

    @property
    def ready(self) -> bool:
        """Whether the machine code is there."""
        return self._loops is not None or self._made()

    def serves(self, store: Cached) -> bool:
        """Whether the loops can be called now, for rows that the `Decoder` serves."""
        return self.ready and store.slabs[0].keys.dtype == torch.float32 == self._embedding.dtype

    def begin(self) -> None:
        """Load the machine code, or have it made by a process of its own. Calling it again does nothing."""
        if self._begun:
            return
        self._begun = True
        try:
            if not self._load():
                self._building = build.start(self._kind)
        except build.Unavailable as error:
            self.unavailable = str(error)

    def wait(self) -> bool:
        """Begin, until the machine code is made, or cannot be; whether it is."""
        self.begin()
        if self._building is not None:
            self._building.wait()
        return self.ready

    def forward(self, ids: Tensor, frame: Frame, store: Store, last_only: bool) -> Tensor:
        """Logits [1, n or 1, vocab] of the tokens `ids` int64 [n], the last rows of the pass."""
        x = functional.embedding(ids, self._embedding).numpy()
        seen = _seen(self._layers[0].layer, frame, self._embedding)  # all layers turn alike, see `of`
        for each in self._layers:
            self._layer(each, x, frame, seen, store)
        if last_only:
            x = x[-1:]
        out = np.empty((len(x), self._head[0].shape[0]), np.float32)
        self._loops.logits(x, *self._norm, *self._head, out)
        return torch.from_numpy(out)[None]

    def _layer(self, own: _Layer, x: Array, frame: Frame, seen: _Rows, store: Store) -> None:
        slabs = [slab[0].numpy() for slab in store.extend(own.layer, len(x))]
        near = np.empty((own.heads * len(x), own.size), np.float32)
        far = np.empty_like(near) if seen.num_far else near[:0]
        turns = seen.cos, seen.sin, seen.far_cos, seen.far_sin
        self._loops.begin(x, *own.begin, *turns, *slabs, frame.first_row, near, far)
        mixed = np.empty((len(x), own.heads * slabs[1].shape[2]), np.float32)
        marks = seen.scale * np.float32(own.scale), seen.bias, seen.raised, seen.heard, seen.gain
        told = (near, far, *slabs, frame.total, seen.num_far, frame.scheme.window, *marks)
        self._attend(told, slabs, frame.total, mixed)
        self._loops.finish(x, mixed, *own.finish)

    def _attend(self, told: tuple[Any, ...], slabs: Sequence[Array], total: int, out: Array) -> None:
        heads = slabs[0].shape[0]
        threads = min(torch.get_num_threads(), heads)
        if threads == 1 or total * heads * (slabs[0].shape[2] + slabs[1].shape[2]) * 4 < _SHARED:
            self._loops.attend(*told, 0, heads, out)
            return
        self._pool = self._pool or ThreadPoolExecutor(threads - 1, "hirope-attend")
        bounds = [heads * n // threads for n in range(threads + 1)]
        others = [
            self._pool.submit(partial(self._loops.attend, *told, bounds[n], bounds[n + 1], out))
            for n in range(1, threads)
        ]
        self._loops.attend(*told, 0, bounds[1], out)
        for other in others:
            other.result()

    def _made(self) -> bool:
        if self._building is None or self._building.poll() is None:
            return False
        self._building = None
        try:
            if not self._load():
                self.unavailable = "it could not be compiled"
        except build.Unavailable as error:
            self.unavailable = str(error)
        return self._loops is not None

    def _load(self) -> bool:
        """Whether there was machine code; it is used if it computes what the decoder does."""
        found = build.load(self._kind)
        if found is None:
            return False
        self._loops = found
        ids, frame = torch.arange(_TRIED) % len(self._embedding), Frame(Scheme.plain(_TRIED), _TRIED, _TRIED, None)
        with torch.no_grad():
            wanted = self._decoder.forward(ids, frame, lambda layer, key, value, turned: (key, value, turned), False)
            got = self.forward(ids, frame, _Scratch(self._layers), False)
        if not bool((got - wanted).abs().max() <= _SLACK * wanted.abs().max()):
            self._loops, self.unavailable = None, "what it computes on this processor is wrong"
        return True


def _is_half(weight: Tensor) -> bool:
    return torch.equal(weight, weight.bfloat16().float())


def _numbers(tensor: Tensor | None) -> Array:
    """float32, [0] for None."""
    return np.zeros(0, np.float32) if tensor is None else tensor.detach().contiguous().numpy()


def _linear(part: Linears, kind: str) -> tuple[Array, ...]:
    """Weight and bias of each, one after the other."""
    found: list[Array] = []
    for weight, bias in zip(part.weights, part.biases, strict=True):
        held = weight.detach().contiguous()
        bits = held.bfloat16().view(torch.int16).numpy().view(np.uint16) if kind == "bfloat16" else held.numpy()
        found += [bits, _numbers(bias)]
    return tuple(found)


def _norm(norm: Norm) -> tuple[Array, np.float32]:
    return _numbers(norm.weight), np.float32(norm.eps)


def _layer(block: Block, kind: str) -> _Layer:
    of_heads = block.query_norm, block.key_norm
    weights = [_numbers(None if norm is None else norm.weight) for norm in of_heads]
    eps = np.float32(0 if block.query_norm is None else block.query_norm.eps)
    queries, keys, values = (len(weight) for weight in block.heads.weights)
    out, gates, down = (_linear(part, kind) for part in (block.out, block.gates, block.down))
    return _Layer(
        layer=block.layer,
        scale=block.scale,
        heads=queries // block.head_dim,
        kv_heads=keys // block.head_dim,
        size=block.head_dim,
        value_size=values * block.head_dim // keys,
        begin=(*_norm(block.before), *_linear(block.heads, kind), *weights, eps),
        finish=(*out, *_norm(block.after), *gates, *down),
    )


def _seen(layer: Layer, frame: Frame, like: Tensor) -> _Rows:
    assert layer.angles is not None
    rows, window = frame.total - frame.first_row, frame.scheme.window
    cos, sin = (_numbers(part) for part in layer.angles.signed(frame.first_row, frame.total, like))
    far_cos, far_sin = (_numbers(part[0]) for part in layer.angles.signed(window, window + 1, like))
    scale = frame.score_scale(like) if frame.long else None
    bias = frame.far_bias(like) if frame.long else None
    raised = frame.raised(like) if frame.long else None
    return _Rows(
        cos,
        sin,
        far_cos,
        far_sin,
        frame.num_far_keys if frame.long else 0,
        np.ones(rows, np.float32) if scale is None else _numbers(scale[:, 0]),
        np.zeros(rows, np.float32) if bias is None else _numbers(bias),
        np.zeros(0, np.int64) if raised is None else raised.keys.numpy(),
        np.zeros((rows, 0), np.bool_) if raised is None else raised.seen.contiguous().numpy(),
        np.float32(frame.scheme.mention_gain),
    )
