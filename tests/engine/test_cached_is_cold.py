"""The promise of the cache, through engine and model: whatever was edited, evicted or copied before, an answer is what
a model without any memory gives, token by token. Every way of not computing a row is taken, and counted."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from fuzz import python_files, rng, rounds
from model.tiny_models import save_model

from hirope_ls.engine.ahead import NOT_AHEAD, complete_ahead
from hirope_ls.engine.complete import complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.options import Options
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.recent import Recent
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.engine.warmup import warm, warm_here, warm_rest
from hirope_ls.hirope.lean import Decoder
from hirope_ls.hirope.quick import Quick
from hirope_ls.model import shelf
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import Card, read_card
from hirope_ls.model.generator import Event, Generated, IntArray, Limits, Mentions, Prefilled, StopFlag
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.run import NO_MENTIONS, Rows
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text import Buffer, Edit

OPTIONS = Options(max_new_tokens=3, suffix_tokens=16, max_prompt_tokens=220)
STEPS = 500
FILES = 6  # open at a time; the budget holds about half of them


WAYS = ("line", "copied", "drafts", "lean", "ahead", "type-through", "went on", "rest", "here", "file", "evicted")
"""Rows of a line that a jump had cut off; of another file; drafts that came true; passes of a few rows without
transformers' modules; answers made ahead; beginnings of a known answer typed; generations that were typed along with;
the three kinds of reading before; sessions that had to go meanwhile. With host memory also some that came back."""


class Recorded(LocalModel):
    """Remembers what it said last, and how many rows the live line alone would have spared it."""

    said: list[Generated]
    prefilled: Prefilled
    alone: int

    def generate(
        self,
        session: str,
        ids: IntArray,
        positions: IntArray,
        limits: Limits,
        stop: StopFlag,
        mentions: Mentions | None = None,
    ) -> Iterator[Event]:
        self.said = []
        pairs = NO_MENTIONS if mentions is None else mentions.pairs.astype(np.int64)
        held = self._store.get(session)
        self.alone = held.live.shared(Rows(ids, positions, pairs)) if held else 0
        for event in super().generate(session, ids, positions, limits, stop, mentions):
            if isinstance(event, Generated):
                self.said.append(event)
            elif isinstance(event, Prefilled):
                self.prefilled = event
            yield event


class Desk:
    """An editor's open files, and somebody who types, jumps, changes, copies, opens and closes them."""

    def __init__(self, random: Random, pipeline: Pipeline) -> None:
        self.random, self.pipeline = random, pipeline
        self.texts = [path.read_text("utf-8")[300:1900] for path in python_files(8, smallest=4000)]
        self.files: dict[str, Snapshot] = {}
        self.cursors: dict[str, int] = {}
        self.uri, self.count, self.suggested = "", 0, ""
        self.open(random.choice(self.texts))

    @property
    def snapshot(self) -> Snapshot:
        return self.files[self.uri]

    @property
    def cursor(self) -> int:
        return self.cursors[self.uri]

    def open(self, text: str) -> None:
        self.count += 1
        self.uri = f"file:///{self.count}.py"
        self.files[self.uri] = self.pipeline.open(self.uri, 1, Buffer.of(text.encode()), "python", self.uri)
        self.cursors[self.uri] = self.somewhere()

    def close(self) -> str:
        """Closes the file opened first; its uri."""
        uri = next(iter(self.files))
        del self.files[uri], self.cursors[uri]
        self.uri = self.random.choice(list(self.files))
        return uri

    def somewhere(self) -> int:
        text = self.snapshot.buffer.text
        return len(text[: self.random.randrange(len(text) + 1)].encode())

    def put(self, start: int, end: int, text: str) -> None:
        self.files[self.uri] = self.pipeline.edit(self.snapshot, [Edit(start, end, text.encode())], self.count)
        if self.cursor >= end:
            self.cursors[self.uri] += len(text.encode()) - (end - start)
        elif self.cursor > start:
            self.cursors[self.uri] = start

    def act(self) -> str:
        """Something at random; its name."""
        action: str = self.random.choice(
            ["type"] * 5
            + ["jump"] * 5
            + ["accept"] * 2
            + ["along"] * (8 if len(self.suggested) > 1 else 0)
            + ["change", "delete", "insert", "switch", "switch", "copy", "copy", "copy", "new"]
        )
        if action == "type":
            self.put(self.cursor, self.cursor, self.random.choice(["x", "self.", "\n    ", "(", "def f():\n", "é"]))
        elif action == "jump":
            self.cursors[self.uri] = self.somewhere()
        elif action == "accept":
            self.put(self.cursor, self.cursor, self.suggested)
        elif action == "along":  # typed, not accepted: a beginning of it
            self.put(self.cursor, self.cursor, self.suggested[: self.random.randint(1, len(self.suggested) - 1)])
        elif action == "change":
            place = self.somewhere()
            self.put(place, place, self.random.choice(["y", "\n", "name = 1\n"]))
        elif action == "delete":
            data, start = self.snapshot.buffer.data, self.somewhere()
            self.put(start, start + max(0, data[start : start + 200].rfind(b"\n")), "")
        elif action == "insert":
            self.put(self.cursor, self.cursor, "def inserted(a):\n    return a\n\n")
        elif action == "switch":
            self.uri = self.random.choice(list(self.files))
        elif action == "copy":  # or renamed: the cursor stays
            cursor = self.cursor
            self.open(self.snapshot.buffer.text)
            self.cursors[self.uri] = cursor
        else:
            self.open(self.random.choice(self.texts))
        if len(self.snapshot.buffer.data) > 2600:
            self.open(self.random.choice(self.texts))
        return action


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("llama"))


class Trial:
    """A model with every way of reuse on, one without any, and what they say at the same places."""

    def __init__(self, random: Random, folder: Path, host: int) -> None:
        self.random, self.ways = random, Counter[str]()
        self.card: Card = replace(read_card(folder), fim_order="context-spm")
        self.tokenizer = TextTokenizer.load(folder)
        self.loaded: Loaded = load(self.card, "cpu", "float32")
        special, size, pieces = self.tokenizer.special.all, self.tokenizer.vocab_size, self.tokenizer.pieces
        row = LocalModel(self.loaded, 1 << 24)._store.row_bytes
        self.budget, host_bytes = 1000 * row, host * row
        self.model = Recorded(
            self.loaded, self.budget, special, size, chunk=96, host_bytes=host_bytes, pieces=pieces, drafts=True
        )
        self.cold = Recorded(self.loaded, 1 << 26, special, size, pieces=pieces, drafts=False)
        self.desk = Desk(random, Pipeline(self.tokenizer, self.card.trained_length))
        self.recent, self.answers = Recent(), dict[tuple[bytes, int], str]()
        self.recipe = Recipe(self.tokenizer, self.card, OPTIONS)
        self.never = threading.Event()

    @property
    def here(self) -> Question:
        return Question(self.desk.snapshot, self.desk.cursor, self.recipe)

    def read(self) -> None:
        """Sometimes, what is read before it is asked for."""
        desk, readers = self.desk, {"file": 0.1, "here": 0.1, "rest": 0.25}
        for name, chance in readers.items():
            if self.random.random() < chance:
                here = (self.here,) if name != "file" else (desk.snapshot, self.recipe)
                reader: Callable[..., Prefilled | None] = {"file": warm, "here": warm_here, "rest": warm_rest}[name]
                read = reader(*here, self.model, self.never)
                self.ways[name] += read is not None and read.prefilled > 0

    def known(self) -> None:
        """What was typed along with an answer is answered with the rest of what the other model said there."""
        desk = self.desk
        known = self.recent.known(desk.uri, desk.snapshot.buffer.data, desk.cursor)
        if known is not None:
            assert known.text.decode() == self.answers[known.data, known.offset]
            rest = self.recent.find(desk.uri, desk.snapshot.buffer.data, desk.cursor)
            assert rest is not None and known.text.decode().endswith(rest.text)
            self.ways["type-through"] += rest.text != known.text.decode()

    def expect(self, snapshot: Snapshot, offset: int) -> Completion:
        """What a model says that knows nothing, computed by transformers' modules alone."""
        self.cold.drop(snapshot.uri)
        self.loaded.hirope.lean = False
        answer = complete(Question(snapshot, offset, self.recipe), self.cold, self.never)
        self.loaded.hirope.lean = True
        self.answers[snapshot.buffer.data, offset] = answer.text
        return answer

    def answer(self, expected: Completion) -> Completion:
        """What the other one says; sometimes its text is typed meanwhile, and it goes on all the same."""
        progress = Progress()
        if expected.text and self.random.random() < 0.3:
            progress.typed = expected.text[: self.random.randint(1, len(expected.text))]
        known, host = self.desk.uri in self.model._store, self.model._store.host.packs
        held, waits = set(self.model._store), self.desk.uri in host
        stop = progress.begin(self.never)
        answer = complete(self.here, self.model, stop, progress=progress)
        self.ways["went on"] += bool(progress.typed) and answer.outcome == "shown"
        if answer.outcome == "cancelled":  # it begins otherwise before it is trimmed: as in the server, it begins anew
            answer = complete(self.here, self.model, self.never)
        if answer.tokens:
            reused = answer.tokens["reused"]
            self.ways["line"] += known and reused > self.model.alone
            self.ways["copied"] += not known and not waits and reused > 64
            self.ways["returned"] += waits and reused > 64
            self.ways["drafts"] += answer.tokens["accepted"]
        self.ways["evicted"] += bool(held - set(self.model._store))
        self.recent.add(self.desk.uri, self.desk.snapshot.buffer.data, answer)
        return answer

    def ahead(self, shown: Completion) -> None:
        """Sometimes, what follows if that is accepted is made; it is what is said when it is asked for."""
        desk = self.desk
        if not shown.text or self.random.random() < 0.6:
            return
        edit = Edit(desk.cursor, desk.cursor, shown.text.encode())
        then = desk.pipeline.edit(desk.snapshot, [edit], desk.count), edit.new_end
        progress = Progress()
        progress.begin(self.never)
        made = complete_ahead(self.here, Question(*then, self.recipe), self.model, progress)
        if made.outcome != NOT_AHEAD:
            assert (made.text, made.outcome) == ((expected := self.expect(*then)).text, expected.outcome)
            self.recent.add(desk.uri, then[0].buffer.data, made, ahead=True)
            self.ways["ahead"] += 1


@pytest.mark.parametrize("host", [0, 900], ids=["device", "host memory"])
def test_cached_is_cold(folder: Path, host: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = rng(f"engine, cached == cold, {host}")
    trial = Trial(random, folder, host)
    desk, model, cold = trial.desk, trial.model, trial.cold

    def counted(forward: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            trial.ways["lean"] += 1
            return forward(*args)

        return call

    for quicker in (Decoder, Quick):
        monkeypatch.setattr(quicker, "forward", counted(quicker.forward))
    monkeypatch.setattr(shelf, "_MOST_ASIDE", 256)  # texts and budget are small
    for step in range(rounds(STEPS // 2)):
        action = desk.act()
        if len(desk.files) > FILES:
            model.drop(desk.close())
        trial.read()
        trial.known()
        expected = trial.expect(desk.snapshot, desk.cursor)
        answer = trial.answer(expected)
        where = f"step {step}, {action}, {answer.tokens}"
        assert (answer.text, answer.outcome) == (expected.text, expected.outcome), where
        if answer.tokens:
            assert [said.id for said in model.said] == [said.id for said in cold.said], where
            logprobs = [said.logprob for said in cold.said]
            assert [said.logprob for said in model.said] == pytest.approx(logprobs, abs=2e-3), where
        trial.ahead(answer)
        assert model.used_bytes <= trial.budget and model._store.host.used_bytes <= model._store.host.budget_bytes
        desk.suggested = answer.text
    print(trial.ways)
    if step + 1 >= STEPS // 2:
        assert all(trial.ways[way] for way in (*WAYS, *(["returned"] if host else []))), trial.ways
