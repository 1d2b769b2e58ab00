"""Which tokens of a file a prompt for a cursor is made of: some before it, some after it.

They are chosen so that they change as little as can be while one types: where the near text begins, and where text too
long for the model is cut, moves in hops. Knows tokens and blocks; no prompts, no models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.healing import kept_tokens
from hirope_ls.engine.options import LONGEST_SUFFIX
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.tokens import TextTokenizer, Tokens
from hirope_ls.text.encoding import character_start

IntArray = NDArray[np.int32]

_HOP = 64  # tokens between two places where the near prefix begins, and at least as many are in it
_LOOK_BACK = 64  # tokens, for the start of a line
_MAX_TOKEN_BYTES = 12  # so many bytes a token hold the tokens wanted, but for long runs of blanks


@dataclass(frozen=True, eq=False)
class Prefix:
    """The text before the byte `cut`, but for the first tokens, which do not fit: what is left begins with `first`.

    Ids, first bytes and blocks of its n tokens; the blocks count from any number.
    """

    ids: IntArray
    starts: NDArray[np.int64]
    blocks: IntArray
    first: int
    cut: int

    @classmethod
    def of(cls, snapshot: Snapshot, offset: int, tokenizer: TextTokenizer, cap: int | None, heal: bool) -> Prefix:
        """Up to the cursor, or with `heal` up to the word there that is to be read again. cap: None lets all fit."""
        tokens, blocks = prefix_tokens(snapshot, offset, tokenizer), snapshot.layout.starts
        kept = kept_tokens(snapshot.buffer.data, offset, tokens) if heal else len(tokens)
        first = 0 if cap is None else first_kept(kept, partial(_borders, blocks, tokens), cap)
        cut = int(tokens.begins(np.array([kept]))[0])
        begins = np.zeros(kept - first, np.int32)
        begins[_borders(blocks, tokens, first, kept) - first] = 1
        starts = np.concatenate((tokens.begins(np.array([first])), tokens.ends_in(first, kept)))[:-1]
        return cls(tokens.ids_in(first, kept), starts, begins.cumsum(dtype=np.int32), first, cut)

    @property
    def end(self) -> int:
        return self.first + int(self.ids.size)

    def part(self, start: int, end: int) -> tuple[IntArray, IntArray]:
        """Ids and blocks of the tokens `start..end`."""
        part = slice(start - self.first, end - self.first)
        return self.ids[part], self.blocks[part]


def prefix_tokens(snapshot: Snapshot, offset: int, tokenizer: TextTokenizer) -> Tokens:
    """The tokens of the text before byte `offset`, equal to encoding it afresh, in the time of a small edit."""
    return tokenizer.until(snapshot.tokens, snapshot.buffer.data, offset)


def suffix_ids(data: bytes, offset: int, tokenizer: TextTokenizer, wanted: int) -> IntArray:
    """The ids of the text from byte `offset` on, to the end of a line after about `wanted` tokens, at most 128.

    Empty if there is nothing but blanks.
    """
    wanted = min(wanted, LONGEST_SUFFIX)
    window = data[offset : character_start(data, min(len(data), offset + LONGEST_SUFFIX * _MAX_TOKEN_BYTES))]
    if wanted <= 0 or not window.strip():
        return np.empty(0, np.int32)
    tokens = tokenizer.encode(window)
    if tokens.ids.size <= wanted and offset + len(window) == len(data):
        return tokens.ids
    limit = int(tokens.ends[min(LONGEST_SUFFIX, tokens.ids.size) - 1])
    cut = window.find(b"\n", int(tokens.ends[min(wanted, tokens.ids.size) - 1]) - 1) + 1
    if not 0 < cut <= limit:
        cut = window.rfind(b"\n", 0, limit) + 1 or character_start(window, limit)
    return tokenizer.until(tokens, window, cut).ids_in(0, LONGEST_SUFFIX)


def near_start(data: bytes, starts: NDArray[np.int64], first: int) -> int:
    """The index of the token where the near prefix begins.

    `first` is the first token that is used, `starts` int64[n] the first bytes of it and of those up to the cursor. The
    place is the start of a line (of a token, in a giant line) at or before the last multiple of 64 that leaves 64.
    """
    target = max(first, (first + starts.size - _HOP) // _HOP * _HOP)
    for at in range(target, max(first, target - _LOOK_BACK), -1):
        if data[starts[at - first] - 1] == ord("\n"):
            return at
    return target if target - first > _LOOK_BACK else first


def first_kept(num_tokens: int, borders: Callable[[int, int], NDArray[np.int64]], cap: int) -> int:
    """How many tokens to drop at the start for at most `cap` to stay: at least three quarters or so of the cap stay.

    It moves in hops of a quarter of the cap, to the start of a block, so that it stands still while one types.
    `borders` tells the tokens low..high that begin a block.
    """
    excess = num_tokens - cap
    if excess <= 0:
        return 0
    hop = max(1, cap // 4)
    start = -(-excess // hop) * hop
    begins = borders(start, min(start + hop, num_tokens))
    return int(begins[0]) if begins.size else start


def _borders(blocks: NDArray[np.int64], tokens: Tokens, low: int, high: int) -> NDArray[np.int64]:
    """Those of the tokens low..high that are the first to begin in one of the blocks that start at these bytes."""
    if low >= high:
        return np.empty(0, np.int64)
    before, last = tokens.begins(np.array([max(low - 1, 0), high - 1])).tolist()
    return tokens.first_from(blocks[blocks.searchsorted(before, "right") : blocks.searchsorted(last, "right")])
