"""A file that begins as another one: what was computed for that one is copied, not computed again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fuzz import rng, rounds
from model.prompts import NEVER, Prompt, a_prompt, ask, assert_same_rows, cut, session_of
from model.tiny_models import TRAINED

from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import Loaded, load

BUDGET = 64 << 20


@pytest.fixture(scope="module")
def loaded(llama: Path) -> Loaded:
    return load(read_card(llama), "cpu")


@pytest.fixture
def model(loaded: Loaded) -> LocalModel:
    return LocalModel(loaded, BUDGET, chunk=64)


def changed(prompt: Prompt, at: int) -> Prompt:
    """Another id at one place, so that nothing from there on is the same."""
    ids = prompt[0].copy()
    ids[at] = ids[at] % 200 + 7
    return ids, prompt[1]


def test_a_renamed_file_computes_one_row(model: LocalModel) -> None:
    prompt = a_prompt(4 * TRAINED)
    first = ask(model, "old", prompt)
    rows = [layer.keys[:, :, :250].clone() for layer in session_of(model, "old").cache.layers]
    answer = ask(model, "new", prompt)
    assert (answer.prefilled.reused, answer.prefilled.prefilled) == (len(prompt[0]) - 1, 1)
    assert answer.ids == first.ids and answer.logprobs == pytest.approx(first.logprobs, abs=1e-4)
    assert_same_rows(session_of(model, "new"), session_of(model, "old"))
    assert all(map(torch.equal, rows, [layer.keys[:, :, :250] for layer in session_of(model, "old").cache.layers]))
    assert ask(model, "old", prompt).prefilled.prefilled == 1, "the source is as it was"


def test_the_best_match_is_taken_not_the_first(model: LocalModel) -> None:
    prompt = a_prompt(300)
    for name, at in (("a", 100), ("b", 230), ("c", 170)):
        ask(model, name, changed(prompt, at))
    assert model.warm("new", *prompt, NEVER).reused == 230
    assert model.warm("new", *prompt, NEVER).prefilled == 0


def test_lines_beside_the_live_one_count(model: LocalModel) -> None:
    """The source was left with the cursor far up: what lies below, or was set aside, is found as well."""
    prompt = a_prompt(300)
    expected = ask(model, "old", prompt)
    ask(model, "old", changed(cut(prompt, 140), 120))
    answer = ask(model, "new", prompt)
    assert answer.prefilled.prefilled == 1 and answer.ids == expected.ids


def test_a_session_of_its_own_that_is_nearly_as_good_is_preferred(model: LocalModel) -> None:
    prompt = a_prompt(300)
    ask(model, "new", changed(prompt, 260))
    ask(model, "old", prompt)
    assert ask(model, "new", prompt).prefilled.reused == 260


def test_other_positions_are_not_the_same(model: LocalModel) -> None:
    ids, positions = a_prompt(200)
    ask(model, "old", (ids, positions))
    moved = positions.copy()
    moved[0] += 1
    assert ask(model, "new", (ids, moved)).prefilled.reused == 0


@pytest.mark.parametrize("rows", [450, 700])
def test_under_a_budget_that_does_not_hold_both(loaded: Loaded, rows: int) -> None:
    """The rows of the one that would have to go are taken over; others go first."""
    model = LocalModel(loaded, rows * LocalModel(loaded, BUDGET)._store.row_bytes)
    prompt = a_prompt(300)
    expected = ask(model, "old", prompt)
    ask(model, "third", a_prompt(60, seed=3))
    answer = ask(model, "new", prompt)
    assert answer.prefilled.prefilled == 1 and answer.ids == expected.ids
    assert model.used_bytes <= rows * model._store.row_bytes
    assert (model.cached("old")[0] > 0) == (rows == 700)


def test_files_that_share_much_are_cold(loaded: Loaded) -> None:
    """Random files of one beginning, opened and dropped, under a budget for a few of them."""
    source = rng("other files")
    row = LocalModel(loaded, BUDGET)._store.row_bytes
    model, cold = LocalModel(loaded, 1500 * row, chunk=64), LocalModel(loaded, BUDGET)
    common = a_prompt(320)
    copied = 0
    for step in range(rounds(40)):
        key = f"file{source.randrange(8)}"
        prompt = cut(changed(common, source.choice([0, 90, 200, 310])), source.randint(100, 320))
        before = model.cached(key)[0]
        answer = ask(model, key, prompt, 3)
        cold.drop("cold")
        expected = ask(cold, "cold", prompt, 3)
        assert answer.ids == expected.ids, f"step {step}"
        assert answer.logprobs == pytest.approx(expected.logprobs, abs=2e-3)
        assert_same_rows(session_of(model, key), session_of(cold, "cold"))
        assert model.used_bytes <= 1500 * row
        copied += before == 0 and answer.prefilled.reused > 0
        if source.random() < 0.2:
            model.drop(f"file{source.randrange(8)}")
    assert copied > 0
