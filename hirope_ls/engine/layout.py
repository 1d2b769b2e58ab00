"""From units to blocks, the position units: what one step on the unit level is, for every token.

A unit longer than `Limits.longest` is cut into blocks, at the starts of statements where there are any. Where the
blocks are more than the unit level has room for, `Limits.count`, small neighbours are joined: from the start, a block
takes in the next ones until it has `smallest` tokens, but never more than `longest`; `smallest` is the least of 0, 8,
16, 32 ... that gives few enough. So a block's index depends on the text up to it alone, except when `smallest` changes
or a unit comes to be longer than it may be. No block is longer than `longest`; a text of more than about
`longest * count` tokens has more blocks than there is room for. Empty blocks do not count. Pure arithmetic: knows no
text, files or models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.cutting import Cuts, CutUnit, cut_units
from hirope_ls.engine.joining import Joins, join
from hirope_ls.engine.limits import Limits
from hirope_ls.model.runs import Tokens

Ints = NDArray[np.int64]


class Block(NamedTuple):
    """One position unit: the bytes `start..end`, the tokens `first..last`, and the unit it begins in.

    `unit` counts in the parse's units; `kind` and `name` are that unit's.
    """

    start: int
    end: int
    first: int
    last: int
    unit: int
    kind: str
    name: str


@dataclass(frozen=True, eq=False)
class Layout:
    """The blocks of one text as arrays: where each starts in bytes and in tokens, and the unit it begins in.

    `starts`, `firsts`, `units`: int64[blocks]; `tokens`: how many tokens there are; `smallest`: see above; the rest is
    what the next layout of this text can go on from.
    """

    starts: Ints
    firsts: Ints
    units: Ints
    tokens: int
    smallest: int
    joins: Joins = field(repr=False)
    cuts: Cuts = field(repr=False)

    @cached_property
    def positions(self) -> NDArray[np.int32]:
        """int32[2, tokens]: the block's index, and the token's index inside the block; made on first use, read-only."""
        return self.positions_in(0, self.tokens)

    def positions_in(self, first: int, last: int) -> NDArray[np.int32]:
        """int32[2, last - first]: those of the tokens `first..last`, read-only."""
        low = max(int(self.firsts.searchsorted(first, "right")) - 1, 0)
        firsts = self.firsts[low : int(self.firsts.searchsorted(last))]
        sizes = np.diff(np.maximum(firsts, first), append=last)
        positions = np.empty((2, last - first), np.int32)
        positions[0] = np.repeat(np.arange(low, low + len(firsts), dtype=np.int32), sizes)
        positions[1] = np.arange(first, last, dtype=np.int32)
        positions[1] -= np.repeat(firsts.astype(np.int32), sizes)
        positions.flags.writeable = False
        return positions


class After(NamedTuple):
    """A text after edits: up to the byte `low` it is the one of `layout`, and so, but for its place, from `high` on.

    Both are borders of tokens in both texts, and outside of them the tokens are the same as well.
    """

    layout: Layout
    low: int
    high: int


def layout(
    unit_starts: Ints, tokens: Tokens, limits: Limits, cut: CutUnit | None, after: After | None = None
) -> Layout:
    """The blocks of a text with these tokens and units at the byte offsets `unit_starts` int64[units].

    `cut` is asked where to cut long units: by the unit's bytes, and where its tokens end in it, alone; without it they
    are cut evenly. `after`: what is known from before, for the same limits.
    """
    cuts = cut_units(unit_starts, tokens, limits.longest, cut, after and (after.layout.cuts, *after[1:]))
    joins = join(cuts.firsts, len(tokens), limits, after.layout.joins if after else None)
    starts, firsts, units = cuts.starts, cuts.firsts, cuts.units
    if joins.smallest:
        kept = joins.kept[joins.smallest]
        starts, firsts, units = starts[kept], firsts[kept], units[kept]
    return Layout(starts, firsts, units, len(tokens), joins.smallest, joins, cuts)
