"""One row of a decoder of the Llama kind with static shapes: tensor operations on fixed buffers, and nothing else.

What changes from token to token is written into the buffers beforehand (`StaticStep.fill`); `run` then asks nothing of
the host, so that a GPU can record it once and repeat it (`graphs`). Attention goes over a bucket of the slabs instead
of the rows that count, and masks the rest. The numbers are those of `lean`, which tests hold this to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from hirope_ls.hirope.frame import Frame
from hirope_ls.hirope.lean import Block, Decoder
from hirope_ls.hirope.rotary import Table

BUCKET = 1024  # rows
_HALF = (torch.bfloat16, torch.float16)


class Slabs(NamedTuple):
    """One layer's keys, values and turned keys, [1, kv, capacity, .] each."""

    keys: Tensor
    values: Tensor
    turned: Tensor


def serves(decoder: Decoder, frame: Frame) -> bool:
    """Whether the pass is one row that can be computed here: half precision on a GPU too, as scores are float32."""
    return frame.total - frame.first_row == 1 and decoder.serves(frame, exact_scores=True)


def bucket_of(row: int, capacity: int, step: int = BUCKET) -> int:
    """How many rows of slabs of that capacity a step at `row` goes over."""
    return min((row // step + 1) * step, capacity)


def settle(slabs: Sequence[Slabs], row: int) -> None:
    """Make numbers of all that lies in the slabs beyond `row`: a hidden value counts nothing, but NaN times nothing is
    NaN, and memory that was never written may hold any. Rows that are kept there, uncounted, stay as they are.

    Once for slabs is enough as long as the model computes finite values, and without those it says nothing anyway."""
    for slab in slabs:
        slab.values[:, :, row + 1 :].nan_to_num_(0.0, 0.0, 0.0)


class _Seen(NamedTuple):
    """What the row sees and how it turns, the same in all layers.

    turns     {id of the angles: cosines and signed sines [1, d] of the row}
    factors   {a layer's own factor on scores: that one times the row's}
    far       bool [far columns], those hidden from the row as far keys
    near      bool [near columns], those hidden as near ones
    """

    turns: dict[int, tuple[Tensor, Tensor]]
    factors: dict[float, Tensor]
    far: Tensor
    near: Tensor


class StaticStep:
    """The step of rows bucket - step .. bucket - 1 of a decoder, under one scheme, of ordinary or hierarchical rows.

    Far keys are among the columns [0, bucket - window), near ones from `first_near` on: the two overlap by less than
    `step` columns, and each column that is hidden in one of them, and counts, is seen in the other.
    """

    def __init__(self, decoder: Decoder, frame: Frame, bucket: int, step: int = BUCKET) -> None:
        """frame: of a row that `serves` allows; bucket: what `bucket_of` says for it."""
        like = decoder.embedding
        self._decoder, self._bucket = decoder, bucket
        self._window = frame.scheme.window if frame.long else bucket
        self._gain = frame.scheme.mention_gain
        self._num_far = bucket - self._window
        self._first_near = max(0, bucket - step - self._window + 1)
        self._exact = torch.promote_types(like.dtype, torch.float32)
        with torch.inference_mode(False):  # buffers are written in any later mode
            self._token = torch.zeros(1, dtype=torch.int64, device=like.device)
            self._row = torch.zeros_like(self._token)
            self._scale = torch.ones((), dtype=self._exact, device=like.device)
            self._bias = torch.zeros(self._num_far, dtype=self._exact, device=like.device)
            self._columns = torch.arange(bucket, device=like.device)
            self.logits = torch.zeros(1, len(decoder.head.weights[0]), dtype=like.dtype, device=like.device)
            self._sign = _signs(decoder.blocks[0].head_dim, like)
            self._tables = {id(b.layer.angles): _table(b, bucket, like) for b in decoder.blocks}
            self._beyond = {id(b.layer.angles): _far_turn(b, self._window, like) for b in decoder.blocks if frame.long}

    def fill(self, ids: Tensor, frame: Frame) -> None:
        """Say which row comes: ids int64 [1], frame as at the beginning but for its row and its mentions."""
        self._token.copy_(ids)
        self._row.fill_(frame.first_row)
        if not self._num_far:
            return
        host = torch.empty(0, dtype=self._exact)
        scale, bias, raised = frame.score_scale(host), frame.far_bias(host), frame.raised(host)
        self._scale.fill_(1.0 if scale is None else float(scale))
        self._bias.fill_(0.0 if bias is None else float(bias))
        if raised is not None:
            self._bias.index_fill_(0, raised.keys[raised.seen[0]].to(self._bias.device), self._gain)

    def run(self, slabs: Sequence[Slabs]) -> None:
        """Compute `logits` [1, vocab], and the row in the slabs of each layer."""
        x = functional.embedding(self._token, self._decoder.embedding)
        seen = self._seen()
        for block, slab in zip(self._decoder.blocks, slabs, strict=True):
            x = self._block(block, slab, x, seen)
        self.logits.copy_(self._decoder.head(self._decoder.norm(x))[0])

    def _seen(self) -> _Seen:
        turns = {
            angles: (table.cos[0].index_select(0, self._row), table.sin[0].index_select(0, self._row) * self._sign)
            for angles, table in self._tables.items()
        }
        factors = {block.scale: self._scale * block.scale for block in self._decoder.blocks}
        beyond = self._row - self._window  # the last far key
        near = self._columns[self._first_near :]
        return _Seen(
            turns, factors, self._columns[: self._num_far] > beyond, (near > self._row).logical_or_(near <= beyond)
        )

    def _block(self, block: Block, slab: Slabs, x: Tensor, seen: _Seen) -> Tensor:
        query, key, value = [part.view(-1, 1, block.head_dim) for part in block.heads(block.before(x))]
        if block.query_norm is not None and block.key_norm is not None:
            query, key = block.query_norm(query), block.key_norm(key)
        far, near, turned = self._turned(block, query, key, seen)
        for target, row in zip(slab, (key, value, turned), strict=True):
            target.index_copy_(2, self._row, row[None])
        out = self._attended(far, near, slab, seen, seen.factors[block.scale])
        x = x + block.out(out.reshape(1, -1))[0]
        gate, up = block.gates(block.after(x))
        return x + block.down(block.act(gate) * up)[0]

    def _turned(self, block: Block, query: Tensor, key: Tensor, seen: _Seen) -> tuple[Tensor | None, Tensor, Tensor]:
        """As in `lean`: query heads for far keys, or None, and for near ones, and key heads; [h, 1, d] each."""
        both, heads = torch.cat((query, key)), len(query)
        rolled = both.roll(both.shape[2] // 2, 2)
        cos, sin = seen.turns[id(block.layer.angles)]
        near, far = both * cos + rolled * sin, None
        if self._num_far:
            cos, sin = self._beyond[id(block.layer.angles)]
            far = query * cos + rolled[:heads] * sin
        return far, near[:heads], near[heads:]

    def _attended(self, far: Tensor | None, near: Tensor, slab: Slabs, seen: _Seen, factor: Tensor) -> Tensor:
        """[kv, groups, dv] of query heads [h, 1, d]."""
        keys, values, turned = (part[0] for part in slab)
        grouped = len(keys), len(near) // len(keys), -1
        first, end = self._first_near, self._bucket
        scores = self._scores(near.reshape(grouped), turned[:, first:end], factor).masked_fill_(seen.near, -torch.inf)
        if far is None:
            return scores.softmax(2).to(values.dtype) @ values[:, first:end]
        beyond = self._scores(far.reshape(grouped), keys[:, : self._num_far], factor).add_(self._bias)
        scores = torch.cat((beyond.masked_fill_(seen.far, -torch.inf), scores), dim=2)
        weights = scores.softmax(2).to(values.dtype)
        out = weights[:, :, : self._num_far] @ values[:, : self._num_far]
        return out + weights[:, :, self._num_far :] @ values[:, first:end]

    def _scores(self, query: Tensor, keys: Tensor, factor: Tensor) -> Tensor:
        """[kv, groups, columns], float32 or better, of queries [kv, groups, d] and keys [kv, columns, d]."""
        if keys.is_cuda and keys.dtype in _HALF:  # products of half precision that are never rounded to it
            return torch.bmm(query, keys.transpose(1, 2), out_dtype=torch.float32).mul_(factor)
        return (query @ keys.transpose(1, 2)).to(self._exact).mul_(factor)


def _signs(head_dim: int, like: Tensor) -> Tensor:
    """[d]: minus one for the first half, as `Angles.signed` has it."""
    signs = torch.ones(head_dim, dtype=like.dtype, device=like.device)
    signs[: head_dim // 2] = -1
    return signs


def _table(block: Block, bucket: int, like: Tensor) -> Table:
    """Of ordinary positions, long enough for the bucket; buckets of about the same size share one."""
    assert block.layer.angles is not None
    return block.layer.angles.span(0, 1 << (bucket - 1).bit_length(), like)


def _far_turn(block: Block, window: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines [1, d] of index `window`."""
    assert block.layer.angles is not None
    cos, sin = block.layer.angles.signed(window, window + 1, like)
    return cos.clone(), sin
