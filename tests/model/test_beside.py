"""Reading beside what a session is about: the next keystroke finds all that it would have found; others lose none."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import rng, rounds
from model.prompts import NEVER, Document, Flag, Prompt, a_prompt, arrays, ask, assert_same_rows, session_of
from model.test_jumps import NEW, make_document, split
from model.tiny_models import TRAINED

from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import Loaded, load

BUDGET = 64 << 20
CHUNK = 64
WARM_CHUNK = CHUNK // 4


@pytest.fixture(scope="module")
def loaded(llama: Path) -> Loaded:
    return load(read_card(llama), "cpu")


@pytest.fixture
def model(loaded: Loaded) -> LocalModel:
    return LocalModel(loaded, BUDGET, chunk=CHUNK)


def typed(prompt: Prompt, id: int = 17) -> Prompt:
    """One more token, in the unit of the last."""
    ids, positions = prompt
    more = positions[:, -1:] + np.array([[0], [1]], np.int32)
    return np.append(ids, np.int32(id)), np.append(positions, more, axis=1)


def lying(model: LocalModel) -> list[torch.Tensor]:
    session = session_of(model, "file")
    return [layer.keys[:, :, : session.length].clone() for layer in session.cache.layers]


def test_the_rest_of_a_file_is_there_and_so_is_what_was(model: LocalModel) -> None:
    document = make_document(random.Random(1))
    whole = arrays(document.units)
    prompt, far = split(document, 120)
    ask(model, "file", prompt, NEW)
    session = session_of(model, "file")
    before, held, live = lying(model), session.length, session.live.copy()
    read = model.warm("file", *whole, NEVER, modest=True)
    assert (read.reused, read.reused + read.prefilled) == (far, len(whole[0]))
    assert session.length == held and all(map(torch.equal, before, lying(model))), "it lies as it did, to the bit"
    assert np.array_equal(session.live.serials, live.serials), "and not a row of it was computed again"
    assert model.warm("file", *whole, NEVER, modest=True).prefilled == 0
    assert ask(model, "file", prompt, NEW).prefilled.prefilled == 1
    down, deep = split(document, document.length - 5)
    assert ask(model, "file", down, NEW).prefilled.reused == deep


def test_a_keystroke_stops_it_within_a_chunk_and_finds_what_it_needs(model: LocalModel, loaded: Loaded) -> None:
    document = make_document(random.Random(2))
    prompt, far = split(document, 90)
    twin = LocalModel(loaded, BUDGET, chunk=CHUNK)
    for each in (model, twin):
        ask(each, "file", prompt, NEW)
    stopped = model.warm("file", *arrays(document.units), Flag(after=3), modest=True)
    assert stopped.prefilled == 3 * WARM_CHUNK
    answers = [ask(each, "file", typed(prompt), NEW) for each in (model, twin)]
    assert answers[0].prefilled.reused == answers[1].prefilled.reused == len(prompt[0])
    assert answers[0].ids == answers[1].ids
    again = model.warm("file", *arrays(document.units), NEVER, modest=True)
    assert again.reused == far + 3 * WARM_CHUNK, "it goes on where it was stopped"


def test_a_file_that_is_not_held_is_not_read(model: LocalModel) -> None:
    assert model.warm("file", *a_prompt(200), NEVER, modest=True).prefilled == 0
    assert model.used_bytes == 0


@pytest.mark.parametrize("rows", [700, 1100, 2500])
def test_nothing_goes_for_it(loaded: Loaded, rows: int) -> None:
    """Where the budget does not hold it beside the others, it is not read: neither a part of it nor for a moment."""
    row = LocalModel(loaded, BUDGET)._store.row_bytes
    model = LocalModel(loaded, rows * row, chunk=CHUNK)
    document = make_document(random.Random(3))
    ask(model, "other", a_prompt(300, seed=9))
    prompt, _ = split(document, 120)
    ask(model, "file", prompt, NEW)
    order, held = list(model._store), model.cached("other")
    read = model.warm("file", *arrays(document.units), NEVER, modest=True)
    assert bool(read.prefilled) == (rows == 2500)
    assert list(model._store) == order and model.cached("other") == held
    assert model.used_bytes <= rows * row
    assert ask(model, "file", prompt, NEW).prefilled.prefilled == 1


def test_many_lines_do_not_cost_the_live_one(model: LocalModel) -> None:
    """However many places were visited, and however few rows the last one has of its own."""
    document = make_document(random.Random(4))
    for place in (100, 160, 220, 280, 60):
        prompt, _ = split(document, place)
        ask(model, "file", prompt, 40 if place != 60 else 1)
    held = session_of(model, "file").length
    assert model.warm("file", *arrays(document.units), NEVER, modest=True).prefilled
    assert session_of(model, "file").length == held
    assert ask(model, "file", prompt, NEW).prefilled.prefilled == 1


def test_keystrokes_reuse_the_same_with_it_and_without(loaded: Loaded) -> None:
    """Random edits and jumps; one of two models reads the rest each time, and is cold for all that."""
    source = rng("beside")
    row = LocalModel(loaded, BUDGET)._store.row_bytes
    document: Document = make_document(source)
    model, twin, cold = (LocalModel(loaded, 6000 * row, chunk=CHUNK) for _ in range(3))
    read = 0
    said: list[int] = []
    for step in range(rounds(30)):
        document.step(said) if source.random() < 0.5 else document.move(said)
        document.cursor = max(1, min(document.cursor, document.length))
        prompt, _ = split(document, document.cursor)
        for each in (model, twin):
            ask(each, "file", prompt, NEW)
        told = model.warm("file", *arrays(document.units), Flag(source.choice([1, 4, 99])), modest=True)
        read += told.prefilled
        prompt = typed(prompt, source.randrange(4, 300))
        answers = [ask(each, "file", prompt, NEW) for each in (model, twin)]
        cold.drop("file")
        expected = ask(cold, "file", prompt, NEW)
        assert answers[0].prefilled.reused >= answers[1].prefilled.reused, f"step {step}"
        assert answers[0].ids == answers[1].ids == expected.ids, f"step {step}"
        assert_same_rows(session_of(model, "file"), session_of(cold, "file"))
        assert model.used_bytes <= 6000 * row
        said = expected.ids
    assert read > TRAINED
