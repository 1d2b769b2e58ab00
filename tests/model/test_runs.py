"""Tokens kept in runs are the tokens of plain arrays, whatever replaced what, and wherever the runs begin."""

from __future__ import annotations

import random

import numpy as np
import pytest
from fuzz import rng, rounds

from hirope_ls.model import runs
from hirope_ls.model.runs import Tokens

Plain = tuple[list[int], list[int]]


def some(random_: random.Random, most: int) -> Plain:
    """Ids and lengths of a few tokens."""
    count = random_.choice([0, 1, 2, random_.randrange(most + 1)])
    return [random_.randrange(500) for _ in range(count)], [random_.randrange(1, 9) for _ in range(count)]


def tokens_of(plain: Plain) -> Tokens:
    ids, lengths = plain
    return Tokens.of(np.array(ids, np.int32), np.cumsum(lengths, dtype=np.int64))


def check(tokens: Tokens, plain: Plain, random_: random.Random) -> None:
    ids, ends = np.array(plain[0], np.int32), np.cumsum(plain[1], dtype=np.int64)
    begins = np.concatenate((np.zeros(1, np.int64), ends))
    assert len(tokens) == len(ids) and tokens == tokens_of(plain)
    assert np.array_equal(tokens.ids, ids) and np.array_equal(tokens.ends, ends)
    assert tokens.ids.dtype == np.int32 and tokens.ends.dtype == np.int64
    first, last = sorted(random_.randrange(len(ids) + 1) for _ in range(2))
    last += random_.choice([0, 0, 5])
    assert np.array_equal(tokens.ids_in(first, last), ids[first:last])
    assert np.array_equal(tokens.ends_in(first, last), ends[first:last])
    asked = np.array(sorted(random_.randrange(int(begins[-1]) + 3) for _ in range(random_.randrange(20))), np.int64)
    expected = np.where(asked > 0, np.minimum(np.searchsorted(ends, asked) + 1, len(ids)), 0)
    assert np.array_equal(tokens.first_from(asked), expected)
    assert [tokens.before(offset) for offset in asked.tolist()] == np.searchsorted(ends, asked, "right").tolist()
    of = np.array(sorted(random_.randrange(len(ids) + 1) for _ in range(random_.randrange(20))), np.int64)
    assert np.array_equal(tokens.begins(of), begins[of])


def test_random_replacements_equal_plain_lists(monkeypatch: pytest.MonkeyPatch):
    random_ = rng("runs")
    for _ in range(rounds(60)):
        monkeypatch.setattr(runs, "_RUN", random_.choice([1, 2, 3, 8, 30, 4096]))
        plain = some(random_, 200)
        tokens = tokens_of(plain)
        for _ in range(30):
            low = random_.choice([0, len(plain[0]), random_.randrange(len(plain[0]) + 1)])
            high = min(len(plain[0]), low + random_.choice([0, 1, 1, 3, 30]))
            new = some(random_, 40)
            before, was = tokens, (list(plain[0]), list(plain[1]))
            for row, added in zip(plain, new, strict=True):
                row[low:high] = added
            tokens = tokens.replaced(low, high, tokens_of(new))
            check(tokens, plain, random_)
            assert before == tokens_of(was)
            assert all(0 < len(run.ids) <= 2 * runs._RUN for run in tokens.runs)


def test_runs_away_from_an_edit_are_shared_and_there_are_few(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runs, "_RUN", 8)
    random_ = rng("shared runs")
    tokens = tokens_of(([1] * 2_000, [2] * 2_000))
    for _ in range(500):
        low = random_.randrange(len(tokens))
        after = tokens.replaced(low, min(low + random_.randrange(4), len(tokens)), tokens_of(some(random_, 3)))
        shared = {id(run) for run in tokens.runs} & {id(run) for run in after.runs}
        assert len(tokens.runs) - len(shared) <= 3
        tokens = after
    assert len(tokens.runs) <= len(tokens) / 4 + 2


def test_nothing_can_be_changed():
    tokens = tokens_of(([1, 2, 3], [1, 1, 1])).replaced(1, 2, tokens_of(([7], [2])))
    for array in (tokens.ids, tokens.ends, tokens.firsts, tokens.bases, *tokens.runs[0], tokens.ids_in(0, 2)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
