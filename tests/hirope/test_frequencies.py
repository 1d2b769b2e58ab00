"""Changed frequencies against what transformers computes from a base, and against their formulas."""

import math

import pytest
import torch
import transformers as hf
from hirope.test_attention import ExactRotary
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from hirope_ls.hirope import Stretch
from hirope_ls.hirope.frequencies import stretched
from hirope_ls.hirope.rotary import Angles

SHAPES = [  # head dimensions that are rotated, base, trained length
    (64, 10_000.0, 512),
    (128, 10_000.0, 4096),
    (128, 1_000_000.0, 32_768),
    (16, 100.0, 48),
    (8, 500_000.0, 8192),
]


def default_frequencies(dims, base):
    return base ** (-torch.arange(0, dims, 2, dtype=torch.float64) / dims)


def by_transformers(kind, dims, base, trained, factor, prompt):
    rope = {"rope_type": kind, "rope_theta": base, "factor": factor, "original_max_position_embeddings": trained}
    if kind != "yarn":
        rope.pop("original_max_position_embeddings")
    config = hf.LlamaConfig(
        hidden_size=4 * dims,
        num_attention_heads=4,
        head_dim=dims,
        max_position_embeddings=trained,
        rope_parameters=rope,
    )
    return ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"), seq_len=prompt)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "theirs"), [("pi", "linear"), ("ntk-dynamic", "dynamic"), ("yarn", "yarn")])
@pytest.mark.parametrize(("dims", "base", "trained"), SHAPES)
@pytest.mark.parametrize("factor", [1.5, 4.0, 32.0])
def test_frequencies_are_those_of_transformers(kind, theirs, dims, base, trained, factor):
    prompt = 3 * trained + 7
    wanted, wanted_factor = by_transformers(theirs, dims, base, trained, factor, prompt)
    got, got_factor = stretched(default_frequencies(dims, base), Stretch(kind, factor), trained, prompt)
    torch.testing.assert_close(got.float(), wanted, rtol=2e-6, atol=0)
    assert got_factor == pytest.approx(wanted_factor, abs=1e-12)


def test_a_factor_that_is_left_open_is_what_the_prompt_needs():
    inv_freq = default_frequencies(64, 10_000.0)
    for kind in ("pi", "ntk", "yarn"):
        open_, known = (stretched(inv_freq, Stretch(kind, factor), 512, 2048) for factor in (None, 4.0))
        assert torch.equal(open_[0], known[0]) and open_[1] == known[1]
    dynamic = stretched(inv_freq, Stretch("ntk-dynamic"), 512, 2048)[0]
    assert torch.equal(dynamic, stretched(inv_freq, Stretch("ntk-dynamic", 2.0), 512, 2048)[0])
    assert torch.equal(dynamic, stretched(inv_freq, Stretch("ntk", 2.0 * 4 - 1), 512, 2048)[0])


def test_ntk_is_a_larger_base():
    for dims, base, _ in SHAPES:
        got, factor = stretched(default_frequencies(dims, base), Stretch("ntk", 8.0), 512, 513)
        torch.testing.assert_close(got, default_frequencies(dims, base * 8.0 ** (dims / (dims - 2))))
        assert factor == 1.0
        assert float(got[0]) == 1.0  # the fastest pair stays; the slowest is interpolated
        assert float(got[-1]) == pytest.approx(float(default_frequencies(dims, base)[-1]) / 8.0)


def test_yarn_keeps_fast_pairs_and_interpolates_slow_ones():
    inv_freq, length = default_frequencies(128, 10_000.0), 4096
    got, factor = stretched(inv_freq, Stretch("yarn", 16.0), length, 16 * length)
    turns = inv_freq * length / (2 * math.pi)
    ratio = got / inv_freq
    assert factor == pytest.approx(0.1 * math.log(16.0) + 1.0)
    assert torch.equal(ratio[turns > 40], torch.ones_like(ratio[turns > 40]))
    torch.testing.assert_close(ratio[turns < 0.8], torch.full_like(ratio[turns < 0.8], 1 / 16))
    between = ratio[(turns < 30) & (turns > 1.1)]
    torch.testing.assert_close(between.diff(), between.diff()[:1].expand(len(between) - 1))  # linear in the index


def test_other_frequencies_than_a_bases_are_stretched_too():
    """Frequencies that a configuration scaled already, or a single pair."""
    scaled = torch.tensor([1.0, 0.3, 0.02, 0.001, 0.0002], dtype=torch.float64)
    for kind in ("pi", "ntk", "ntk-dynamic", "yarn"):
        got, _ = stretched(scaled, Stretch(kind), 512, 4096)
        assert got.isfinite().all() and (got <= scaled).all() and (got.diff() < 0).all()
        assert float(got[-1]) < float(scaled[-1])
        assert stretched(scaled[:1], Stretch(kind), 512, 4096)[0].isfinite().all()


@pytest.mark.parametrize("kind", ["pi", "ntk", "ntk-dynamic", "yarn"])
def test_a_prompt_that_fits_keeps_its_frequencies(kind):
    inv_freq = default_frequencies(64, 10_000.0)
    for factor in (None, 8.0):
        for length in (1, 511, 512):
            got, scaling = stretched(inv_freq, Stretch(kind, factor), 512, length)
            assert torch.equal(got, inv_freq) and scaling == 1.0


@pytest.mark.parametrize(("kind", "factor"), [("linear", 2.0), ("pi", 0.5), ("yarn", math.inf), ("ntk", math.nan)])
def test_impossible_stretches_are_refused(kind, factor):
    with pytest.raises(ValueError):
        Stretch(kind, factor)


@pytest.mark.parametrize("pairing", ["halves", "neighbours"])
def test_tables_of_changed_frequencies(pairing):
    """Column order, and a model's own scaling of its heads, are kept; the last table asked for is."""
    inv_freq, like = default_frequencies(8, 100.0), torch.zeros(0, dtype=torch.float64)
    angles = Angles(ExactRotary(inv_freq, pairing, 1.3), None)
    before = angles.span(0, 40, like)
    changed = angles.stretched(Stretch("yarn", 4.0), 16, 64)
    wanted_freq, factor = stretched(inv_freq, Stretch("yarn", 4.0), 16, 64)
    cos, sin = ExactRotary(wanted_freq, pairing, 1.3 * factor)(None, torch.arange(40)[None])
    got = changed.span(0, 40, like)
    torch.testing.assert_close((got.cos, got.sin), (cos, sin), rtol=0, atol=1e-12)
    assert torch.equal(angles.span(0, 40, like).cos, before.cos)
    assert angles.stretched(Stretch("yarn", 4.0), 16, 65) is changed  # the same factor
    assert angles.stretched(Stretch("yarn"), 16, 128) is not changed


def test_tables_follow_their_module_to_another_dtype():
    angles = Angles(ExactRotary(default_frequencies(8, 100.0), "halves", 1.0), None)
    first = angles.stretched(Stretch("pi"), 16, 64)
    angles._module.to(torch.float32)
    second = angles.stretched(Stretch("pi"), 16, 64)
    assert (first.inv_freq.dtype, second.inv_freq.dtype) == (torch.float64, torch.float32)
