"""Rotary tables for arbitrary positions of each pair, in the model's own convention.

Nothing is re-derived here: cosines come from (a frozen copy of) the model's own rotary module, so its `inv_freq`, its
scaling and its column order are respected, and they are applied by the model's own `apply_rotary_pos_emb`, whether it
pairs halves or neighbours, the whole head or a part of it. Hierarchical tables are put together column by column from
tables of single positions. Models whose frequencies change with the length (dynamic, longrope) keep those they were
loaded with; only `Angles.stretched` changes frequencies, and only those. Knows nothing of attention.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from hirope_ls.hirope.frequencies import Stretch, stretched
from hirope_ls.hirope.scheme import natural_split
from hirope_ls.hirope.support import Unsupported

_SLACK = 256  # rows computed ahead, so that decoding does not make a new table each step

Step = int | range | Tensor  # positions of consecutive rows: one for all, a plain range, or int64 [rows]


class Table(NamedTuple):
    """cos and sin, each [1, rows, columns] (one row where all rows are alike), attention scaling included."""

    cos: Tensor
    sin: Tensor

    def rows(self, start: int, stop: int) -> Table:
        return Table(self.cos[:, start:stop], self.sin[:, start:stop])

    def gather(self, rows: Tensor) -> Table:
        rows = rows.to(self.cos.device)
        return Table(self.cos.index_select(1, rows), self.sin.index_select(1, rows))

    def where(self, columns: Tensor, other: Table) -> Table:
        """This table, with `columns` (bool [columns]) taken from `other`."""
        return Table(torch.where(columns, other.cos, self.cos), torch.where(columns, other.sin, self.sin))


class _Held(NamedTuple):
    start: int
    stop: int
    table: Table


class Angles:
    """Tables of one rotary module (and one of its layer types), made once and kept as long as they serve."""

    def __init__(
        self, module: nn.Module, layer_type: str | None, column_pairs: Tensor | None = None, factor: float = 1.0
    ) -> None:
        """`module` must be a frozen copy made by `freeze`.

        column_pairs: int64 [columns], the pair that each table column belongs to; found out where None. factor: what
        cosines and sines are multiplied by, beyond what the module does itself.
        """
        self._module = module
        self._layer_type = layer_type
        self._factor = factor
        self._origin: _Held | None = None
        self._recent: _Held | None = None
        self._splits: dict[tuple[int, torch.dtype], int] = {}
        self._columns: dict[tuple[tuple[int, ...], int, torch.device], list[Tensor]] = {}
        self._stretched: tuple[object, Angles] | None = None
        self._signed: dict[tuple[int, int, torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}
        self._unturned: dict[tuple[torch.dtype, torch.device], bool] = {}
        self.column_pairs = self._read_columns() if column_pairs is None else column_pairs

    @property
    def inv_freq(self) -> Tensor:
        """Angular frequency of each pair in radians per position, [pairs]."""
        return cast(Tensor, getattr(self._module, self._buffer_name))

    @property
    def num_pairs(self) -> int:
        return self.inv_freq.shape[0]

    def natural_split(self, trained_length: int) -> int:
        """How many of the pairs complete a turn within that many tokens."""
        asked = trained_length, self.inv_freq.dtype  # frequencies are rounded with the model
        if asked not in self._splits:
            self._splits[asked] = natural_split(self.inv_freq.tolist(), trained_length)
        return self._splits[asked]

    @property
    def _buffer_name(self) -> str:
        return "inv_freq" if self._layer_type is None else f"{self._layer_type}_inv_freq"

    def stretched(self, stretch: Stretch, trained_length: int, prompt_length: int) -> Angles:
        """Tables by the frequencies that a prompt of that length gets; those of the last one asked for are kept."""
        own = self.inv_freq
        asked = stretch.at(trained_length, prompt_length), trained_length, own.device, own.dtype
        if self._stretched is None or self._stretched[0] != asked:
            inv_freq, factor = stretched(own, stretch, trained_length, prompt_length)
            inv_freq = inv_freq.to(own.device, torch.promote_types(own.dtype, torch.float32))
            module = _with_buffer(self._module, self._buffer_name, inv_freq)
            self._stretched = asked, Angles(module, self._layer_type, self.column_pairs, factor)
        return self._stretched[1]

    def span(self, start: int, stop: int, like: Tensor) -> Table:
        """Ordinary positions start..stop-1 for every pair, in the dtype and on the device of `like`."""
        for held in (self._origin, self._recent):
            if held is not None and held.start <= start and stop <= held.stop and _fits(held.table, like):
                return held.table.rows(start - held.start, stop - held.start)
        end = -(-stop // _SLACK) * _SLACK if start == 0 else stop + _SLACK
        made = _Held(start, end, self._compute(start, end, like))
        if start == 0:
            self._origin = made
        else:
            self._recent = made
        return made.table.rows(0, stop - start)

    def begins_unturned(self, like: Tensor) -> bool:
        """Whether index 0 leaves heads as they are, bit by bit: not so where the module scales its cosines (YaRN)."""
        asked = like.dtype, like.device
        if asked not in self._unturned:
            table = self.span(0, 1, like)
            self._unturned[asked] = bool((table.cos == 1).all() and (table.sin == 0).all())
        return self._unturned[asked]

    def signed(self, start: int, stop: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """As `span`, each [rows, columns], the sines of the first half of the columns negative: for pairs (p, p + d/2)
        x turned is x * cosine + (x rolled by d/2) * sine."""
        asked = start, stop, like.dtype, like.device
        if asked not in self._signed:
            if len(self._signed) > 2:
                self._signed.clear()
            table = self.span(start, stop, like)
            sin = table.sin[0].clone()
            sin[:, : sin.shape[1] // 2].neg_()
            self._signed[asked] = table.cos[0], sin
        return self._signed[asked]

    def mixed(self, steps: Sequence[Step], levels: Sequence[int], like: Tensor) -> Table:
        """Each pair at the positions of its own level: pair p, row r at `steps[levels[p]][r]`."""
        table = self._at(steps[0], like)
        for columns, step in zip(self._columns_of(tuple(levels), len(steps), like.device), steps[1:], strict=True):
            table = table.where(columns, self._at(step, like))
        return table

    def _columns_of(self, levels: tuple[int, ...], num_levels: int, device: torch.device) -> list[Tensor]:
        """bool [columns] for each level but the first: the columns whose pairs see it."""
        asked = levels, num_levels, device
        found = self._columns.get(asked)
        if found is None:
            with torch.inference_mode(False):  # as in _compute
                column_level = torch.tensor(levels)[self.column_pairs]
                found = [(column_level == level).to(device) for level in range(1, num_levels)]
            self._columns[asked] = found
        return found

    def _at(self, step: Step, like: Tensor) -> Table:
        if isinstance(step, range):
            return self.span(step.start, step.stop, like)
        if isinstance(step, int):
            return self.span(0, step + 1, like).rows(step, step + 1)
        top = int(step.max()) + 1 if step.numel() else 1
        return self.span(0, top, like).gather(step)

    def _compute(self, start: int, stop: int, like: Tensor) -> Table:
        # Kept tables must be usable in any later mode, so they are never made as inference tensors.
        with torch.inference_mode(False), torch.no_grad():
            ids = torch.arange(start, stop, device=like.device)[None]
            exact = like.dtype if self._factor == 1.0 else torch.promote_types(like.dtype, torch.float32)
            probe = torch.empty(0, dtype=exact, device=like.device)
            extra = () if self._layer_type is None else (self._layer_type,)
            cos, sin = self._module(probe, ids, *extra)
            if self._factor != 1.0:
                cos, sin = (cos * self._factor).to(like.dtype), (sin * self._factor).to(like.dtype)
        return Table(cos, sin)

    def _read_columns(self) -> Tensor:
        """int64 [columns]: the pair that each table column belongs to, found by giving every pair its own angle."""
        own, num_pairs = self.inv_freq, self.num_pairs
        marks = (torch.arange(1, num_pairs + 1) / (num_pairs + 1)).to(own)
        marked = Angles(_with_buffer(self._module, self._buffer_name, marks), self._layer_type, torch.empty(0))
        table = marked._compute(1, 2, torch.empty(0, dtype=torch.float32, device=own.device))
        angle = torch.atan2(table.sin[0, 0], table.cos[0, 0]).cpu()
        pairs = (angle * (num_pairs + 1)).round().to(torch.int64) - 1
        if not bool(((pairs >= 0) & (pairs < num_pairs)).all()):
            raise Unsupported(f"{type(self._module).__name__} computes its frequencies anew in each pass")
        return pairs


def _fits(table: Table, like: Tensor) -> bool:
    return table.cos.dtype == like.dtype and table.cos.device == like.device


def _with_buffer(module: nn.Module, name: str, value: Tensor) -> nn.Module:
    """A module that shares everything with another but that buffer."""
    twin = copy.copy(module)
    twin.__dict__["_buffers"] = {**module._buffers, name: value}
    return twin


def freeze(module: nn.Module) -> nn.Module:
    """A copy of a rotary module whose frequencies never change, whatever positions it is asked for."""
    frozen = copy.deepcopy(module)
    kinds = getattr(frozen, "rope_type", "default")
    state = frozen.__dict__
    state["rope_type"] = dict.fromkeys(kinds, "default") if isinstance(kinds, dict) else "default"
    for name, _ in list(frozen.named_buffers(recurse=False)):
        original = getattr(frozen, name.replace("inv_freq", "original_inv_freq"), None)
        if name.endswith("inv_freq") and "original" not in name and isinstance(original, Tensor):
            getattr(frozen, name).data.copy_(original)
    return frozen


def layer_types(module: nn.Module) -> list[str | None]:
    """The layer types that a rotary module keeps apart (Gemma-3), or [None] where it has one table for all."""
    names = [name for name, _ in module.named_buffers(recurse=False)]
    if "inv_freq" in names:
        return [None]
    suffix = "_inv_freq"
    return [n.removesuffix(suffix) for n in names if n.endswith(suffix) and not n.endswith("original_inv_freq")]


class IdentityRotary(nn.Module):
    """Stands in for a model's rotary module: cos = 1 and sin = 0, so queries and keys pass unrotated.

    `on_forward` is told the plain position ids of each forward pass; for the layer types in `shown` it answers
    with real tables instead, which only the probe at patch time asks for.
    """

    def __init__(self, original: nn.Module, on_forward: Callable[[Tensor], None]) -> None:
        super().__init__()
        self.frozen = freeze(original)  # a submodule, so that it follows the model from device to device
        self.angles = {kind: Angles(self.frozen, kind) for kind in layer_types(original)}
        self.shown: list[str | None] = []
        self._on_forward = on_forward

    def forward(
        self, x: Tensor, position_ids: Tensor, layer_type: str | None = None, **_: Any
    ) -> tuple[Tensor, Tensor]:
        self._on_forward(position_ids)
        angles = self.angles[layer_type]
        if layer_type in self.shown:
            first = int(position_ids[0, 0])
            table = angles.span(first, first + position_ids.shape[1], x)
            return table.cos, table.sin
        shape = (*position_ids.shape, angles.column_pairs.shape[0])
        return x.new_ones(shape), x.new_zeros(shape)


class Rotation(NamedTuple):
    """The model's own way of turning heads: `apply_rotary_pos_emb` of its modeling module.

    width: how many leading dimensions of a head the function is given; None where it gets whole heads (and may itself
    turn only a part of them).
    """

    function: Callable[..., tuple[Tensor, Tensor]]
    width: int | None

    def __call__(self, heads: Tensor, table: Table) -> Tensor:
        """`heads` [B, heads, rows, head_dim] turned by `table` [1, rows, columns]."""
        if self.width is None or self.width >= heads.shape[-1]:
            return self._turn(heads, table)
        return torch.cat([self._turn(heads[..., : self.width], table), heads[..., self.width :]], dim=-1)

    def both(self, query: Tensor, key: Tensor, table: Table) -> tuple[Tensor, Tensor]:
        """Query and key heads of the same rows, in one call."""
        if self.width is None or self.width >= query.shape[-1]:
            return self.function(query, key, table.cos, table.sin)
        return self(query, table), self(key, table)

    def _turn(self, heads: Tensor, table: Table) -> Tensor:
        # The function turns queries and keys by the same table; zero key heads make that free.
        return self.function(heads, heads[:, :0], table.cos, table.sin)[0]
