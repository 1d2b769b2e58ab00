"""Prompts of several parts: the tokens one after another, units counted on, and one file as the pipeline has it."""

import numpy as np
import pytest
from model.tiny_models import TRAINED

from hirope_ls.lab.eval.prompts import Part, Prompt
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.lab.methods import Units

FEW = "a = 1\n\n\ndef f(x):\n    return x\n\n\ndef g(y):\n    return y\n"


@pytest.fixture
def few(tokenizer):
    return text_source("few.py", FEW, tokenizer, TRAINED)


@pytest.mark.parametrize("units", [Units(), Units(longest=12, count=40)])
def test_a_whole_file_has_the_pipelines_positions(texts, units):
    for source in texts:
        assert np.array_equal(Prompt.of(source).positions(units), source.positions(units))
        split = Prompt.of(source, 0, 30) + Prompt.of(source, 30, 30) + Prompt.of(source, 30)
        assert np.array_equal(split.positions(units), source.positions(units))


def test_ids_are_those_of_the_parts(texts):
    one, two = texts
    prompt = Prompt.of(one, 5, 9) + Prompt.of(two, 0, 3)
    assert prompt.ids.tolist() == [*one.tokens.ids[5:9], *two.tokens.ids[:3]]
    assert prompt.ids.dtype == np.int32 and len(prompt) == 7


def test_units_are_counted_on_from_part_to_part(few):
    own = few.positions(Units())
    units = int(own[0, -1]) + 1
    found = (Prompt.of(few) + Prompt.of(few)).positions(Units())
    assert units == 3 and found.dtype == np.int64
    assert np.array_equal(found[0], [*own[0], *(own[0] + units)])
    assert np.array_equal(found[1], [*own[1], *own[1]])


def test_a_part_that_begins_inside_a_unit_counts_from_there(few):
    own = few.positions(Units())
    f = int(np.searchsorted(own[0], 1))
    found = Prompt.of(few, f + 2).positions(Units())
    size = int((own[0] == 1).sum())
    assert found[0].tolist() == (own[0, f + 2 :] - 1).tolist()
    assert found[1, : size - 2].tolist() == list(range(size - 2))
    assert found[1, size - 2 :].tolist() == own[1, f + size :].tolist()


def test_a_part_elsewhere_in_the_same_unit_is_a_new_unit(few):
    found = (Prompt.of(few, 1, 2) + Prompt.of(few, 3, 4)).positions(Units())
    assert found.tolist() == [[0, 1], [0, 0]]


def test_the_file_level_counts_changes_of_source(few, texts):
    prompt = Prompt.of(few, 0, 2) + Prompt.of(few, 4, 6) + Prompt.of(texts[0], 0, 3) + Prompt.of(few, 0, 1)
    found = prompt.positions(Units(levels=3))
    assert found[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 2]
    assert np.array_equal(found[1:], prompt.positions(Units()))
    assert not Prompt.of(few).positions(Units(levels=3))[0].any()


def test_last_cuts_parts_from_the_left(few, texts):
    prompt = Prompt.of(few, 0, 10) + Prompt.of(texts[0], 3, 8)
    for count in range(len(prompt) + 1):
        assert prompt.last(count).ids.tolist() == prompt.ids.tolist()[len(prompt) - count :]
    assert prompt.last(7).parts == (Part(few, 8, 10), Part(texts[0], 3, 8))
    assert prompt.last(5).parts == (Part(texts[0], 3, 8),)
    with pytest.raises(ValueError, match="no last 16"):
        prompt.last(16)


def test_more_units_than_there_may_be_are_joined(few):
    prompt = Prompt.of(few) + Prompt.of(few) + Prompt.of(few)
    units = Units(longest=60, count=4)
    assert few.positions(units)[0, -1] == 2
    found = prompt.positions(units)
    assert found[0, -1] + 1 <= 4
    plain = prompt.positions(Units())
    begins = {column for column in range(len(prompt)) if plain[1, column] == 0}
    joined = [column for column in range(len(prompt)) if found[1, column] == 0]
    assert set(joined) < begins and joined[0] == 0
    for first, last in zip(joined, [*joined[1:], len(prompt)], strict=True):
        assert found[1, first:last].tolist() == list(range(last - first))
        assert last - first <= units.limits(TRAINED).longest
        assert len(set(found[0, first:last].tolist())) == 1


def test_parts_must_be_there(few):
    for first, last in ((-1, 2), (3, 2), (0, len(few) + 1)):
        with pytest.raises(ValueError, match="has no tokens"):
            Part(few, first, last)
