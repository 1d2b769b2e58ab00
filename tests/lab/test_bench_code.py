"""The prompts of benches are those of the server, wherever one types."""

from __future__ import annotations

import numpy as np
import pytest
from fuzz import rng
from model.tiny_models import TRAINED, VOCABULARY, save_model

from hirope_ls.engine.limits import Limits
from hirope_ls.lab.bench.code import Desk, code_of, library, random_prompt
from hirope_ls.model.folder import read_card
from hirope_ls.problems import InputError
from hirope_ls.text import Buffer


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return Desk.of(read_card(save_model(tmp_path_factory.mktemp("model"))), 4096)


def test_a_library_of_so_many_lines():
    assert library(1234).count(b"\n") == 1234 and library(100) == b"".join(library(1234).splitlines(True)[:100])
    with pytest.raises(InputError, match="ask for fewer"):
        library(10**9)


def test_typing_makes_the_prompts_of_the_text_as_it_is_then(desk):
    tokens = rng("typed").randrange(100, 2000)
    snapshot = desk.open("file", code_of(tokens))
    at = desk.place(snapshot, tokens)
    data = snapshot.buffer.data
    line = data[at : data.index(b"\n", at)]
    for done, prompt in enumerate(desk.typed(snapshot, at, 5)):
        text = data[:at] + line[:done] + data[at + len(line) :]
        fresh = desk.prompt(desk.pipeline.open(snapshot.uri, 1, Buffer.of(text), "python", None), at + done)
        assert np.array_equal(prompt.ids, fresh.ids) and np.array_equal(prompt.positions, fresh.positions)
    assert done == 5


def test_places_are_lines_worth_typing_after_the_tokens(desk):
    snapshot = desk.open("file", code_of(500))
    data, ends = snapshot.buffer.data, snapshot.tokens.ends
    places = desk.places(snapshot, 500, 4)
    assert places == sorted(set(places)) and places[0] >= ends[499]
    for place in places:
        start = data.rfind(b"\n", 0, place) + 1
        line = data[start : data.index(b"\n", place)]
        assert len(line.strip()) >= 12 and line.startswith(data[start:place]) and not data[start:place].strip()
    with pytest.raises(InputError, match="no 1 lines"):
        desk.place(snapshot, 10**6)


def test_random_prompts_keep_to_the_units_that_there_are():
    for tokens in (5, 100, 1000):
        ids, positions = random_prompt(VOCABULARY, TRAINED, tokens)
        assert ids.shape == (tokens,) and positions.shape == (2, tokens)
        assert ids.max() < VOCABULARY and positions[0].max() < Limits.of(TRAINED).count
        assert np.array_equal(np.diff(positions[0]) == 1, positions[1][1:] == 0)
