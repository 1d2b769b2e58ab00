"""Sessions that leave the device for host memory come back as they were. On a CPU both are the same memory, and the
path is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fuzz import rng, rounds
from model.prompts import a_prompt, ask, assert_same_rows, cut, session_of
from model.tiny_models import TRAINED

from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import Loaded, load

BUDGET = 64 << 20
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module", params=DEVICES)
def loaded(llama: Path, request: pytest.FixtureRequest) -> Loaded:
    return load(read_card(llama), request.param, "float32")


def model_for(loaded: Loaded, rows: int, host_rows: int) -> LocalModel:
    row = LocalModel(loaded, BUDGET)._store.row_bytes
    return LocalModel(loaded, rows * row, chunk=64, host_bytes=host_rows * row)


def test_off_on_a_cpu_and_on_on_a_gpu(loaded: Loaded) -> None:
    assert LocalModel(loaded, BUDGET)._store.host.budget_bytes == (0 if loaded.device.type == "cpu" else BUDGET)


def test_a_session_comes_back_and_computes_one_row(loaded: Loaded) -> None:
    model, prompt = model_for(loaded, 320, 1000), a_prompt(4 * TRAINED)
    first = ask(model, "a", prompt)
    ask(model, "b", a_prompt(4 * TRAINED, seed=1))
    assert model.cached("a") == (0, 0) and list(model._store.host.packs) == ["a"]
    answer = ask(model, "a", prompt)
    assert answer.prefilled.prefilled == 1 and answer.ids == first.ids
    assert answer.logprobs == pytest.approx(first.logprobs, abs=1e-3)
    assert list(model._store.host.packs) == ["b"]
    model.drop("b")
    assert not model._store.host.packs


def test_the_text_below_the_cursor_comes_back_too(loaded: Loaded) -> None:
    model, prompt = model_for(loaded, 600, 1000), a_prompt(4 * TRAINED)
    ask(model, "a", prompt)
    ask(model, "a", cut(a_prompt(130, seed=5), 120))
    ask(model, "b", a_prompt(400, seed=1))
    assert list(model._store.host.packs) == ["a"]
    assert ask(model, "a", prompt).prefilled.prefilled == 1


def test_another_file_takes_what_lies_in_host_memory(loaded: Loaded) -> None:
    model, prompt = model_for(loaded, 320, 1000), a_prompt(4 * TRAINED)
    first = ask(model, "a", prompt)
    ask(model, "b", a_prompt(4 * TRAINED, seed=1))
    answer = ask(model, "renamed", prompt)
    assert answer.prefilled.prefilled == 1 and answer.ids == first.ids
    assert list(model._store.host.packs) == ["a", "b"]


def test_files_that_take_turns_are_cold(loaded: Loaded) -> None:
    source = rng("offload")
    model, cold = model_for(loaded, 400, 600), LocalModel(loaded, BUDGET)
    back = 0
    for step in range(rounds(40)):
        seed = source.randrange(5)
        prompt, key = cut(a_prompt(250, seed), source.randint(60, 250)), str(seed)
        away = key in model._store.host.packs
        answer = ask(model, key, prompt, 3)
        cold.drop("cold")
        expected = ask(cold, "cold", prompt, 3)
        assert answer.ids == expected.ids, f"step {step}"
        assert_same_rows(session_of(model, key), session_of(cold, "cold"))
        assert model.used_bytes <= model._store.budget_bytes
        assert model._store.host.used_bytes <= model._store.host.budget_bytes
        back += away and answer.prefilled.reused > 32
    assert back > 0
