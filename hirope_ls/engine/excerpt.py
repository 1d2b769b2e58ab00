"""Which tokens of a file a prompt for a cursor is made of: some before it, some after it.

They are chosen so that they change as little as can be while one types: where the near text begins, and where text too
long for the model is cut, moves in hops. Knows tokens and blocks; no prompts, no models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.healing import kept_tokens
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.tokens import TextTokenizer, Tokens
from hirope_ls.text.edit import Edit
from hirope_ls.text.encoding import character_start

IntArray = NDArray[np.int32]

_HOP = 64  # tokens between two places where the near prefix begins, and at least as many are in it
_LOOK_BACK = 64  # tokens, for the start of a line
_MAX_SUFFIX = 128  # tokens
_MAX_TOKEN_BYTES = 12  # so many bytes a token hold the tokens wanted, but for long runs of blanks


@dataclass(frozen=True, eq=False)
class Prefix:
    """The text before the byte `cut`: ids, first bytes and blocks of its n tokens; those before `first` do not fit."""

    ids: IntArray
    starts: NDArray[np.int64]
    blocks: IntArray
    first: int
    cut: int

    @classmethod
    def of(cls, snapshot: Snapshot, offset: int, tokenizer: TextTokenizer, cap: int | None, heal: bool) -> Prefix:
        """Up to the cursor, or with `heal` up to the word there that is to be read again. cap: None lets all fit."""
        tokens = prefix_tokens(snapshot, offset, tokenizer)
        kept = kept_tokens(snapshot.buffer.data, offset, tokens.ends) if heal else len(tokens)
        ids, ends = tokens.ids[:kept], tokens.ends[:kept]
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])[:kept]
        counts = np.diff(np.searchsorted(starts, snapshot.layout.starts), append=starts.size)
        blocks = np.repeat(np.arange(counts.size, dtype=np.int32), counts)
        first = 0 if cap is None else first_kept(kept, blocks, cap)
        return cls(ids, starts, blocks, first, int(ends[-1]) if kept else 0)

    @property
    def end(self) -> int:
        """How many tokens there are."""
        return int(self.ids.size)


def prefix_tokens(snapshot: Snapshot, offset: int, tokenizer: TextTokenizer) -> Tokens:
    """The tokens of the text before byte `offset`, equal to encoding it afresh, in the time of a small edit."""
    data = snapshot.buffer.data
    if offset == len(data):
        return snapshot.tokens
    return tokenizer.update(snapshot.tokens, data, Edit(offset, len(data), b""), data[:offset])


def suffix_ids(data: bytes, offset: int, tokenizer: TextTokenizer, wanted: int) -> IntArray:
    """The ids of the text from byte `offset` on, to the end of a line after about `wanted` tokens, at most 128.

    Empty if there is nothing but blanks.
    """
    wanted = min(wanted, _MAX_SUFFIX)
    window = data[offset : character_start(data, min(len(data), offset + _MAX_SUFFIX * _MAX_TOKEN_BYTES))]
    if wanted <= 0 or not window.strip():
        return np.empty(0, np.int32)
    tokens = tokenizer.encode(window)
    if tokens.ids.size <= wanted and offset + len(window) == len(data):
        return tokens.ids
    limit = int(tokens.ends[min(_MAX_SUFFIX, tokens.ids.size) - 1])
    cut = window.find(b"\n", int(tokens.ends[min(wanted, tokens.ids.size) - 1]) - 1) + 1
    if not 0 < cut <= limit:
        cut = window.rfind(b"\n", 0, limit) + 1 or character_start(window, limit)
    return tokenizer.encode(window[:cut]).ids[:_MAX_SUFFIX]


def near_start(data: bytes, starts: NDArray[np.int64], first: int) -> int:
    """The index of the token where the near prefix begins.

    `starts` int64[n] are the first bytes of the tokens before the cursor, `first` is the first that is used. The
    place is the start of a line (of a token, in a giant line) at or before the last multiple of 64 that leaves 64.
    """
    target = max(first, (starts.size - _HOP) // _HOP * _HOP)
    for at in range(target, max(first, target - _LOOK_BACK), -1):
        if data[starts[at] - 1] == ord("\n"):
            return at
    return target if target - first > _LOOK_BACK else first


def first_kept(num_tokens: int, blocks: IntArray, cap: int) -> int:
    """How many tokens to drop at the start for at most `cap` to stay: at least three quarters or so of the cap stay.

    It moves in hops of a quarter of the cap, to the start of a block, so that it stands still while one types.
    """
    excess = num_tokens - cap
    if excess <= 0:
        return 0
    hop = max(1, cap // 4)
    start = -(-excess // hop) * hop
    changes = np.flatnonzero(np.diff(blocks[start - 1 : start + hop]))
    return start + int(changes[0]) if changes.size else start
