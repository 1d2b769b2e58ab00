"""Which old rows serve for a text after an edit: whole units that are the same, in order, and nothing near the end."""

from __future__ import annotations

from random import Random

import numpy as np
from fuzz import rng, rounds
from model.prompts import arrays

from hirope_ls.model.run import Rows
from hirope_ls.model.splice import Move, available, order, plan

UNITS = [[unit * 10 + n for n in range(20 + unit)] for unit in range(1, 9)]


def rows_of(units: list[list[int]], *mentions: tuple[int, int]) -> Rows:
    return Rows(*arrays(units), np.array(mentions, np.int64).reshape(-1, 2).T)


def test_units_below_an_edit_move() -> None:
    """The third unit grew by two tokens: what is before it is shared, those behind it move but for the last."""
    edited = [*UNITS[:2], [*UNITS[2], 5, 6], *UNITS[3:]]
    start = 21 + 22 + 23
    moves = plan(rows_of(UNITS), rows_of(edited), start, fresh=10)
    assert moves == [Move(start, start + 2, 24 + 25 + 26 + 27)]
    assert plan(rows_of(UNITS), rows_of(edited), start, fresh=1000) == []


def test_a_deleted_and_an_inserted_unit() -> None:
    new = [*UNITS[:2], UNITS[3], [7] * 30, *UNITS[4:]]
    moves = plan(rows_of(UNITS), rows_of(new), 43, fresh=1)
    assert moves == [Move(66, 43, 24), Move(90, 97, 25 + 26 + 27)]


def test_units_with_mentions_are_computed() -> None:
    assert plan(rows_of(UNITS), rows_of(UNITS, (25, 0)), 0, fresh=1) == [Move(0, 0, 21), Move(43, 43, 125)]
    assert plan(rows_of(UNITS, (20, 0), (21, 0)), rows_of(UNITS), 0, fresh=1) == [Move(43, 43, 125)]


def test_a_unit_that_begins_before_the_start_is_computed() -> None:
    assert plan(rows_of(UNITS), rows_of(UNITS), 22, fresh=1)[0].source == 43


def test_copied_in_place_they_are_what_they_were() -> None:
    """Against the obvious way: all at once, from a copy."""
    source = rng("splice plan")
    for _ in range(rounds(30)):
        copy_in_place(source)


def copy_in_place(random: Random) -> None:
    old = [[random.randrange(40) for _ in range(random.randint(1, 9))] for _ in range(40)]
    new = [unit for unit in old if random.random() < 0.8]
    for _ in range(5):
        new.insert(random.randrange(len(new)), [random.randrange(40) for _ in range(random.randint(1, 30))])
    before, after = rows_of(old), rows_of(new)
    here = np.array([random.random() < 0.9 for _ in before.ids])
    moves = available(plan(before, after, 0, fresh=5), here)
    slab = np.full(600, -1)
    slab[: len(before.ids)] = before.ids
    expected = slab.copy()
    for source, target, count in moves:
        assert here[source : source + count].all()
        expected[target : target + count] = before.ids[source : source + count]
        assert np.array_equal(after.ids[target : target + count], before.ids[source : source + count])
    rows, places = order(moves)
    for row, place in zip(rows.tolist(), places.tolist(), strict=True):
        slab[place] = slab[row]
    moved = np.concatenate([np.arange(move.target, move.target + move.size) for move in moves])
    assert np.array_equal(slab[moved], expected[moved]) and len(moved) > 30
