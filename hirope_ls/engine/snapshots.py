"""A versioned view of one file: text -> tree -> units -> tokens -> position ids, each brought up to date by an edit.

Every step after an edit equals the step made from nothing (`Pipeline.open`); that is what the tests hold it to.
A snapshot is never changed. Knows no documents, prompts or models.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.layout import Block, Layout, cut_points, layout
from hirope_ls.model.tokens import TextTokenizer, Tokens
from hirope_ls.syntax import LARGEST_SERVED, Parse, language_for, parse, reparse, statement_starts
from hirope_ls.text import Buffer, Edit

Ints = NDArray[np.int64]

# How long units were cut: by the unit's bytes, where its first token begins, and where its tokens end (int64).
_Cuts = dict[tuple[bytes, int, bytes], list[int]]
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
        return self._snapshot(uri, version, name, buffer, parse(language, buffer), tokens, {})

    def edit(self, snapshot: Snapshot, edits: Sequence[Edit], version: int) -> Snapshot:
        """The snapshot after `edits`, each in the text that the one before leaves. Raises InvalidChange."""
        buffer, parsed, tokens = snapshot.buffer, snapshot.parse, snapshot.tokens
        for edit in edits:
            changed = buffer.apply(edit)
            parsed = reparse(parsed, buffer, edit, changed)
            tokens = self._retokenised(tokens, buffer, edit, changed)
            buffer = changed
        return self._snapshot(snapshot.uri, version, snapshot.language, buffer, parsed, tokens, snapshot.cuts)

    def _retokenised(self, tokens: Tokens, old: Buffer, edit: Edit, new: Buffer) -> Tokens:
        if not _served(new):
            return _NO_TOKENS
        if not _served(old):
            return self.tokenizer.encode(new.data)
        return self.tokenizer.update(tokens, old.data, edit, new.data)

    def _snapshot(
        self, uri: str, version: int, language: str, buffer: Buffer, parsed: Parse, tokens: Tokens, known: _Cuts
    ) -> Snapshot:
        cutter = _Cutter(buffer, parsed, tokens.ends, self.trained_length // 2, known)
        starts = [unit.start for unit in parsed.units]
        laid_out = layout(starts, tokens.ends, self.trained_length, cutter.cut)
        return Snapshot(uri, version, language, buffer, parsed, tokens, laid_out, cutter.used)


class _Cutter:
    """Cuts long units, and remembers how: what a unit's bytes and token ends decide is decided once."""

    def __init__(self, buffer: Buffer, parsed: Parse, ends: Ints, longest: int, known: _Cuts) -> None:
        self.buffer, self.parsed, self.ends, self.longest, self.known = buffer, parsed, ends, longest, known
        self.used: _Cuts = {}

    def cut(self, unit: int, first: int, last: int) -> list[int]:
        """The tokens in first..last at which further blocks begin."""
        start, end, kind, _ = self.parsed.units[unit]
        data, ends = self.buffer.data[start:end], self.ends[first:last] - start
        # The first token may begin behind the unit's start, so that place belongs to the key as well.
        begin = int(self.ends[first - 1]) - start if first else 0
        key = (data, begin, ends.tobytes())
        points = self.known.get(key)
        if points is None:
            statements = statement_starts(None if kind == "flat" else self.parsed.language, data)
            points = cut_points(np.asarray(statements, np.int64), begin, ends, self.longest)
        self.used[key] = points
        return [first + point for point in points]


def _served(buffer: Buffer) -> bool:
    return len(buffer.data) <= LARGEST_SERVED
