"""The numbers of the method: splits, levels, rows that switch, score scales."""

import math

import pytest

from hirope_ls.hirope import Scheme, Stretch, natural_split
from hirope_ls.hirope.scheme import EVERY_PAIR, pair_levels


def test_natural_split_counts_the_pairs_that_turned_in_training():
    inv_freq = [10000 ** (-2 * j / 64) for j in range(32)]
    assert natural_split(inv_freq, 512) == 16  # the figure of the measurements: the 16th of 32 is the last
    assert natural_split([2 * math.pi / 10, 2 * math.pi / 11], 10) == 1
    assert natural_split([0.0, 1e-9], 512) == 0


@pytest.mark.parametrize(
    ("pairs", "split", "levels", "expected"),
    [
        (6, 3, 2, [1, 1, 1, 0, 0, 0]),
        (6, 2, 3, [2, 2, 1, 1, 0, 0]),
        (6, 3, 3, [2, 2, 2, 1, 1, 0]),  # an odd one goes to the finer level
        (5, 0, 2, [0, 0, 0, 0, 0]),
        (4, 9, 3, [2, 2, 2, 2]),
        (8, 2, 4, [3, 3, 2, 2, 1, 1, 0, 0]),
    ],
)
def test_pair_levels(pairs, split, levels, expected):
    assert pair_levels(pairs, split, levels) == expected


def test_pair_levels_needs_two_levels():
    with pytest.raises(ValueError, match="two levels"):
        pair_levels(4, 2, 1)


def test_presets():
    default = Scheme.default(512)
    assert (default.window, default.far, default.offset, default.log_scaling) == (256, "clamped", True, True)
    assert default.hierarchical and default.row_switch and default.split == EVERY_PAIR and default.far_keys_alike
    assert not Scheme(512, 256).far_keys_alike
    assert (default.far_damping, default.mention_gain) == (0.5, 1.0)
    paper = Scheme.paper(512)
    assert (paper.far, paper.offset, paper.log_scaling, paper.row_switch) == ("restart", False, False, False)
    assert not Scheme.plain(512).hierarchical


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 1},
        {"window": 64},
        {"window": 200},
        {"window": 32, "split": -1},
        {"window": 32, "far": "near"},
        {"window": 32, "far_damping": -0.1},
        {"trained_length": 3, "window": 2},
        {"window": 32, "group": 4},
        {"window": 32, "far": "grouped", "group": 0},
        {"window": 32, "far": "cached"},
        {"window": 32, "sinks": -1},
        {"window": 32, "sinks": 33},
        {"window": 32, "stretch": Stretch("pi")},
    ],
)
def test_impossible_schemes_are_refused(wrong):
    with pytest.raises(ValueError):
        Scheme(**{"trained_length": 64, **wrong})


def test_far_text_weighs_what_it_did_in_training():
    scheme = Scheme(64, 24, far_damping=2.0)
    assert [scheme.far_bias(row) for row in (0, 24, 62, 63)] == [0.0] * 4  # up to 40 far keys, as in training
    assert scheme.far_bias(64) < 0.0
    assert scheme.far_bias(24 + 80 - 1) == pytest.approx(-2.0 * math.log(2.0))
    assert Scheme(64, 24).far_bias(10_000) == 0.0
    assert Scheme(64, 24, far_damping=0.5, sinks=40).far_bias(10_000) == 0.0  # there are never more


def test_which_rows_are_hierarchical():
    switching, whole = Scheme.default(64), Scheme(64, 32, row_switch=False)
    assert switching.first_hierarchical_row(64) == whole.first_hierarchical_row(64) == 64
    assert switching.first_hierarchical_row(65) == 64
    assert whole.first_hierarchical_row(65) == 0
    assert Scheme.plain(64).first_hierarchical_row(10_000) == 10_000


def test_score_scale_begins_at_one():
    scheme = Scheme.default(64)
    assert scheme.score_scale(0) == scheme.score_scale(64) == 1.0
    assert scheme.score_scale(4096) == pytest.approx(2.0)
    assert Scheme.paper(64).score_scale(4096) == 1.0
