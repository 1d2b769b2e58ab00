"""What the model is given for a cursor: token ids and position ids, in the order the model was trained for.

A prompt is a function of (text, cursor, model card, options), never of what happened before, so a warm answer
equals a cold one. It changes as little as it can while one types, as the KV cache keeps what did not change:

    context-spm   A <|fim_prefix|> <|fim_suffix|> S <|fim_middle|> P
    psm           <|fim_prefix|> P <|fim_suffix|> S <|fim_middle|>
    spm           <|fim_prefix|> <|fim_suffix|> S <|fim_middle|> P
    plain         P                                     (no FIM tokens, or nothing but blanks after the cursor)

P is the text before the cursor and S some of the text after it, encoded on its own. In context-spm the text before
the cursor is cut in two: P begins at a line start, 64 to about 190 tokens before the cursor, at a place that moves
once in 64 tokens; A is the rest. So a typed character recomputes a few tokens of P, and a cursor that jumps keeps A.
Text too long for the model is cut at its start, at a place that moves once in a quarter of the cap.

Position ids, int32[2, n]: row 0 is the unit, row 1 counts the tokens inside it. Units follow prompt order: the file's
blocks (engine/layout.py) in A, from 0; S with its three special tokens is one unit; P goes on from there, and where
the A/P boundary cuts a block, its second part is a unit of its own. In psm the order is P, then S. A token that opens
the prompt belongs to the unit after it. The number of units stays within what the model's trained length allows.

Mentions (engine/mentions.py) are those of the text round the cursor alone: S, and P or what would be P in context-spm.
They mean definitions in the prompt's text before the cursor. So far text has none, and stays cached whatever is typed.

The FIM orders are from Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the Middle"; the
context before SPM is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.healing import kept_tokens
from hirope_ls.engine.hearing import hear
from hirope_ls.engine.limits import Limits
from hirope_ls.engine.options import Options
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.folder import Card
from hirope_ls.model.generator import Mentions
from hirope_ls.model.tokens import SpecialTokens, TextTokenizer, Tokens
from hirope_ls.text.edit import Edit
from hirope_ls.text.encoding import character_start

IntArray = NDArray[np.int32]

_HOP = 64  # tokens between two places where the near prefix begins, and at least as many are in it
_LOOK_BACK = 64  # tokens, for the start of a line
_MAX_SUFFIX = 128  # tokens
_MAX_TOKEN_BYTES = 12  # so many bytes a token hold the tokens wanted, but for long runs of blanks


@dataclass(frozen=True)
class Prompt:
    """Ids int32[n] and positions int32[2, n], and what they are made of, counted in tokens.

    `kind` is the order used. `far`, `near` and `suffix` count A, P and S; `dropped` counts the tokens at the file's
    start that did not fit. `healed` is the text right before the cursor that is not in the prompt, because what is
    generated begins with it. `mentions` is None where no token can have hierarchical positions.
    """

    ids: IntArray
    positions: IntArray
    kind: str
    far: int
    near: int
    suffix: int
    dropped: int
    mentions: Mentions | None = None
    healed: bytes = b""

    @property
    def num_mentions(self) -> int:
        """How many (token, unit) pairs there are."""
        return self.mentions.pairs.shape[1] if self.mentions else 0

    @property
    def units(self) -> int:
        """How many units the prompt spans."""
        return int(self.positions[0, -1]) + 1 if self.ids.size else 0


def build_prompt(snapshot: Snapshot, offset: int, tokenizer: TextTokenizer, card: Card, options: Options) -> Prompt:
    """The prompt for a completion at byte `offset`, which is not inside a character."""
    suffix = suffix_ids(snapshot.buffer.data, offset, tokenizer, options.suffix_tokens)
    order = card.fim_order if suffix.size and tokenizer.special.has_fim else None
    prefix = _Prefix.of(snapshot, offset, tokenizer, options.prompt_cap(card.trained_length), options.heal)
    heard = near_start(snapshot.buffer.data, prefix.starts, prefix.first)
    near = heard if order == "context-spm" else prefix.first
    parts = _arrange(order, prefix, near, suffix, card, tokenizer.special)
    ids, positions = parts.joined(Limits.of(card.trained_length).count)
    mentions = None
    if ids.size + options.max_new_tokens > card.trained_length and heard < prefix.end:
        places = np.concatenate(parts.places)
        defined = _defined(snapshot, prefix.cut, prefix, positions[0, places])
        before = slice(int(places[heard - prefix.first]), int(places[-1]) + 1)
        mentions = hear(tokenizer, ids, positions[0], defined, before, parts.after)
    far, num_suffix = near - prefix.first, int(suffix.size) if order else 0
    healed = snapshot.buffer.data[prefix.cut : offset]
    counts = far, prefix.end - near, num_suffix, prefix.first
    return Prompt(ids, positions, order or "plain", *counts, mentions, healed)


def build_context(
    snapshot: Snapshot, tokenizer: TextTokenizer, card: Card, options: Options, dropped: int = 0
) -> Prompt:
    """What prompts anywhere in the file begin with: its text up to the cap, to be prefilled before it is asked for.

    For a file within the cap; prompts far down a longer one begin elsewhere: those that drop the first `dropped` tokens
    begin with the text from there. Empty where the suffix comes first.
    """
    prefix = _Prefix.of(snapshot, len(snapshot.buffer.data), tokenizer, 1 << 62, heal=False)
    end = min(prefix.end, dropped + options.prompt_cap(card.trained_length))
    parts = _Parts()
    if card.fim_order != "spm" or not tokenizer.special.has_fim:
        parts.lead(_opening(tokenizer.special, card, dropped))
        if card.fim_order == "psm":
            parts.lead(tokenizer.special.fim_prefix)
        parts.text(prefix, dropped, end)
    ids, positions = parts.joined(Limits.of(card.trained_length).count)
    return Prompt(ids, positions, "context", end - dropped, 0, 0, dropped)


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


@dataclass(frozen=True)
class _Prefix:
    """The text before the byte `cut`: ids, first bytes and blocks of its n tokens; those before `first` do not fit."""

    ids: IntArray
    starts: NDArray[np.int64]
    blocks: IntArray
    first: int
    cut: int

    @classmethod
    def of(cls, snapshot: Snapshot, offset: int, tokenizer: TextTokenizer, cap: int, heal: bool) -> _Prefix:
        """Up to the cursor, or with `heal` up to the word there that is to be read again."""
        tokens = prefix_tokens(snapshot, offset, tokenizer)
        kept = kept_tokens(snapshot.buffer.data, offset, tokens.ends) if heal else len(tokens)
        ids, ends = tokens.ids[:kept], tokens.ends[:kept]
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])[:kept]
        counts = np.diff(np.searchsorted(starts, snapshot.layout.starts), append=starts.size)
        blocks = np.repeat(np.arange(counts.size, dtype=np.int32), counts)
        return cls(ids, starts, blocks, first_kept(kept, blocks, cap), int(ends[-1]) if kept else 0)

    @property
    def end(self) -> int:
        return int(self.ids.size)


class _Parts:
    """A prompt in the making: runs of ids with their units, counted on from one run to the next."""

    def __init__(self) -> None:
        self._ids: list[IntArray] = []
        self._units: list[IntArray] = []
        self._next = self._size = 0
        self.places: list[IntArray] = []  # where in the prompt the file's tokens before the cursor are, in order
        self.after: slice | None = None  # where the text after the cursor is, with its special tokens

    def lead(self, token: int | None) -> None:
        """A token, if there is one, that belongs to the unit that comes next."""
        if token is not None:
            self._add(np.array([token], np.int32), np.array([self._next], np.int32))

    def unit(self, *ids: int | IntArray | None) -> None:
        """The text after the cursor: one unit of its own."""
        joined = np.concatenate([np.atleast_1d(np.asarray(part, np.int32)) for part in ids if part is not None])
        self.after = slice(self._size, self._size + joined.size)
        self._add(joined, np.full(joined.size, self._next, np.int32))
        self._next += 1

    def text(self, prefix: _Prefix, start: int, end: int) -> None:
        """File text: a unit for each block, the first of them a new one."""
        if end > start:
            blocks = prefix.blocks[start:end]
            units = self._next + np.cumsum(np.diff(blocks, prepend=blocks[0]) != 0, dtype=np.int32)
            self.places.append(np.arange(self._size, self._size + end - start, dtype=np.int32))
            self._add(prefix.ids[start:end], units)
            self._next = int(units[-1]) + 1

    def joined(self, max_units: int) -> tuple[IntArray, IntArray]:
        """Ids int32[n] and positions int32[2, n]."""
        if not self._ids:
            return np.empty(0, np.int32), np.empty((2, 0), np.int32)
        ids = np.concatenate(self._ids)
        units = np.minimum(np.concatenate(self._units), max_units - 1)
        index = np.arange(ids.size, dtype=np.int32)
        begins = np.where(np.diff(units, prepend=-1) != 0, index, 0)
        return ids, np.stack([units, index - np.maximum.accumulate(begins)]).astype(np.int32)

    def _add(self, ids: IntArray, units: IntArray) -> None:
        self._ids.append(ids)
        self._units.append(units)
        self._size += ids.size


def _arrange(
    order: str | None, prefix: _Prefix, near: int, suffix: IntArray, card: Card, special: SpecialTokens
) -> _Parts:
    parts = _Parts()
    parts.lead(_opening(special, card, prefix.first))
    if order == "psm":
        parts.lead(special.fim_prefix)
        parts.text(prefix, near, prefix.end)
        parts.unit(special.fim_suffix, suffix, special.fim_middle)
    elif order is None:
        parts.text(prefix, near, prefix.end)
    else:  # context-spm, and spm, which has no far part
        parts.text(prefix, prefix.first, near)
        parts.unit(special.fim_prefix, special.fim_suffix, suffix, special.fim_middle)
        parts.text(prefix, near, prefix.end)
    return parts


def _defined(snapshot: Snapshot, offset: int, prefix: _Prefix, units: IntArray) -> list[tuple[str, int]]:
    """(name, unit) of what the text before the cursor defines; `units` of its tokens from the first used one on."""
    found = snapshot.parse.definitions_in(int(prefix.starts[prefix.first]), offset)
    begins = np.array([begin for begin, _ in found], np.int64)
    tokens = np.searchsorted(prefix.starts, begins, side="right") - 1 - prefix.first
    return [(name, unit) for (_, name), unit in zip(found, units[tokens].tolist(), strict=True)]


def _opening(special: SpecialTokens, card: Card, dropped: int) -> int | None:
    """What a prompt opens with: the model's begin token, or the bundled model's mark of a file's first character."""
    if special.begin is not None:
        return special.begin
    return special.file_sep if card.fim_order == "context-spm" and not dropped else None
