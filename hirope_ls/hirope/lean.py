"""A few rows of a decoder of the Llama kind, computed with as few operations as they take.

A decode step of a small model is bound by the number of operations that Python launches, and transformers launches
some hundred a layer. Here the same numbers come from about forty. It serves layers that are built as Llama's are
(`Decoder.of` looks, and compares on a few tokens), rows that are all ordinary or all hierarchical, and schemes whose
far keys stay as the cache holds them; everything else goes the long way through transformers, which is also the slow
twin that tests hold this to. Knows no sessions and no cache but what it hands over: see `Store`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from hirope_ls.hirope.frame import Frame
from hirope_ls.hirope.layer import Layer, layer_of
from hirope_ls.hirope.packed import Linears, linears
from hirope_ls.hirope.rotary import Rotation
from hirope_ls.hirope.scheme import Scheme
from hirope_ls.hirope.scores import Seen, attend
from hirope_ls.hirope.turned import TurnedCache, TurnedKeys

MOST_ROWS = 16
_EXACT = (torch.float32, torch.float64)
_TRIED = 4  # tokens compared
_SMALL = 2**26  # bytes of weights that may be copied


class Store(Protocol):
    """Where one layer's rows go."""

    def __call__(self, layer: Layer, key: Tensor, value: Tensor, turned: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Append rows [1, kv, n, d], the keys unrotated and turned; all keys and values so far, unrotated, and turned
        keys, the last ones, as far back as the first of the rows is near to them, or further: [1, kv, ., d] each."""
        ...


class Cached(NamedTuple):
    """Slabs of a cache, and the turned keys that it keeps."""

    slabs: Sequence[Any]
    rooms: Sequence[TurnedKeys]
    frame: Frame

    @classmethod
    def of(cls, slabs: Sequence[Any], kept: TurnedCache, frame: Frame) -> Cached | None:
        """None where the keys of some layer are not kept turned."""
        rooms = [room for room in kept.layers if room is not None]
        return cls(slabs, rooms, frame) if len(rooms) == len(slabs) else None

    def __call__(self, layer: Layer, key: Tensor, value: Tensor, turned: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        keys, values = self.slabs[layer.index].update(key, value)
        return keys, values, self.rooms[layer.index].following(turned, keys, self._first_near, layer.turn)

    def extend(self, layer: Layer, rows: int) -> tuple[Tensor, Tensor, Tensor]:
        """The layer's slabs of keys, values and turned keys, [1, kv, capacity, .] each, with `rows` more that count;
        the caller writes these. Of the turned keys those that are near to one of them are there."""
        slab, room = self.slabs[layer.index], self.rooms[layer.index]
        start = slab.extend(rows)
        if room.next_after(self._first_near) < start:
            room.ordinary(slab.keys, self._first_near, start, layer.turn)
        room.ready = start + rows
        return slab.keys, slab.values, room.room

    @property
    def _first_near(self) -> int:
        """The first key that is near to the first row."""
        frame = self.frame
        return max(frame.first_row - frame.scheme.window + 1, 0) if frame.long else 0


class Norm(NamedTuple):
    """RMS norm, in float32 as Llama has it."""

    weight: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        exact = x.float()
        normed = exact * exact.square().mean(-1, keepdim=True).add_(self.eps).rsqrt_()
        return self.weight * normed.to(x.dtype)


class Block(NamedTuple):
    """One decoder layer. `heads`: queries, keys and values; `query_norm`, `key_norm`: over single heads (Qwen3), or
    None; `gates`: what is activated, and what that is multiplied with."""

    layer: Layer
    scale: float
    head_dim: int
    before: Norm
    heads: Linears
    out: Linears
    query_norm: Norm | None
    key_norm: Norm | None
    after: Norm
    gates: Linears
    down: Linears
    act: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Decoder:
    """A whole model, its weights shared with the patched one."""

    embedding: Tensor
    blocks: Sequence[Block]
    norm: Norm
    head: Linears

    @classmethod
    def of(cls, model: Any, logits: Callable[[Tensor], Tensor]) -> Decoder | None:
        """The decoder of a patched model, or None where the model is not built so.

        logits: the model's own [n, vocab] for a few tokens int64 [n] with ordinary positions.
        """
        try:
            made = _read(model)
            if sum(weight.nbytes for weight in model.parameters()) <= _SMALL:
                made = made.packed()
        except (AttributeError, _Other):
            return None
        ids = torch.arange(_TRIED, device=made.embedding.device) % made.embedding.shape[0]
        with torch.no_grad():
            wanted, frame = logits(ids), Frame(Scheme.plain(_TRIED), _TRIED, _TRIED, None)
            got = made.forward(ids, frame, lambda layer, key, value, turned: (key, value, turned), False)[0]
        slack = 1e-4 if wanted.dtype in _EXACT else 3e-2
        return made if bool((got - wanted).abs().max() <= slack * wanted.abs().max()) else None

    def serves(self, frame: Frame, exact_scores: bool = False) -> bool:
        """Whether the rows of that pass can be computed here, or where scores are float32 whatever the keys are."""
        like, rows = self.embedding, frame.total - frame.first_row
        if rows > MOST_ROWS or frame.stretched or not self._linears_serve(like):
            return False
        if like.dtype not in _EXACT and like.device.type != "cpu" and not exact_scores:
            return False  # flash kernels keep scores in float32 there
        if not frame.long:
            return True
        first = max(frame.hierarchical_from, frame.scheme.window)
        unseen = frame.scheme.sinks is not None
        return frame.first_row >= first and not unseen and all(b.layer.far_stay(frame, like) for b in self.blocks)

    def _linears_serve(self, like: Tensor) -> bool:
        first = self.blocks[0]
        return all(part.serves(like) for part in (first.heads, first.down, self.head))

    def packed(self) -> Decoder:
        """With copies of the weights that make small models quicker."""
        blocks = [
            b._replace(heads=b.heads.pack(), out=b.out.pack(), gates=b.gates.pack(), down=b.down.pack())
            for b in self.blocks
        ]
        return replace(self, blocks=blocks, head=self.head.pack())

    def forward(self, ids: Tensor, frame: Frame, store: Store, last_only: bool) -> Tensor:
        """Logits [1, n or 1, vocab] of the tokens `ids` int64 [n], the last rows of the pass."""
        x = functional.embedding(ids, self.embedding)
        seen = Seen.of(frame, x)
        for block in self.blocks:
            x = self._block(block, x, frame, seen, store)
        x = self.norm(x[-1:] if last_only else x)
        return self.head(x)[0][None]

    def _block(self, block: Block, x: Tensor, frame: Frame, seen: Seen, store: Store) -> Tensor:
        h = block.before(x)
        query, key, value = [_heads(part, block.head_dim) for part in block.heads(h)]
        if block.query_norm is not None and block.key_norm is not None:
            query, key = block.query_norm(query), block.key_norm(key)
        far, near, turned = _turned(block.layer, frame, query, key)
        keys, values, near_keys = store(block.layer, key[None], value[None], turned[None])
        out = attend(far, near, keys[0], near_keys[0], values[0], block.scale, seen)
        x = x + block.out(out.transpose(0, 1).reshape(x.shape[0], -1))[0]
        gate, up = block.gates(block.after(x))
        return x + block.down(block.act(gate) * up)[0]


def _heads(x: Tensor, dim: int) -> Tensor:
    """[n, heads * dim] as [heads, n, dim]."""
    return x.view(x.shape[0], -1, dim).transpose(0, 1)


def _turned(layer: Layer, frame: Frame, query: Tensor, key: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
    """Query heads [h, n, d] as far keys meet them (None where there are none) and as near ones do, and key heads."""
    assert layer.angles is not None
    both, heads = torch.cat((query, key)), query.shape[0]
    half = both.shape[2] // 2
    rolled = both.roll(half, 2)  # the other half of each pair, but for the sign
    cos, sin = layer.angles.signed(frame.first_row, frame.total, both)
    near = both * cos + rolled * sin  # rounded as transformers rounds it: kept keys are the same to the bit
    far = None
    if frame.long:
        cos, sin = layer.angles.signed(frame.scheme.window, frame.scheme.window + 1, both)
        far = query * cos + rolled[:heads] * sin
    return far, near[:heads], near[heads:]


class _Other(Exception):
    """The model is built in another way."""


def _read(model: Any) -> Decoder:
    inner = model.model
    decoder = Decoder(
        inner.embed_tokens.weight, tuple(map(_block, inner.layers)), _norm(inner.norm), _linears(model.lm_head)
    )
    if type(inner.embed_tokens) is not nn.Embedding:
        raise _Other
    return decoder


def _block(module: Any) -> Block:
    own, mlp = module.self_attn, module.mlp
    layer = layer_of(own)
    if layer is None or layer.angles is None or layer.rotation is None or layer.sliding is not None:
        raise _Other
    if not _turns_halves(layer.rotation, layer.angles.column_pairs, own.head_dim):
        raise _Other
    return Block(
        layer=layer,
        scale=float(own.scaling),
        head_dim=int(own.head_dim),
        before=_norm(module.input_layernorm),
        heads=_linears(own.q_proj, own.k_proj, own.v_proj),
        out=_linears(own.o_proj),
        query_norm=_norm(own.q_norm) if hasattr(own, "q_norm") else None,
        key_norm=_norm(own.k_norm) if hasattr(own, "k_norm") else None,
        after=_norm(module.post_attention_layernorm),
        gates=_linears(mlp.gate_proj, mlp.up_proj),
        down=_linears(mlp.down_proj),
        act=mlp.act_fn,
    )


def _turns_halves(rotation: Rotation, columns: Tensor, head_dim: int) -> bool:
    """Whether the pairs are (p, p + d/2), over whole heads."""
    half = head_dim // 2
    whole = rotation.width is None or rotation.width >= head_dim
    return whole and len(columns) == head_dim and columns.tolist() == [*range(half), *range(half)]


def _linears(*modules: Any) -> Linears:
    found = linears(*modules)
    if found is None:
        raise _Other
    return found


def _norm(module: Any) -> Norm:
    return Norm(module.weight, float(module.variance_epsilon))
