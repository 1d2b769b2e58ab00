"""What attention knows of a layer beside the heads it is given: how the layer turns them, and how it was called.

Positions come from the frame of the running pass, which travels beside the model, never in arguments. Knows no scores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from hirope_ls.hirope.frame import Frame
from hirope_ls.hirope.rotary import Angles, Rotation

_ATTRIBUTE = "_hirope_layer"


class Beside:
    """What travels beside a patched model: the frame of the forward pass that is running."""

    def __init__(self) -> None:
        self.frame: Frame | None = None


@dataclass(frozen=True)
class Layer:
    """What one attention layer needs to know.

    angles    tables of its rotary module, and
    rotation  the model's own way of applying them; both None for a layer without rotation (NoPE)
    sliding   its sliding window in tokens, None for full attention
    index     its number in a cache
    """

    angles: Angles | None
    rotation: Rotation | None
    sliding: int | None
    beside: Beside
    index: int = 0

    def under(self, frame: Frame) -> Layer:
        """The layer as that pass has it: with changed frequencies where all rows of its prompt are stretched."""
        stretch = frame.scheme.stretch
        if stretch is None or not frame.stretched or self.angles is None or self.sliding is not None:
            return self
        angles = self.angles.stretched(stretch, frame.scheme.trained_length, frame.prompt_length)
        return replace(self, angles=angles)

    def turn(self, heads: Tensor, first: int) -> Tensor:
        """Heads [B, h, rows, d] of the absolute rows first, first + 1, ... with ordinary RoPE."""
        if self.angles is None or self.rotation is None:
            return heads
        return self.rotation(heads, self.angles.span(first, first + heads.shape[2], heads))

    def turn_both(
        self, frame: Frame, query: Tensor, keys: Tensor, first_key: int, first: int, keep: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Query rows, and the keys from the absolute row `first` on, with ordinary RoPE.

        `keys` begins at the absolute row `first_key`; the queries are its last rows. keep: the cache, if it keeps
        turned keys, may keep these.
        """
        if self.angles is None or self.rotation is None:
            return query, keys[:, :, first - first_key :]
        end = first_key + keys.shape[2]
        row = end - query.shape[2]
        kept = frame.kept(self.index, keys) if keep and first_key == 0 else None
        if kept is None:
            return self.turn(query, row), self.turn(keys[:, :, first - first_key :], first)
        if kept.next_after(first) != row or query.dtype != keys.dtype:
            return self.turn(query, row), kept.ordinary(keys, first, end, self.turn)
        query, new = self.rotation.both(query, keys[:, :, row:], self.angles.span(row, end, query))
        return query, kept.append(new, first)

    def far_keys(self, frame: Frame, keys: Tensor) -> Tensor:
        """The first num_far_keys of `keys`, which begin at row 0, by hierarchical positions."""
        stop = frame.num_far_keys
        if self.far_stay(frame, keys):
            return keys[:, :, :stop]
        kept = frame.kept(self.index, keys)
        if kept is None:
            return self._turn_far(frame, keys[:, :, :stop], 0)
        return kept.hierarchical(keys, stop, partial(self._turn_far, frame))

    def far_stay(self, frame: Frame, like: Tensor) -> bool:
        """Whether far keys are what the cache holds: all of them at index 0, where nothing turns."""
        return frame.scheme.far_keys_alike and self.angles is not None and self.angles.begins_unturned(like)

    def far_query(self, frame: Frame, query: Tensor) -> Tensor:
        """The rows that have far keys, which are the last of `query`, turned for these."""
        assert self.angles is not None and self.rotation is not None
        rows = frame.total - frame.first_far_row
        return self.rotation(query[:, :, -rows:], frame.far_query_table(self.angles, query))

    def _turn_far(self, frame: Frame, heads: Tensor, first: int) -> Tensor:
        """Key heads of the absolute rows first, first + 1, ... as the rows see them that they are far from."""
        assert self.angles is not None and self.rotation is not None
        return self.rotation(heads, frame.far_key_table(self.angles, first, first + heads.shape[2], heads))


def attach(module: nn.Module, layer: Layer) -> None:
    """Tell an attention module how it is patched."""
    setattr(module, _ATTRIBUTE, layer)


def detach(module: nn.Module) -> None:
    """Undo `attach`."""
    delattr(module, _ATTRIBUTE)


def layer_of(module: nn.Module) -> Layer | None:
    """What `attach` said of it."""
    found: Layer | None = getattr(module, _ATTRIBUTE, None)
    return found


class Call(NamedTuple):
    """One layer's attention in one pass: what does not change between the parts that it is computed in."""

    module: nn.Module
    layer: Layer
    frame: Frame
    scale: float
    dropout: float
