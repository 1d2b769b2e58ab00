"""A cursor that jumps: what was computed for a place is still there when the cursor comes back, and is still right."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from fuzz import rng, rounds
from model.prompts import NEVER, Document, Prompt, Told, arrays, ask, assert_same_rows, session_of
from model.tiny_models import TRAINED, save_model

from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.run import Rows

BUDGET = 64 << 20
NEAR, AFTER, NEW = 20, 24, 3


@pytest.fixture(scope="module")
def loaded(llama: Path) -> Loaded:
    return load(read_card(llama), "cpu")


def split(document: Document, cursor: int) -> tuple[Prompt, int]:
    """The prompt `A S P` at a place, as engine/prompt.py orders it, and how long A is."""
    whole = arrays(document.units)
    far = max(0, cursor - NEAR) // 16 * 16
    after = whole[0][cursor : cursor + AFTER].tolist() or [1]
    unit = int(whole[1][0, far - 1]) + 1 if far else 0
    ids = [*whole[0][:far].tolist(), *after, *whole[0][far:cursor].tolist()]
    tail = [(unit, n) for n in range(len(after))] + [(unit + 1, n) for n in range(cursor - far)]
    positions = np.concatenate([whole[1][:, :far], np.array(tail, np.int32).T], axis=1)
    return (np.array(ids, np.int32), positions), far


def make_document(source: random.Random, size: int = 6 * TRAINED) -> Document:
    return Document(source, 300, size)


def jump(model: LocalModel, document: Document, cursor: int) -> tuple[Told, int]:
    """Complete at a place; what was said, and how long A was."""
    prompt, far = split(document, cursor)
    return ask(model, "file", prompt, NEW), far


def test_up_and_down_again(loaded: Loaded) -> None:
    """Up: no row of A is computed. Down to the same place: a single row, the one that gives the first logits."""
    model, document = LocalModel(loaded, BUDGET), make_document(random.Random(1))
    bottom = document.length - 5
    first, _ = jump(model, document, bottom)
    for place in (200, 120, 210, 40):
        above, far = jump(model, document, place)
        assert above.prefilled.reused == far
        again, _ = jump(model, document, place)
        assert again.prefilled.prefilled == 1 and again.ids == above.ids
    back, _ = jump(model, document, bottom)
    assert back.prefilled.prefilled == 1 and back.ids == first.ids
    assert back.logprobs == pytest.approx(first.logprobs, abs=1e-4)


def test_down_computes_only_what_never_was(loaded: Loaded) -> None:
    model, document = LocalModel(loaded, BUDGET), make_document(random.Random(2))
    _, deep = jump(model, document, 180)
    jump(model, document, 60)
    answer, far = jump(model, document, 250)
    assert far > deep == answer.prefilled.reused
    jump(model, document, 90)
    assert jump(model, document, 240)[0].prefilled.reused == split(document, 240)[1]


def test_what_is_above_the_text_that_is_warmed_stays(loaded: Loaded) -> None:
    """The whole file is read while the cursor rests in its middle: the next keystroke finds its rows again."""
    model, document = LocalModel(loaded, BUDGET), make_document(random.Random(3))
    jump(model, document, 100)
    warmed = model.warm("file", *arrays(document.units), NEVER)
    assert warmed.reused == split(document, 100)[1]
    assert jump(model, document, 100)[0].prefilled.prefilled == 1
    assert model.warm("file", *arrays(document.units), NEVER).prefilled == 0
    bottom, far = jump(model, document, document.length - 3)
    assert bottom.prefilled.reused == far


def test_after_an_edit_nothing_below_is_taken_for_the_same(loaded: Loaded) -> None:
    model, document = LocalModel(loaded, BUDGET), make_document(random.Random(4))
    jump(model, document, 300)
    jump(model, document, 100)
    changed = next(unit for unit in document.units if unit)
    changed[0] = changed[0] % 200 + 5
    assert jump(model, document, 300)[0].prefilled.reused == 0
    assert len(session_of(model, "file").lines) < 5


def test_no_row_of_an_unedited_text_is_computed_twice(loaded: Loaded) -> None:
    model, source = LocalModel(loaded, BUDGET), rng("walk")
    document = make_document(source)
    deepest = 0
    for step in range(rounds(60)):
        cursor = source.randrange(NEAR, document.length - AFTER, 16)
        answer, far = jump(model, document, cursor)
        assert answer.prefilled.reused >= min(far, deepest), f"step {step}, {far} far, {deepest} known"
        deepest = max(deepest, far)


@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_jumps_and_edits_are_cold(family: str, tmp_path: Path) -> None:
    """Token by token and row by row."""
    loaded = load(read_card(save_model(tmp_path, family)), "cpu")
    model, cold = LocalModel(loaded, BUDGET, chunk=40), LocalModel(loaded, BUDGET)
    source = rng(f"jumps, {family}")
    document = make_document(source)
    said: list[int] = []
    saved = back = 0
    for step in range(rounds(35)):
        action = "move"
        if source.random() < 0.3:
            action = document.step(said)
        else:
            document.cursor = source.randint(1, document.length)
        live = session_of(model, "file").live.copy() if step else None
        answer, _ = jump(model, document, document.cursor)
        cold.drop("file")
        expected, _ = jump(cold, document, document.cursor)
        where = f"step {step}, {action}, {answer.prefilled}"
        assert answer.ids == expected.ids, where
        assert answer.logprobs == pytest.approx(expected.logprobs, abs=2e-3), where
        assert_same_rows(session_of(model, "file"), session_of(cold, "file"))
        said = answer.ids
        saved += answer.prefilled.reused
        prompt, _ = split(document, document.cursor)
        back += live is not None and answer.prefilled.reused > live.shared(Rows(*prompt))
    assert saved > 0 and back > 0, "no row that was cut off was used again"
