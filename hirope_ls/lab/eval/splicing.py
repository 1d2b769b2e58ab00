"""One edit far above a cursor, answered twice: by a splice, and by computing all rows after the edit.

The session that knew the text from before is the same for both; the distributions over the tokens that really follow
the cursor are compared. KL is of the exact one to the spliced one, in nats; times are CPU time of the same process.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hirope_ls.engine.prompt import Prompt, build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.lab.eval.edits import KINDS, Kind, assignment_before, edit
from hirope_ls.lab.eval.sources import Source
from hirope_ls.model.generator import IntArray
from hirope_ls.model.kv import KVStore
from hirope_ls.model.loader import Loaded
from hirope_ls.model.needs import measure
from hirope_ls.model.run import NO_MENTIONS, Rows
from hirope_ls.model.session import Session
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text import Buffer

_KV_BUDGET = 4 << 30
FOLLOWING = 32  # tokens after the cursor whose distributions are compared
_CHUNK = 512


@dataclass(frozen=True)
class Change:
    """A question: the text after an edit of this kind, so many tokens above a cursor; `old`, `new`: where that is."""

    source: Source
    kind: Kind
    distance: int
    old: int
    text: bytes

    @property
    def new(self) -> int:
        return self.old + len(self.text) - len(self.source.data)


@dataclass(frozen=True)
class Case:
    """A change, measured. Rows computed and CPU seconds until the first token's distribution, spliced and exact."""

    file: str
    kind: str
    distance: int
    agreement: float
    kl: float
    worst: float
    rows: int
    exact_rows: int
    seconds: float
    exact_seconds: float


def changes(source: Source, distances: Sequence[int], cursors: int, seed: int) -> list[Change]:
    """All kinds of edits at all distances above some line starts of the last third of the text: they depend on it, its
    name and the seed. Cursors that have no place to edit at one of the distances are left out."""
    if len(source.data) * 2 // 3 <= max(distances) or len(source) * 2 // 3 <= max(distances):  # a token is a byte
        return []
    text, drawn = source.data, random.Random(f"{seed}:{source.name}")
    lines = [at + 1 for at in range(len(text) * 2 // 3, len(text) * 19 // 20) if text[at : at + 1] == b"\n"]
    found: list[Change] = []
    for cursor in drawn.sample(lines, len(lines)):
        own = list(_above(source, cursor, distances))
        if len({change.distance for change in own}) == len(distances):
            found += own
            cursors -= 1
        if not cursors:
            break
    return found


def _above(source: Source, cursor: int, distances: Sequence[int]) -> Iterator[Change]:
    at, units = source.tokens.before(cursor), [unit.start for unit in source.parse.units]
    for distance in distances:
        place = assignment_before(source.data, int(source.tokens.ends[at - distance])) if at > distance else None
        for kind in KINDS if place else ():
            assert place is not None
            yield Change(source, kind, distance, cursor, edit(source.data, place, kind, units))


class Bench:
    """A model with a store of its own, and the way from a text to rows."""

    def __init__(self, loaded: Loaded, tokenizer: TextTokenizer) -> None:
        self._hirope, self._device, self._card = loaded.hirope, loaded.device, loaded.card
        self._tokenizer = tokenizer
        self._pipeline = Pipeline(tokenizer, loaded.card.trained_length)
        needs = measure(loaded)
        self._store = KVStore(needs.layers, needs.dtype, loaded.device, _KV_BUDGET)

    def case(self, change: Change) -> Case:
        """Measure one; the text from before is read once for all in a row that share it."""
        before, prompt = (
            self._prompt(text, cursor) for text, cursor in ((change.source.data, change.old), (change.text, change.new))
        )
        for key in [key for key in self._store if key != "before"]:
            self._store.drop(key)
        self._read("before", before, False)
        following = self._tokenizer.encode(change.text[change.new : change.new + 12 * FOLLOWING]).ids[:FOLLOWING]
        made = {}
        for key, approximate in (("spliced", True), ("exact", False)):
            self._read(key, before, False)  # a copy of what is known of the text from before
            began = time.process_time()
            session = self._read(key, prompt, approximate)
            seconds, rows = time.process_time() - began, session.computed
            made[key] = self._compute(session, _continued(prompt, following)), rows, seconds
            self._store.drop(key)
        (spliced, rows, seconds), (exact, exact_rows, exact_seconds) = made["spliced"], made["exact"]
        kl = (exact.exp() * (exact - spliced)).sum(-1)
        agreement = (exact.argmax(-1) == spliced.argmax(-1)).double().mean()
        measured = float(agreement), float(kl.mean()), float(kl.max()), rows, exact_rows, seconds, exact_seconds
        return Case(change.source.name, change.kind, change.distance, *measured)

    def _read(self, key: str, rows: Rows, approximate: bool) -> Session:
        """The session of that key with all of `rows`, and room for what follows them."""
        session = self._store.resume(key, rows, len(rows.ids) - 1, FOLLOWING, approximate)
        self._compute(session, rows)
        return session

    def _compute(self, session: Session, rows: Rows) -> Tensor:
        """Log-probabilities [n, vocab] of what follows each of the n rows of the last chunk of those that are missing.

        Resumes nothing: what follows is judged by the very rows that the first token was.
        """
        logits = torch.empty(0)
        with torch.inference_mode():
            while session.length < len(rows.ids):
                keys = session.stage(rows, _CHUNK)
                ids = torch.from_numpy(rows.ids[session.length : keys.shape[1]].astype(np.int64)).to(self._device)
                logits = self._hirope.forward(ids[None], keys, session.cache, False, session.mentions)
                session.commit(ids.shape[0])
        return logits[0].double().log_softmax(-1)

    def _prompt(self, text: bytes, cursor: int) -> Rows:
        snapshot: Snapshot = self._pipeline.open("file:///edited.py", 1, Buffer.of(text), None, "edited.py")
        prompt: Prompt = build_prompt(Question(snapshot, cursor, Recipe(self._tokenizer, self._card)))
        pairs = prompt.mentions.pairs.astype(np.int64) if prompt.mentions else NO_MENTIONS
        return Rows(prompt.ids, prompt.positions, pairs)


def _continued(prompt: Rows, following: IntArray) -> Rows:
    """The prompt with these tokens after it, in its last unit."""
    ids, positions, mentions = prompt
    more = np.repeat(positions[:, -1:], len(following), axis=1)
    more[-1] += np.arange(1, len(following) + 1, dtype=np.int32)
    return Rows(np.append(ids, following), np.append(positions, more, axis=1), mentions)
