"""Drafts: the same tokens as without them, fewer passes, and only rows of chosen tokens in the cache."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz import rng, rounds
from model.prompts import NEVER, Prompt, Told, arrays, ask, assert_same_rows, cut, failing, session_of, told
from model.tiny_models import TRAINED, VOCABULARY, save_model

from hirope_ls.hirope import Scheme
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.drafts import LONGEST, Drafts, look_up
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Finished, Generated, IntArray, Limits, Mentions
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.pace import Pace

BUDGET = 64 << 20


class Eager(Pace):
    """Drafts whatever there is, as many tokens as it likes."""

    def __init__(self, source: random.Random) -> None:
        super().__init__()
        self.source = source

    def most(self, matched: int) -> int:
        return self.source.randint(1, 12) if matched else 0


def eager(loaded: Loaded, source: random.Random, **options: Any) -> LocalModel:
    model = LocalModel(loaded, BUDGET, **options)
    model._pace = Eager(source)
    return model


def plain(loaded: Loaded, **options: Any) -> LocalModel:
    return LocalModel(loaded, BUDGET, drafts=False, **options)


@pytest.fixture(scope="module")
def loaded(llama: Path) -> Loaded:
    return load(read_card(llama), "cpu")


def repeating(source: random.Random, size: int) -> Prompt:
    """Units of few words from few ids, over and over, or of any ids at all."""
    words = [
        [source.randrange(4, VOCABULARY) for _ in range(source.randint(1, 6))] for _ in range(source.randint(1, 9))
    ]
    units = []
    while sum(map(len, units)) < size:
        units.append([id for _ in range(source.randint(1, 8)) for id in source.choice(words)])
    return cut(arrays(units), size)


def obvious_look_up(text: list[int], longest: int) -> tuple[int, int]:
    for length in range(min(longest, len(text) - 1), 0, -1):
        for at in range(len(text) - 1, length - 1, -1):
            if text[at - length : at] == text[-length:]:
                return at, length
    return len(text), 0


def test_look_up_is_the_obvious_one() -> None:
    source = rng("look up")
    for _ in range(rounds(300)):
        ids = range(source.choice([1, 2, 3, 30]))
        text = [source.choice(ids) for _ in range(source.randint(1, 60))]
        longest = source.randint(1, 9)
        assert look_up(np.array(text, np.int32), longest) == obvious_look_up(text, longest), (text, longest)


def ints(*ids: int) -> IntArray:
    return np.array(ids, np.int32)


def test_drafts_come_from_the_longest_and_then_the_latest_match() -> None:
    drafts = Drafts([ints(5, 6, 7, 1, 2), ints(9, 6, 7, 3)], ints(6, 7, 4, 8, 6), 10)

    def after(said: list[int]) -> tuple[list[int], int]:
        drafts.follow(said)
        at, matched = drafts.look_up()
        return drafts.at(at, 2), matched

    assert after([7]) == ([4, 8], 2)  # its own text is the latest
    assert after([7, 3]) == ([], 3)  # no draft goes from one text into the next
    assert after([7, 3, 7, 1]) == ([2], 2)
    assert after([7, 3, 7, 1, 50]) == ([], 0)
    assert after([7, 3, 7, 1, 50]) == ([], 0)


def test_without_any_text_there_is_nothing_to_draft() -> None:
    drafts = Drafts([], ints(1), 4)
    assert drafts.look_up() == (1, 0) and drafts.at(1, 5) == []


def test_only_the_latest_of_many_texts_are_searched() -> None:
    drafts = Drafts([np.full(50_000, n, np.int32) for n in range(5)], ints(7, 8), 9)
    matched = []
    for n in range(5):
        drafts.follow([8] * n + [n])
        matched.append(drafts.look_up()[1])
        drafts = Drafts([np.full(50_000, n, np.int32) for n in range(5)], ints(7, 8), 9)
    assert matched == [0, 0, 1, 1, 1]


FAMILIES = ("llama", "qwen2", "starcoder2", "gemma3")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_tokens_as_without(family: str, tmp_path: Path) -> None:
    source = rng(f"drafts, {family}")
    loaded = load(read_card(save_model(tmp_path, family)), "cpu")
    with_drafts, without = eager(loaded, source, chunk=16), plain(loaded)
    accepted = drafted = 0
    for step in range(rounds(6)):
        prompt = repeating(source, source.randint(2, 3 * TRAINED))
        limits = Limits(source.randint(1, 40), forbidden_ids=frozenset(source.sample(range(VOCABULARY), 3)))
        expected = told(without.generate("x", *prompt, limits, NEVER))
        for session in "ab":  # to say again what another has said takes few passes
            events = list(with_drafts.generate(session, *prompt, limits, NEVER))
            answer, where = told(iter(events)), f"step {step}, {len(prompt[0])} tokens"
            assert (answer.ids, answer.reason) == (expected.ids, expected.reason), where
            assert answer.logprobs == pytest.approx(expected.logprobs, abs=2e-3), where
            assert_same_rows(session_of(with_drafts, session), session_of(without, "x"))
            drafted += sum(event.drafted for event in events if isinstance(event, Generated))
            accepted += sum(event.accepted for event in events if isinstance(event, Generated))
    assert 0 < accepted <= drafted


@pytest.mark.parametrize("seed", range(3))
def test_stop_ids_end_it_where_they_did(loaded: Loaded, seed: int) -> None:
    source = random.Random(seed)
    prompt = repeating(source, 90)
    said = ask(plain(loaded), "file", prompt, 30).ids
    for stop in set(said):
        limits = Limits(30, stop_ids=frozenset({stop}))
        answer = told(eager(loaded, source).generate("file", *prompt, limits, NEVER))
        assert (answer.ids, answer.reason) == (said[: said.index(stop)], "stop")


def heard(prompt: Prompt) -> Mentions:
    """Every third id means one of the units before the last."""
    ids, units = prompt[0].tolist(), prompt[1][0].tolist()

    def meant(id: int, unit: int) -> list[int]:
        return sorted({id % unit, (7 * id) % unit}) if unit and id % 3 == 0 else []

    near = range(max(0, len(ids) - 40), len(ids))
    pairs = [(token, unit) for token in near for unit in meant(ids[token], units[token])]
    return Mentions(np.array(pairs, np.int32).reshape(-1, 2).T, lambda said: meant(said[-1], units[-1]))


def test_drafts_mention_what_tokens_mention(llama: Path) -> None:
    source = rng("drafts, mentions")
    loaded = load(read_card(llama), "cpu")
    loaded.hirope.scheme = replace(Scheme.default(TRAINED), mention_gain=3.0)
    different = 0
    for _ in range(rounds(4)):
        prompt = repeating(source, 3 * TRAINED)
        mentions = heard(prompt)
        with_drafts, without = eager(loaded, source), plain(loaded)
        answer, expected = (ask(model, "file", prompt, 24, mentions) for model in (with_drafts, without))
        assert answer.ids == expected.ids
        assert answer.logprobs == pytest.approx(expected.logprobs, abs=2e-3)
        assert_same_rows(session_of(with_drafts, "file"), session_of(without, "file"))
        different += ask(without, "silent", prompt, 24).ids != expected.ids
    assert different, "mentions change nothing"


def test_rows_are_kept_for_what_was_chosen_only(loaded: Loaded) -> None:
    """Wherever the consumer goes away, the next answer is what it would be without anything in the cache."""
    source = rng("drafts, closing")
    for _ in range(rounds(6)):
        prompt = repeating(source, source.randint(5, 2 * TRAINED))
        model, cold = eager(loaded, source), plain(loaded)
        expected = ask(cold, "file", prompt, 20)
        running = model.generate("file", *prompt, Limits(20), NEVER)
        for _ in range(source.randint(1, 12)):
            next(running)
        running.close()  # type: ignore[attr-defined]
        assert_same_rows(session_of(model, "file"), session_of(cold, "file"))
        answer = ask(model, "file", prompt, 20)
        assert (answer.ids, answer.prefilled.prefilled) == (expected.ids, 1)


def test_two_generations_take_turns(loaded: Loaded) -> None:
    source = rng("drafts, turns")
    prompts = [repeating(source, 80) for _ in range(2)]
    expected = [ask(plain(loaded), "file", prompt, 20).ids for prompt in prompts]
    model = eager(loaded, source)
    running = [model.generate(str(n), *prompt, Limits(20), NEVER) for n, prompt in enumerate(prompts)]
    events = [list(both) for both in zip(*zip(*running, strict=True), strict=True)]
    assert [told(iter(each)).ids for each in events] == expected
    paused = model.generate("0", *prompts[0], Limits(20), NEVER)
    next(paused), next(paused)
    ask(model, "0", prompts[1], 3)
    assert list(paused) == [Finished("cancelled")]


@pytest.mark.parametrize("rows", range(90, 112, 3))
def test_the_budget_ends_it_where_it_did(loaded: Loaded, rows: int) -> None:
    prompt = repeating(random.Random(rows), 88)
    size = rows * plain(loaded)._store.row_bytes
    with_drafts, without = LocalModel(loaded, size), LocalModel(loaded, size, drafts=False)
    with_drafts._pace = Eager(random.Random(rows))
    answer, expected = (ask(model, "file", prompt, 20) for model in (with_drafts, without))
    assert (answer.ids, answer.reason) == (expected.ids, expected.reason)
    assert with_drafts.used_bytes <= size


@pytest.mark.parametrize("after", range(1, 8, 2))
def test_out_of_memory_in_a_pass(loaded: Loaded, after: int) -> None:
    prompt = repeating(random.Random(after), 100)
    expected = ask(plain(loaded), "file", prompt, 20).ids
    model = eager(loaded, random.Random(after))
    with failing(loaded, MemoryError(), after, times=1):
        answer = ask(model, "file", prompt, 20)
    assert (answer.ids, answer.reason) == (expected, "length")
    session = session_of(model, "file")
    assert {layer.length for layer in session.cache.layers} == {session.length}


def passes(loaded: Loaded, model: LocalModel, session: str, prompt: Prompt, new: int) -> tuple[Told, int]:
    """The answer and how often the model was run for it."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    handle = loaded.hirope.model.model.layers[0].register_forward_pre_hook(count)
    try:
        return ask(model, session, prompt, new), calls
    finally:
        handle.remove()


def test_what_was_said_before_needs_few_passes(loaded: Loaded) -> None:
    """The same again in the same session, and in another one that was open."""
    prompt = repeating(random.Random(3), 100)
    first, slow = passes(loaded, plain(loaded), "file", prompt, 40)
    ids, positions = prompt
    for session in ("file", "other"):
        model = LocalModel(loaded, BUDGET)
        ask(model, "file", prompt, 40)
        changed = ids.copy()
        changed[0] = 4 if ids[0] != 4 else 5  # nothing is reused
        answer, quick = passes(loaded, model, session, (changed, positions), 40)
        assert answer.prefilled.reused == 0 and answer.ids == ask(plain(loaded), "x", (changed, positions), 40).ids
        if answer.ids == first.ids:
            assert quick < slow / 2


class Clocked:
    """What a pace makes of a stream of drafts, where a pass costs `ratio` and each token comes true by `chance`."""

    def __init__(self, ratio: float, chance: float, source: random.Random) -> None:
        self.pace, self.ratio, self.chance, self.source = Pace(), ratio, chance, source
        self.pace.begin()
        self.cost = self.tokens = 0.0

    def run(self, tokens: int) -> Iterator[bool]:
        for _ in range(tokens):
            matched = self.source.randint(0, LONGEST)
            most = self.pace.most(matched)
            came = 0
            while came < most and self.source.random() < self.chance:
                came += 1
            self.cost += self.ratio if most else 1.0
            self.tokens += 1 + came
            if most:
                self.pace.verified(matched, came, self.ratio)
            else:
                self.pace.stepped(1.0)
            yield bool(most)


@pytest.mark.parametrize(
    ("ratio", "chance", "least"), [(1.2, 0.8, 2.0), (2.0, 0.8, 1.3), (1.2, 0.0, 0.9), (9, 0.5, 0.85)]
)
def test_drafts_gain_much_or_lose_little(ratio: float, chance: float, least: float) -> None:
    clocked = Clocked(ratio, chance, random.Random(1))
    drafted = sum(clocked.run(3000))
    assert clocked.tokens / clocked.cost > least
    assert drafted > 0


def test_drafts_are_tried_again_after_bad_luck() -> None:
    clocked = Clocked(1.2, 0.0, random.Random(2))
    list(clocked.run(500))
    unlucky = sum(clocked.run(500))
    clocked.chance = 0.9
    assert sum(clocked.run(2000)) > 4 * unlucky
