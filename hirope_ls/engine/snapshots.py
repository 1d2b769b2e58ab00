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

from hirope_ls.engine.cutting import CutUnit, cut_points
from hirope_ls.engine.layout import After, Block, Layout, layout
from hirope_ls.engine.limits import Limits
from hirope_ls.model.tokens import TextTokenizer, Tokens, Update
from hirope_ls.syntax import LARGEST_SERVED, Parse, language_for, parse, reparse, statement_starts
from hirope_ls.text import Buffer, Edit

_NO_TOKENS = Tokens.of(np.empty(0, np.int32), np.empty(0, np.int64))


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

    def __init__(self, tokenizer: TextTokenizer, trained_length: int, limits: Limits | None = None) -> None:
        """`trained_length`: the context in tokens that the model was trained for, at least 16.

        `limits` of the position units: those of the trained length where there are none.
        """
        if trained_length < 16:
            raise ValueError(f"a trained length of {trained_length} leaves no room for two levels")
        self.tokenizer = tokenizer
        self.trained_length = trained_length
        self.limits = limits or Limits.of(trained_length)

    def open(self, uri: str, version: int, buffer: Buffer, language_id: str | None, path: str | None) -> Snapshot:
        """A snapshot made from nothing; the language by the editor's id, else by the path's suffix."""
        language = language_for(language_id, path)
        tokens = self.tokenizer.encode(buffer.data) if _served(buffer) else _NO_TOKENS
        name = language.name if language else ""
        return self._snapshot(uri, version, name, buffer, parse(language, buffer), tokens, None)

    def edit(self, snapshot: Snapshot, edits: Sequence[Edit], version: int) -> Snapshot:
        """The snapshot after `edits`, each in the text that the one before leaves. Raises InvalidChange."""
        buffer, parsed, tokens = snapshot.buffer, snapshot.parse, snapshot.tokens
        low, high = len(buffer.data), 0  # where tokens are new, by all edits together, in the text as it is by then
        for edit in edits:
            changed = buffer.apply(edit)
            parsed = reparse(parsed, buffer, edit, changed)
            tokens, start, end = self._retokenised(tokens, buffer, edit, changed)
            buffer = changed
            low, high = min(low, start), max(high, end - edit.delta) + edit.delta
        after = After(snapshot.layout, low, high)
        return self._snapshot(snapshot.uri, version, snapshot.language, buffer, parsed, tokens, after)

    def _retokenised(self, tokens: Tokens, old: Buffer, edit: Edit, new: Buffer) -> Update:
        if not _served(new):
            return Update(_NO_TOKENS, 0, len(new.data))
        if not _served(old):
            return Update(self.tokenizer.encode(new.data), 0, len(new.data))
        return self.tokenizer.update(tokens, old.data, edit, new.data)

    def _snapshot(
        self,
        uri: str,
        version: int,
        language: str,
        buffer: Buffer,
        parsed: Parse,
        tokens: Tokens,
        after: After | None,
    ) -> Snapshot:
        cut = None if parsed.flat else _cutter(buffer, parsed, tokens, self.limits.longest)
        laid_out = layout(parsed.unit_starts, tokens, self.limits, cut, after)
        return Snapshot(uri, version, language, buffer, parsed, tokens, laid_out)


def _cutter(buffer: Buffer, parsed: Parse, tokens: Tokens, longest: int) -> CutUnit:
    """Cuts units at statements; what it finds depends on a unit's bytes, and on where tokens end in it, alone."""

    def cut(unit: int, first: int, last: int) -> list[int]:
        start, end = ([*parsed.unit_starts[unit : unit + 2].tolist(), len(buffer.data)])[:2]
        begin = int(tokens.begins(np.array([first]))[0]) - start
        statements = statement_starts(parsed.language, buffer.data[start:end], parsed.tree_of(start, end))
        return cut_points(np.asarray(statements, np.int64), begin, tokens.ends_in(first, last) - start, longest)

    return cut


def _served(buffer: Buffer) -> bool:
    return len(buffer.data) <= LARGEST_SERVED
