"""The sides of a bench do the same work: same ids, same number of tokens, and the same ones where the models agree."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest
import torch
from fuzz import rng, rounds
from model.tiny_models import TRAINED, VOCABULARY, save_model

from hirope_ls.lab.bench.child import Child, Make
from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.ours import Ours
from hirope_ls.lab.bench.peers import in_turn, middle
from hirope_ls.lab.bench.sides import Answer, Took, shared_rows
from hirope_ls.lab.bench.stock import Stock, generate, loop, open_stock, stock_model
from hirope_ls.lab.to_gguf import write
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import load
from hirope_ls.problems import InputError

NEW = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def ours(folder):
    return Ours(load(read_card(folder), "cpu"))


@pytest.fixture(scope="module")
def stock(folder):
    return stock_model(folder, "cpu", torch.float32)


def prompts(name: str, longest: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Prompts as they follow each other while one types, moves and edits."""
    random = rng(name)
    ids, positions = random_prompt(VOCABULARY, TRAINED, longest)
    found = []
    for _ in range(rounds(8)):
        if random.random() < 0.5:
            ids = ids.copy()
            ids[random.randrange(longest)] = random.randrange(4, VOCABULARY)
        end = random.randrange(2, longest + 1)
        found.append((ids[:end], positions[:, :end]))
    return found


@pytest.mark.parametrize("how", [generate, loop])
def test_a_cropped_cache_says_what_an_empty_one_says(stock, how):
    warm, cold = Stock(stock, how), Stock(stock, how)
    reused = 0
    for ids, positions in prompts(f"stock {how.__name__}", 3 * TRAINED):
        cold.forget()
        one, two = (side.answer("file", ids, positions, NEW) for side in (warm, cold))
        assert one.tokens == two.tokens and len(one.took) == NEW
        assert (two.reused, two.computed) == (0, len(ids))
        assert one.reused + one.computed == len(ids)
        reused += one.reused
    assert reused


def test_all_say_the_same_within_the_trained_length(ours, stock):
    sides = {"ours": ours, "generate": Stock(stock, generate), "loop": Stock(stock, loop)}
    for ids, positions in prompts("sides", TRAINED - NEW):
        found = in_turn(
            sides, [lambda side, ids=ids, positions=positions: side.answer("file", ids, positions, NEW)] * 2
        )
        answers = [answer for side in found.values() for answer in side]
        assert len({answer.tokens for answer in answers}) == 1
        assert all(answer.first.wall > 0 and answer.all.wall >= answer.step.wall for answer in answers)
        again = {side[1].computed for side in found.values()}
        assert again == {1}  # each has read the prompt before: one row is left to compute, for its logits


def test_a_stock_side_forgets_the_file_before(stock):
    side = Stock(stock, loop)
    ids, positions = random_prompt(VOCABULARY, TRAINED, 20)
    side.answer("one", ids, positions, NEW)
    assert side.held("one") == (
        20 + NEW - 1,
        (20 + NEW - 1) * 3 * 2 * 2 * 12 * 4,
    )  # layers, k and v, heads, size, bytes
    assert side.answer("two", ids, positions, NEW).reused == 0
    assert side.held("one") == (0, 0)


def test_llama_cpp_reuses_its_prefix(folder, tmp_path):
    why = "llama.cpp is not installed: pip install 'hirope-ls[lab]'"
    pytest.importorskip("gguf", reason=why)
    llama = pytest.importorskip("llama_cpp", reason=why) and __import__("hirope_ls.lab.bench.llamacpp", fromlist=["x"])
    write(read_card(folder), tmp_path / "model.gguf")
    warm, cold = (llama.LlamaCpp(tmp_path / "model.gguf", 256, 1, exact=True) for _ in range(2))
    try:
        for ids, positions in prompts("llama.cpp", TRAINED):
            cold.forget()
            one, two = (side.answer("file", ids, positions, NEW) for side in (warm, cold))
            assert one.tokens == two.tokens and len(one.took) == NEW
            assert one.reused + one.computed == len(ids) and two.reused == 0
        with pytest.raises(InputError, match="has room for 256 tokens"):
            warm.answer("file", *random_prompt(VOCABULARY, TRAINED, 600), 1)
    finally:
        warm.close()
        cold.close()


def test_a_side_in_a_process_of_its_own(folder, stock, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    child = Child(partial(open_stock, folder, "cpu", torch.float32, 1, loop))
    try:
        assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"  # hidden from it, not taken from us
        ids, positions = random_prompt(VOCABULARY, TRAINED, 30)
        here = Stock(stock, loop)
        assert child.answer("file", ids, positions, NEW).tokens == here.answer("file", ids, positions, NEW).tokens
        assert child.held("file") == here.held("file")
        assert child.peak() > 50 << 20
        with pytest.raises(InputError, match="IndexError"):
            child.answer("file", np.full(4, VOCABULARY + 5, np.int32), positions, NEW)
        child.forget()
        assert child.answer("file", ids, positions, 1).reused == 0  # it lives on
    finally:
        child.close()


def test_a_side_that_cannot_be_made_is_told_in_one_line():
    with pytest.raises(InputError, match="ModuleNotFoundError: No module named 'nonsense'"):
        Child(Make("nonsense", "Side", ()))
    with pytest.raises(InputError, match="ended with exit code 3"):
        Child(Make("os", "_exit", (3,)))


@pytest.mark.parametrize(
    ("held", "ids", "shared"),
    [([], [1, 2], 0), ([1, 2], [1, 2], 1), ([1, 2, 3], [1, 2, 4], 2), ([9], [1, 2], 0), ([1, 2, 3, 4], [1, 2], 1)],
)
def test_the_last_row_is_always_computed(held, ids, shared):
    assert shared_rows(np.array(held, np.int32), np.array(ids, np.int32)) == shared


def test_turns_begin_with_another_side_each_round():
    seen = []

    class Fake:
        def __init__(self, name):
            self.name = name

    def call(side):
        seen.append(side.name)
        return Answer((1, 2), (Took(1.0, 0.5), Took(len(seen), 0.1)), 0, 1)

    found = in_turn({name: Fake(name) for name in "abc"}, [call] * 3)
    assert "".join(seen) == "abcbcacab"
    assert middle(found["a"], lambda answer: answer.step) == (6000.0, 100.0)
    assert middle(found["a"], lambda answer: answer.all) == (7000.0, 600.0)
