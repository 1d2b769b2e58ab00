"""Rows from before an edit serve after it where that is asked for, and what rests on them is never called exact."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from fuzz import rng, rounds
from model.prompts import NEVER, Flag, Prompt, Told, arrays, ask, assert_same_rows, session_of, told
from model.tiny_models import TRAINED

from hirope_ls.model import shelf
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Limits
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.run import Rows
from hirope_ls.model.slabs import LayerShape, SlabCache
from hirope_ls.model.splice import Move, plan

BUDGET = 64 << 20


@pytest.fixture(autouse=True)
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts here are short."""
    monkeypatch.setattr(shelf, "_MOST_MOVED", 150)


@pytest.fixture(scope="module")
def loaded(llama: Path) -> Loaded:
    return load(read_card(llama), "cpu")


@pytest.fixture
def model(loaded: Loaded) -> LocalModel:
    return LocalModel(loaded, BUDGET, chunk=64)


def nearly(model: LocalModel, prompt: Prompt, key: str = "file", stop: Flag = NEVER) -> Told:
    return told(model.generate(key, *prompt, Limits(4, approximate=True), stop))


def make_units(count: int = 40, seed: int = 0) -> list[list[int]]:
    source = random.Random(seed)
    return [[source.randrange(4, 300) for _ in range(source.randint(5, 15))] for _ in range(count)]


def edited(units: list[list[int]], at: int, more: int = 3) -> list[list[int]]:
    unit = units[at]
    return [*units[:at], [*unit[: len(unit) // 2], *[9] * more, *unit[len(unit) // 2 :]], *units[at + 1 :]]


def by_hand(loaded: Loaded, old: SlabCache, new: Prompt, shared: int, moves: list[Move]) -> torch.Tensor:
    """The last logits of a splice made the obvious way, row by row into a cache of its own."""
    made = SlabCache(session_shapes(old), torch.float32, torch.device("cpu"))
    ids, positions = torch.tensor(new[0]).long(), torch.tensor(new[1]).long()
    source = {move.target + n: move.source + n for move in moves for n in range(move.size)}
    source |= {row: row for row in range(shared)}
    logits = torch.empty(0)
    for row in range(len(ids)):
        if row in source:
            for number, layer in enumerate(old.layers):
                at = slice(source[row], source[row] + 1)
                made.update(layer.keys[:, :, at], layer.values[:, :, at], number)
        else:
            logits = loaded.hirope.forward(ids[None, row : row + 1], positions[:, : row + 1], made)
    return logits[0, -1]


def session_shapes(cache: SlabCache) -> tuple[LayerShape, ...]:
    return tuple(LayerShape(la.keys.shape[1], la.keys.shape[3], la.values.shape[3]) for la in cache.layers)


@pytest.mark.parametrize("more", [3, 0])
def test_only_the_edited_unit_and_the_last_rows_are_computed(model: LocalModel, loaded: Loaded, more: int) -> None:
    """And what comes of it is what it is by hand."""
    units = make_units()
    before, after = arrays(units), arrays(edited(units, 12, more))
    if not more:
        after[0].flags.writeable = True
        after[0][130] += 1
    old = LocalModel(loaded, BUDGET)
    for one in (old, model):
        ask(one, "file", before)
    shared = session_of(model, "file").shared(Rows(*after))
    moves = plan(Rows(*before), Rows(*after), shared)
    moved = sum(move.size for move in moves)
    answer = nearly(model, after)
    assert moved > 150 and answer.prefilled.reused == shared + moved
    assert answer.prefilled.reused + answer.prefilled.prefilled == len(after[0])
    with torch.inference_mode():
        logits = by_hand(loaded, session_of(old, "file").cache, after, shared, moves).log_softmax(-1)
    assert answer.ids[0] == int(logits.argmax())
    assert answer.logprobs[0] == pytest.approx(float(logits.max()), abs=2e-3)


def test_it_is_not_done_unasked(model: LocalModel, loaded: Loaded) -> None:
    units = make_units()
    ask(model, "file", arrays(units))
    after = arrays(edited(units, 3))
    answer = ask(model, "file", after)
    assert answer.prefilled.reused <= sum(map(len, units[:4]))
    assert answer.ids == ask(LocalModel(loaded, BUDGET), "file", after).ids


def test_what_rests_on_it_is_not_exact(model: LocalModel, loaded: Loaded) -> None:
    """Neither for the same file, nor for another one, nor for a warm-up; after that it is."""
    units = make_units()
    after = arrays(edited(units, 9))
    ask(model, "file", arrays(units))
    first, again = nearly(model, after), nearly(model, after)
    assert again.prefilled.prefilled == 1, "an approximate one may go on from an approximate one"
    exact = sum(map(len, edited(units, 9)[:9]))
    assert exact <= session_of(model, "file").exact < exact + 20
    assert first.prefilled.exact == again.prefilled.exact == session_of(model, "file").exact, "and both say so"
    assert ask(model, "other", after).prefilled.reused == session_of(model, "file").exact
    warmed = model.warm("file", *after, NEVER)
    assert warmed.reused >= exact and session_of(model, "file").exact == len(after[0])
    cold = LocalModel(loaded, BUDGET)
    expected = ask(cold, "file", after)
    answer = nearly(model, after)
    assert answer.ids == expected.ids and answer.prefilled.prefilled == 1 and answer.prefilled.exact is None
    assert_same_rows(session_of(model, "file"), session_of(cold, "file"))
    assert first.logprobs != pytest.approx(expected.logprobs, abs=1e-5), "the splice was exact: this tests nothing"


def test_a_splice_that_was_stopped_can_go_on(model: LocalModel) -> None:
    """The moved rows are there for the next one, as is what an interrupted warm-up left of the old ones."""
    units = make_units()
    ask(model, "file", arrays(units))
    after = arrays(edited(units, 3, 90))
    stopped = nearly(model, after, stop=Flag(after=1))
    assert stopped.reason == "cancelled"
    again = nearly(model, after)
    assert again.reason == "length" and again.prefilled.reused > 250
    after = arrays(edited(units, 2, 5))
    model.warm("file", *after, Flag(after=8))
    assert session_of(model, "file").exact == session_of(model, "file").length < len(after[0]) - 100
    assert nearly(model, after).prefilled.prefilled < 120


def test_exact_answers_between_approximate_ones_are_cold(loaded: Loaded) -> None:
    source = rng("splice")
    row = LocalModel(loaded, BUDGET)._store.row_bytes
    model, cold = LocalModel(loaded, 900 * row, chunk=64, host_bytes=900 * row), LocalModel(loaded, BUDGET)
    files = {key: make_units(36, seed) for seed, key in enumerate("abc")}
    saved = exact = 0
    for step in range(rounds(60)):
        key = source.choice("abc")
        if source.random() < 0.6:
            files[key] = edited(files[key], source.randrange(len(files[key]) - 8), source.randint(0, 4))
        if source.random() < 0.2:
            files[key].insert(source.randrange(20), [source.randrange(300) for _ in range(9)])
        if len(files[key]) > 42:
            files[key].pop(source.randrange(20))
        prompt = arrays(files[key][: source.randint(25, len(files[key]))])
        assert len(prompt[0]) > TRAINED
        if source.random() < 0.6:
            shared = session_of(model, key).shared(Rows(*prompt)) if key in model._store else len(prompt[0])
            answer = nearly(model, prompt, key)
            saved += answer.prefilled.reused > shared + 150
        else:
            answer = ask(model, key, prompt)
            cold.drop("cold")
            expected = ask(cold, "cold", prompt)
            assert answer.ids == expected.ids, f"step {step}"
            assert answer.logprobs == pytest.approx(expected.logprobs, abs=2e-3)
            assert_same_rows(session_of(model, key), session_of(cold, "cold"))
            assert session_of(model, key).exact == session_of(model, key).length
            exact += answer.prefilled.reused > 0
        assert model.used_bytes <= model._store.budget_bytes
    assert saved > 0 and exact > 0


def test_once_exact_rows_cost_little_they_are_taken(model: LocalModel, loaded: Loaded) -> None:
    """A refresh read all but the last rows, while the approximate ones of the whole prompt still stand by."""
    units = make_units()
    after = arrays(edited(units, 9))
    ask(model, "file", arrays(units))
    nearly(model, after)
    model.warm("file", *(after[0][:-40], after[1][:, :-40]), NEVER)
    answer = nearly(model, after)
    assert answer.prefilled.exact is None and answer.prefilled.prefilled == 40
    assert answer.ids == ask(LocalModel(loaded, BUDGET), "file", after, 4).ids
