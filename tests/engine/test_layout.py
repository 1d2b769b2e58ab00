"""The rules that turn units into blocks, on numbers alone, against a slow statement of them."""

from __future__ import annotations

import random

import numpy as np
import pytest
from fuzz import rng, rounds

from hirope_ls.engine.cutting import cut_points
from hirope_ls.engine.layout import After, Layout, layout
from hirope_ls.engine.limits import Limits
from hirope_ls.model import runs
from hirope_ls.model.runs import Ints, Tokens


def no_cuts(longest: int):
    """Cuts units as where there are no statements."""

    def cut(unit: int, first: int, last: int) -> list[int]:
        return cut_points(np.empty(0, np.int64), first, np.arange(first + 1, last + 1), longest)

    return cut


def kept(laid_out: Layout) -> dict[int, list[int]]:
    return {smallest: blocks.tolist() for smallest, blocks in laid_out.joins.kept.items()}


def some_limits(random_: random.Random) -> Limits:
    """Those of a trained length, or any others."""
    trained = random_.choice([16, 64, 256])
    free = Limits(random_.choice([1, 3, 8, 50, 200]), random_.choice([1, 5, 30, 400]))
    return random_.choice([Limits.of(trained), free])


def starts_of(sizes: list[int]) -> Ints:
    return np.array([0, *np.cumsum(sizes)[:-1].tolist()] if sizes else [], np.int64)


def ending(ends: list[int]) -> Tokens:
    """Tokens that end at these bytes."""
    return Tokens.of(np.zeros(len(ends), np.int32), np.array(ends, np.int64))


def of_sizes(sizes: list[int], limits: Limits = Limits.of(16)) -> Layout:  # noqa: B008
    """The layout of units of so many tokens, one byte each, cut evenly where they are too long."""
    return layout(starts_of(sizes), ending(list(range(1, sum(sizes) + 1))), limits, no_cuts(limits.longest))


def test_the_limits_of_a_trained_length_are_its_two_halves():
    assert Limits.of(512) == Limits(256, 256)
    assert Limits.of(17) == Limits(longest=8, count=9)
    for wrong in ((0, 8), (8, 0), (-1, 8)):
        with pytest.raises(ValueError, match="units need room"):
            Limits(*wrong)


def test_other_limits_cut_and_join_elsewhere():
    assert np.diff(of_sizes([2, 19, 1], Limits(5, 99)).firsts, append=22).tolist() == [2, 5, 5, 5, 4, 1]
    assert np.diff(of_sizes([2, 19, 1], Limits(100, 99)).firsts, append=22).tolist() == [2, 19, 1]
    assert np.diff(of_sizes([1] * 40, Limits(100, 3)).firsts, append=40).tolist() == [16, 16, 8]
    assert np.diff(of_sizes([1] * 40, Limits(10, 3)).firsts, append=40).tolist() == [8] * 5  # as few as they may be


def test_each_unit_is_a_block():
    laid_out = of_sizes([3, 1, 2])
    assert laid_out.positions.tolist() == [[0, 0, 0, 1, 2, 2], [0, 1, 2, 0, 0, 1]]
    assert laid_out.positions.dtype == np.int32
    assert not laid_out.positions.flags.writeable


def test_no_tokens_no_positions():
    assert of_sizes([]).positions.shape == (2, 0)


def test_a_long_unit_is_cut_after_half_the_trained_length():
    laid_out = of_sizes([2, 19, 1])
    assert np.diff(laid_out.firsts, append=22).tolist() == [2, 8, 8, 3, 1]
    assert laid_out.units.tolist() == [0, 1, 1, 1, 2]


def test_it_is_cut_at_the_last_statement_that_fits():
    ends = np.arange(1, 31)
    assert cut_points(np.array([3, 7, 10, 29]), 0, ends, 8) == [7, 10, 18, 26]
    assert cut_points(np.array([8, 16, 24]), 0, ends, 8) == [8, 16, 24]
    assert cut_points(np.array([], np.int64), 0, ends[:8], 8) == []


def test_a_statement_inside_a_token_begins_with_the_next_one():
    assert cut_points(np.array([5]), 0, np.array([2, 4, 6, 8, 10]), 4) == [3]


def test_a_token_belongs_to_the_unit_of_its_first_byte():
    assert ending([2, 5, 9]).first_from(np.array([0, 1, 2, 3, 5, 6, 9])).tolist() == [0, 1, 1, 2, 2, 3, 3]
    laid_out = layout(np.array([0, 3, 5, 6]), ending([2, 7, 9]), Limits.of(16), no_cuts(8))
    assert laid_out.starts.tolist() == [0, 6]  # no token begins in 3..5 or in 5..6
    assert laid_out.positions.tolist() == [[0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("count, smallest", [(8, 0), (9, 8), (8 * 8, 8), (8 * 8 + 1, 8)])
def test_small_neighbours_are_joined_where_there_are_too_many(count: int, smallest: int):
    assert of_sizes([1] * count).smallest == smallest


def slow_join(sizes: list[int], smallest: int, longest: int) -> list[int]:
    groups: list[int] = []
    for size in sizes:
        if groups and groups[-1] < smallest and groups[-1] + size <= longest:
            groups[-1] += size
        else:
            groups.append(size)
    return groups


def test_random_units_equal_the_slow_rule():
    random_ = rng("layout")
    for _ in range(rounds(300)):
        limits = some_limits(random_)
        longest, room = limits.longest, limits.count
        sizes = [random_.randrange(1, random_.choice([3, 20, 200])) for _ in range(random_.randrange(3 * room))]

        def cut(unit: int, first: int, last: int, longest: int = longest) -> list[int]:
            return list(range(longest, last - first, longest))

        found = layout(starts_of(sizes), ending(list(range(1, sum(sizes) + 1))), limits, cut)
        expected = [part for size in sizes for part in [longest] * ((size - 1) // longest) + [(size - 1) % longest + 1]]
        for smallest in [0, *(8 << power for power in range(20) if 8 << power <= max(8, longest))]:
            groups = slow_join(expected, smallest, longest)
            if len(groups) <= room:
                break
        assert np.diff(found.firsts, append=found.tokens).tolist() == groups
        assert found.smallest == smallest or len(expected) <= room
        if sizes:
            assert found.positions[1].max() < longest


def test_a_layout_that_goes_on_from_another_equals_one_from_nothing(monkeypatch: pytest.MonkeyPatch):
    random_ = rng("relayout")
    for _ in range(rounds(20)):
        monkeypatch.setattr(runs, "_RUN", random_.choice([5, 50, 4096]))
        limits = some_limits(random_)
        most = random_.choice([3, 20, 2 * limits.longest + 1])
        sizes = [random_.randrange(1, most) for _ in range(random_.randrange(8 * limits.count))]
        even = random_.random() < 0.3
        before = layout(
            starts_of(sizes), ending(list(range(1, sum(sizes) + 1))), limits, None if even else no_cuts(limits.longest)
        )
        for _ in range(20):
            at, gone = random_.randrange(len(sizes) + 1), random_.choice([0, 0, 1, 1, 2, 30])
            come = random_.choice([0, 1, 1, 2, 40])
            sizes[at : at + gone] = [random_.randrange(most) for _ in range(come)]
            tokens = ending(list(range(1, sum(sizes) + 1)))
            cut = None if even else no_cuts(limits.longest)
            fresh = layout(starts_of(sizes), tokens, limits, cut)
            after_ = After(before, sum(sizes[:at]), sum(sizes[: at + come]))
            after = layout(starts_of(sizes), tokens, limits, cut, after_)
            for name in ("starts", "firsts", "units"):
                assert getattr(after, name).tolist() == getattr(fresh, name).tolist()
                assert getattr(after.cuts, name).tolist() == getattr(fresh.cuts, name).tolist()
            assert after.cuts.unit_firsts.tolist() == fresh.cuts.unit_firsts.tolist()
            assert (after.smallest, kept(after)) == (fresh.smallest, kept(fresh))
            assert np.array_equal(after.positions, fresh.positions)
            before = after


def test_positions_of_some_tokens_are_those_of_all():
    random_ = rng("some positions")
    for _ in range(rounds(50)):
        laid_out = of_sizes([random_.randrange(1, 30) for _ in range(random_.randrange(40))], some_limits(random_))
        first, last = sorted(random_.randrange(laid_out.tokens + 1) for _ in range(2))
        assert np.array_equal(laid_out.positions_in(first, last), laid_out.positions[:, first:last])


def test_cutting_evenly_is_cutting_without_statements():
    random_ = rng("even")
    for _ in range(rounds(50)):
        sizes = [random_.randrange(40) for _ in range(random_.randrange(20))]
        even = layout(starts_of(sizes), ending(list(range(1, sum(sizes) + 1))), Limits.of(16), None)
        assert even.firsts.tolist() == of_sizes(sizes).firsts.tolist()
        assert even.units.tolist() == of_sizes(sizes).units.tolist()


def test_what_comes_later_changes_nothing_before():
    random_ = rng("prefix")
    for _ in range(rounds(100)):
        sizes = [random_.randrange(1, 9) for _ in range(random_.randrange(4, 60))]
        whole, part = of_sizes(sizes), of_sizes(sizes[: len(sizes) // 2])
        if whole.smallest == part.smallest:
            assert np.array_equal(whole.positions[:, : part.tokens], part.positions)
