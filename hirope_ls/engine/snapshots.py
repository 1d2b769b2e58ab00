"""A versioned view of one file: text -> tree -> units -> tokens -> position ids, each brought up to date by an edit.

Every step after an edit equals the step made from nothing (`Pipeline.open`); that is what the tests hold it to.
A snapshot is never changed. Knows no documents, prompts or models.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.layout import Block, Layout, cut_points, layout
from hirope_ls.model.tokens import TextTokenizer, Tokens
from hirope_ls.syntax import LARGEST_SERVED, Parse, language_for, parse, reparse, statement_starts
from hirope_ls.text import Buffer, Edit

Ints = NDArray[np.int64]

# How long units were cut: by the unit's index, the tokens after its first at which further blocks begin.
_Cuts = dict[int, list[int]]
_NO_TOKENS = Tokens(np.empty(0, np.int32), np.empty(0, np.int64))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One state of one file. `language` is the row's name, "" if none; `served` is False for a text over 5 MB.

    A text that is not served has no tokens and no positions; its edits are followed all the same.
    """

    uri: str
    version: int
    language: str
    buffer: Buffer = field(repr=False)
    parse: Parse = field(repr=False)
    tokens: Tokens = field(repr=False)
    layout: Layout = field(repr=False)
    cuts: _Cuts = field(repr=False)

    @property
    def served(self) -> bool:
        """Whether the text is small enough to be completed."""
        return _served(self.buffer)

    @property
    def positions(self) -> NDArray[np.int32]:
        """int32[2, n]: for each token the index of its block, and its own index inside the block; read-only."""
        return self.layout.positions

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The position units, in order; they cover every byte and every token of a served text exactly once."""
        if not self.layout.tokens:
            return ()
        starts, firsts = self.layout.starts.tolist(), self.layout.firsts.tolist()
        ends, lasts = [*starts[1:], len(self.buffer.data)], [*firsts[1:], self.layout.tokens]
        rows = zip(starts, ends, firsts, lasts, self.layout.units.tolist(), strict=True)
        return tuple(Block(*row, self.parse.units[row[-1]].kind, self.parse.units[row[-1]].name) for row in rows)

    def digest(self) -> str:
        """SHA-256 (hex) over token ids and position ids, as little-endian int32."""
        digest = hashlib.sha256(self.tokens.ids.astype("<i4").tobytes())
        digest.update(self.positions.astype("<i4").tobytes())
        return digest.hexdigest()


class Pipeline:
    """Makes snapshots, afresh and by edits. Use it from one thread."""

    def __init__(self, tokenizer: TextTokenizer, trained_length: int) -> None:
        """`trained_length`: the context in tokens that the model was trained for, at least 16."""
        if trained_length < 16:
            raise ValueError(f"a trained length of {trained_length} leaves no room for two levels")
        self.tokenizer = tokenizer
        self.trained_length = trained_length

    def open(self, uri: str, version: int, buffer: Buffer, language_id: str | None, path: str | None) -> Snapshot:
        """A snapshot made from nothing; the language by the editor's id, else by the path's suffix."""
        language = language_for(language_id, path)
        tokens = self.tokenizer.encode(buffer.data) if _served(buffer) else _NO_TOKENS
        name = language.name if language else ""
        return self._snapshot(uri, version, name, buffer, parse(language, buffer), tokens, None)

    def edit(self, snapshot: Snapshot, edits: Sequence[Edit], version: int) -> Snapshot:
        """The snapshot after `edits`, each in the text that the one before leaves. Raises InvalidChange."""
        buffer, parsed, tokens = snapshot.buffer, snapshot.parse, snapshot.tokens
        low, high = len(buffer.data), 0  # what all edits together touch, in the text as it is by then
        for edit in edits:
            changed = buffer.apply(edit)
            parsed = reparse(parsed, buffer, edit, changed)
            tokens = self._retokenised(tokens, buffer, edit, changed)
            buffer = changed
            low, high = min(low, edit.start), max(high, edit.old_end) + edit.delta
        after = _After(snapshot, low, high)
        return self._snapshot(snapshot.uri, version, snapshot.language, buffer, parsed, tokens, after)

    def _retokenised(self, tokens: Tokens, old: Buffer, edit: Edit, new: Buffer) -> Tokens:
        if not _served(new):
            return _NO_TOKENS
        if not _served(old):
            return self.tokenizer.encode(new.data)
        return self.tokenizer.update(tokens, old.data, edit, new.data)

    def _snapshot(
        self,
        uri: str,
        version: int,
        language: str,
        buffer: Buffer,
        parsed: Parse,
        tokens: Tokens,
        after: _After | None,
    ) -> Snapshot:
        cutter = _Cutter(buffer, parsed, tokens.ends, self.trained_length // 2, after)
        starts = [unit.start for unit in parsed.units]
        before = after.snapshot.layout if after else None
        cut = None if parsed.flat else cutter.cut
        laid_out = layout(starts, tokens.ends, self.trained_length, cut, before)
        return Snapshot(uri, version, language, buffer, parsed, tokens, laid_out, cutter.cuts)


class _After(NamedTuple):
    """A snapshot after edits to `snapshot` is the same before the byte `low` and, but for its place, from `high` on."""

    snapshot: Snapshot
    low: int
    high: int


class _Cutter:
    """Cuts long units. What a unit's bytes and token ends decide holds for as long as they do."""

    def __init__(self, buffer: Buffer, parsed: Parse, ends: Ints, longest: int, after: _After | None) -> None:
        self.buffer, self.parsed, self.ends, self.longest = buffer, parsed, ends, longest
        self.cuts: _Cuts = {}
        self.known = _Known(after, buffer, parsed, ends) if after and after.snapshot.cuts else None

    def cut(self, unit: int, first: int, last: int) -> list[int]:
        """The tokens in first..last at which further blocks begin."""
        points = self.known.cuts(unit, first, last) if self.known else None
        if points is None:
            start, end = self.parsed.units[unit][:2]
            begin = int(self.ends[first - 1]) - start if first else 0
            tree = self.parsed.tree_of(start, end)
            statements = statement_starts(self.parsed.language, self.buffer.data[start:end], tree)
            points = cut_points(np.asarray(statements, np.int64), begin, self.ends[first:last] - start, self.longest)
        self.cuts[unit] = points
        return [first + point for point in points]


class _Known:
    """How the units were cut that are the same as before an edit, token ends and all."""

    def __init__(self, after: _After, buffer: Buffer, parsed: Parse, ends: Ints) -> None:
        self.old, self.low, self.high = after
        self.parsed = parsed
        self.delta = len(buffer.data) - len(self.old.buffer.data)
        self.added = len(parsed.units) - len(self.old.parse.units)
        was = self.old.tokens.ends
        shorter = min(len(was), len(ends))
        differ = np.flatnonzero(was[:shorter] != ends[:shorter])
        self.head = int(differ[0]) if len(differ) else shorter  # token ends before this one are the same
        differ = np.flatnonzero((was[len(was) - shorter :] + self.delta) != ends[len(ends) - shorter :])
        self.tail = len(ends) - shorter + (int(differ[-1]) + 1 if len(differ) else 0)  # and from this one on

    def cuts(self, unit: int, first: int, last: int) -> list[int] | None:
        """The cuts of a unit with the tokens first..last, if they are known."""
        start, end = self.parsed.units[unit][:2]
        # The first token may begin behind the unit's start, so the end of the token before it counts as well.
        if end <= self.low and last <= self.head:
            return self._of(unit, start, end)
        if start >= self.high and first > self.tail + 1:
            return self._of(unit - self.added, start - self.delta, end - self.delta)
        return None

    def _of(self, unit: int, start: int, end: int) -> list[int] | None:
        units = self.old.parse.units
        same = 0 <= unit < len(units) and units[unit][:2] == (start, end)
        return self.old.cuts.get(unit) if same else None


def _served(buffer: Buffer) -> bool:
    return len(buffer.data) <= LARGEST_SERVED
