"""Perplexity: the same tokens at every length, each file's window first, and the model's own likelihoods."""

import numpy as np
import pytest
from lab.eval_parts import HIROPE, PLAIN
from model.tiny_models import TRAINED

from hirope_ls.lab.eval.perplexity import Perplexity
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.lab.eval.task import by_turns
from hirope_ls.problems import InputError


@pytest.fixture
def files(tokenizer, texts):
    short = text_source("p/short.py", "x = 1\n", tokenizer, TRAINED)
    return [short, *texts]


def test_the_same_tokens_are_scored_at_every_length(files):
    items = Perplexity().items(files, [32, 128, 1000], 2, 0)
    assert [item.length for item in items] == [32, 32, 128, 128, 1000, 1000]
    assert [item.file for item in items] == [source.name for source in files[1:]] * 3
    for item, longest in zip(items, items[-2:] * 3, strict=True):
        window = item.payload
        assert item.id == longest.id and window.scored == 16 and len(window.prompt) == item.length
        assert np.array_equal(window.prompt.ids, longest.payload.prompt.ids[-item.length :])
    assert items[0].id == f"{files[1].name}@984-1000"


def test_more_windows_where_files_are_few(files):
    items = Perplexity().items(files, [500], 100, 0)
    spans = [(item.file, item.payload.prompt.parts[0]) for item in items]
    assert {name for name, _ in spans[:2]} == {source.name for source in files[1:]}
    for source in files[1:]:
        assert [part.first for name, part in spans if name == source.name] == list(range(0, len(source) - 499, 500))
    assert len({item.id for item in items}) == len(items) > 4
    assert [item.id for item in items[:3]] == [item.id for item in Perplexity().items(files, [500], 3, 1)]


def test_no_more_tokens_are_scored_than_half_the_shortest_length(files):
    assert Perplexity().items(files, [600, 1200], 1, 0)[0].payload.scored == 256
    assert Perplexity().items(files, [9, 1200], 1, 0)[0].payload.scored == 4
    with pytest.raises(InputError, match="nothing to score"):
        Perplexity().items(files, [1, 1200], 1, 0)


def test_files_that_are_too_short_are_one_line(files):
    with pytest.raises(InputError, match="no file has 1,000,000 tokens"):
        Perplexity().items(files, [64, 1_000_000], 1, 0)


@pytest.mark.parametrize("method", [PLAIN, HIROPE], ids=lambda method: method.name)
def test_the_figure_is_the_readers(tiny, files, method):
    task, reader = Perplexity(), Reader(tiny, method)
    for item in task.items(files, [40, 200], 1, 0):
        prompt = files[1].tokens.ids[200 - item.length : 200]
        found = task.measure(reader, item)
        assert list(found) == list(task.metrics)
        assert np.array_equal(item.payload.prompt.ids, prompt)
        assert found["nll"] == pytest.approx(reader.nll(item.payload.prompt, item.length - 1)[-20:].mean(), abs=1e-5)


def test_turns():
    made = []

    def numbers(*values):
        for value in values:
            made.append(value)
            yield value

    def each():
        yield numbers(1, 4, 6)
        yield numbers()
        yield numbers(2)
        yield numbers(3, 5)

    assert by_turns(each(), 100) == [1, 2, 3, 4, 5, 6]
    made.clear()
    assert by_turns(each(), 4) == [1, 2, 3, 4] == made
    assert by_turns(each(), 0) == [] and by_turns(iter(()), 3) == []
