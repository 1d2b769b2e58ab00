"""The promise of the cache, through engine and model: whatever was edited, evicted or copied before, an answer is what
a model without any memory gives, token by token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from fuzz import python_files, rng, rounds
from model.tiny_models import save_model

from hirope_ls.engine.complete import complete
from hirope_ls.engine.options import Options
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.engine.warmup import warm
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import Card, read_card
from hirope_ls.model.generator import Event, Generated, IntArray, Limits, Mentions, Prefilled, StopFlag
from hirope_ls.model.loader import load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text import Buffer, Edit

OPTIONS = Options(max_new_tokens=3, suffix_tokens=16, max_prompt_tokens=220)
STEPS = 500
FILES = 6  # open at a time; the budget holds about half of them


class Recorded(LocalModel):
    """Remembers what it said last."""

    said: list[Generated]
    prefilled: Prefilled

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
            + ["change", "delete", "insert", "switch", "switch", "copy", "new"]
        )
        if action == "type":
            self.put(self.cursor, self.cursor, self.random.choice(["x", "self.", "\n    ", "(", "def f():\n", "é"]))
        elif action == "jump":
            self.cursors[self.uri] = self.somewhere()
        elif action == "accept":
            self.put(self.cursor, self.cursor, self.suggested)
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


@pytest.mark.parametrize("host", [0, 900], ids=["device", "host memory"])
def test_cached_is_cold(folder: Path, host: int) -> None:
    random = rng(f"engine, cached == cold, {host}")
    card: Card = replace(read_card(folder), fim_order="context-spm")
    tokenizer = TextTokenizer.load(folder)
    recipe = Recipe(tokenizer, card, OPTIONS)
    loaded, special = load(card, "cpu", "float32"), tokenizer.special.all
    row = LocalModel(loaded, 1 << 24)._store.row_bytes
    read, pieces = (loaded, 1000 * row, special, tokenizer.vocab_size), tokenizer.pieces
    warm_model = Recorded(*read, chunk=96, host_bytes=host * row, pieces=pieces)
    cold = Recorded(loaded, 1 << 26, special, tokenizer.vocab_size, pieces=pieces, drafts=False)
    desk, stop = Desk(random, Pipeline(tokenizer, card.trained_length)), threading.Event()
    reused = evicted = copied = 0
    for step in range(rounds(STEPS // 2)):
        action = desk.act()
        if len(desk.files) > FILES:
            warm_model.drop(desk.close())
        if random.random() < 0.1:
            warm(desk.snapshot, recipe, warm_model, stop)
        known, held = desk.uri in warm_model._store, set(warm_model._store)
        question = Question(desk.snapshot, desk.cursor, recipe)
        answer = complete(question, warm_model, stop)
        cold.drop(desk.uri)
        expected = complete(question, cold, stop)
        where = f"step {step}, {action}, {answer.tokens}"
        assert (answer.text, answer.outcome) == (expected.text, expected.outcome), where
        if answer.tokens:
            assert [said.id for said in warm_model.said] == [said.id for said in cold.said], where
            logprobs = [said.logprob for said in cold.said]
            assert [said.logprob for said in warm_model.said] == pytest.approx(logprobs, abs=2e-3), where
            reused += answer.tokens["reused"]
            copied += not known and answer.tokens["reused"] > 64
            evicted += bool(held - set(warm_model._store))
        assert warm_model.used_bytes <= 1000 * row
        desk.suggested = answer.text
    assert reused and evicted and copied
