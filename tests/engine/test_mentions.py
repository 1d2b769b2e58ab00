"""What the near text speaks of: names by the token in which they end, the nearest definitions, no later text."""

import random
import re

import numpy as np
import pytest

from hirope_ls.engine.mentions import MOST, Definers, unfinished


def told(definers, text, units=None, first=0):
    """Mentions of a text whose tokens are separated by `|`."""
    pieces = [piece.encode() for piece in text.split("|")]
    return definers.mentions(pieces, units or [9] * len(pieces), first).T.tolist()


@pytest.fixture
def definers():
    return Definers.of([("load", 1), ("load_all", 2), ("get", 3), ("load", 4), ("get", 5), ("get", 6), ("get", 8)])


def test_a_name_is_mentioned_where_it_ends(definers):
    assert told(definers, "x = |load_all|(") == [[1, 2]]
    assert told(definers, "x = |load|_all|(") == [[1, 1], [1, 4], [2, 2]]  # its beginning is a name, too
    assert told(definers, "x = load_all(y)") == [[0, 2]]
    assert told(definers, "xload|_all |1load| loads") == []
    assert told(definers, "x.|get|()", first=100) == [[101, 6], [101, 8]]  # the nearest


def test_only_definitions_before_the_token_are_meant(definers):
    assert MOST == 2
    assert told(definers, "get|, |get|, |get", [3, 4, 4, 6, 6]) == [[2, 3], [4, 3], [4, 5]]


def test_short_and_special_names_say_nothing():
    definers = Definers.of([("x", 0), ("id", 0), ("__init__", 1), ("__private", 2), ("größe", 3)])
    assert told(definers, "x |id |__init__ |__private |größe") == [[3, 2], [4, 3]]
    assert told(Definers.of([]), "x|y") == []


def test_a_unit_that_defines_a_name_twice_counts_once():
    assert Definers.of([("get", 1), ("get", 1), ("get", 2)]).units == {b"get": [1, 2]}


def test_later_text_changes_nothing_and_generated_tokens_are_heard_alike(definers):
    rng = random.Random(5)
    alphabet = ["load", "_all", "get", "(", " ", "lo", "ad", "\n", "1", "_"]
    for _ in range(200):
        pieces = [rng.choice(alphabet).encode() for _ in range(12)]
        whole = definers.mentions(pieces, [9] * 12, 0)
        cut = rng.randrange(12)
        part = definers.mentions(pieces[:cut], [9] * cut, 0)
        np.testing.assert_array_equal(part, whole[:, whole[0] < cut])
        tail = unfinished(b"".join(pieces[:cut]))
        assert definers.heard(tail, pieces[cut], 9) == whole[1, whole[0] == cut].tolist()


def test_mentions_equal_the_obvious_way(definers):
    rng = random.Random(6)
    for _ in range(200):
        pieces = [rng.choice(["load", "_all", "get", "(", " ", "lo", "ad"]) for _ in range(10)]
        wanted = set()
        for token in range(10):
            before, text = "".join(pieces[:token]), "".join(pieces[: token + 1])
            for word in re.finditer(r"[A-Za-z_]\w*", text):
                if len(before) < word.end() <= len(text):
                    wanted |= {(token, unit) for unit in definers.units.get(word.group().encode(), [])[-2:]}
        got = definers.mentions([piece.encode() for piece in pieces], [9] * 10, 0)
        assert got.T.tolist() == [list(pair) for pair in sorted(wanted)]
