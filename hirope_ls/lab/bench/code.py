"""The code that benches read: modules of the standard library, and places in them to type at.

Knows files and tokens; knows no model.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import Prompt, build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.model.folder import Card
from hirope_ls.model.generator import IntArray
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError
from hirope_ls.text import Buffer, Edit

_UNIT = 40  # tokens of a unit, or more where the units would be too many for the trained length
_SHORTEST = 12  # characters of a line that is worth typing


def library(lines: int) -> bytes:
    """That many lines of real code: modules of the standard library one after the other. Raises InputError."""
    parts: list[bytes] = []
    have = 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"), key=lambda path: path.name[::-1]):
        data = path.read_bytes()
        if not data.isascii() or len(data) < 5_000:
            continue
        parts.append(data)
        have += data.count(b"\n")
        if have >= lines:
            return b"".join(b"\n".join(parts).splitlines(keepends=True)[:lines])
    raise InputError(f"the standard library here has no {lines} lines; ask for fewer")


@dataclass(frozen=True)
class Desk:
    """What turns text into prompts for a model, as the server does it, with at most `cap` tokens of a file."""

    pipeline: Pipeline
    tokenizer: TextTokenizer
    card: Card
    options: Options

    @classmethod
    def of(cls, card: Card, cap: int) -> Desk:
        tokenizer = TextTokenizer.load(card.folder)
        return cls(Pipeline(tokenizer, card.trained_length), tokenizer, card, Options(max_prompt_tokens=cap))

    @property
    def cap(self) -> int:
        """Tokens of a file before the cursor that go into a prompt at most."""
        return self.options.prompt_cap(self.card.trained_length)

    def open(self, name: str, data: bytes) -> Snapshot:
        return self.pipeline.open(f"file:///{name}.py", 1, Buffer.of(data), "python", None)

    def prompt(self, snapshot: Snapshot, at: int) -> Prompt:
        """What the model is given for a cursor at byte `at`."""
        return build_prompt(Question(snapshot, at, Recipe(self.tokenizer, self.card, self.options)))

    def place(self, snapshot: Snapshot, tokens: int) -> int:
        """The first byte of a line's text, after about so many tokens, that is worth typing. Raises InputError."""
        return self.places(snapshot, tokens, 1)[0]

    def places(self, snapshot: Snapshot, tokens: int, wanted: int) -> list[int]:
        """Those of so many lines, one after the other."""
        ends, buffer = snapshot.tokens.ends, snapshot.buffer
        found: list[int] = []
        first = buffer.data.count(b"\n", 0, int(ends[min(tokens, len(ends)) - 1])) + 1
        for number in range(first, buffer.line_count):
            start, end = buffer.line_span(number)
            text = buffer.data[start:end]
            if len(text.strip()) >= _SHORTEST:
                found.append(start + len(text) - len(text.lstrip()))
            if len(found) == wanted:
                return found
        raise InputError(f"there are no {wanted} lines to type after {tokens} tokens")

    def typed(self, snapshot: Snapshot, at: int, keys: int) -> Iterator[Prompt]:
        """The prompts while the line from byte `at` on is typed again: before the first key, and after each."""
        data = snapshot.buffer.data
        text = data[at : data.index(b"\n", at)]
        snapshot = self.pipeline.edit(snapshot, [Edit(at, at + len(text), b"")], 2)
        yield self.prompt(snapshot, at)
        for done, byte in enumerate(text[:keys]):
            snapshot = self.pipeline.edit(snapshot, [Edit(at + done, at + done, bytes([byte]))], 3 + done)
            yield self.prompt(snapshot, at + done + 1)


def code_of(tokens: int) -> bytes:
    """Code of more than so many tokens, but not of many times more."""
    return library(400 + tokens // 4)


def random_prompt(vocab: int, trained_length: int, tokens: int) -> tuple[IntArray, IntArray]:
    """Random ids int32[n], and positions int32[2, n] in as many units as the trained length allows, or fewer."""
    ids = np.random.default_rng(0).integers(4, vocab, tokens).astype(np.int32)
    unit = max(_UNIT, -(-tokens // max(1, trained_length // 2 - 1)))
    index = np.arange(tokens, dtype=np.int32)
    return ids, np.stack([index // unit, index % unit])
