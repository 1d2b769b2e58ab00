"""Inside the trained length, and with hierarchy off, a patched model is the stock model."""

import pytest
import torch
from hirope.tiny import ALL, TRAINED, pieces, run_patched, run_stock, token_ids, unit_positions
from transformers import DynamicCache, StaticCache

from hirope_ls.hirope import Scheme, one_unit, patch

CHUNKINGS = {"whole": (), "chunks": (7, 30, 31, 40)}


def caches(kind, model):
    if kind == "cropping":  # sliding layers keep their last keys only
        return DynamicCache(config=model.config), DynamicCache(config=model.config)
    return DynamicCache(), DynamicCache()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_short_prompts_and_hierarchy_off_equal_stock(name, dtype):
    stock, model = ALL[name].make(dtype=dtype), ALL[name].make(dtype=dtype)
    patched = patch(model)
    assert patched.trained_length == TRAINED
    runs = [(Scheme.default(TRAINED), TRAINED), (Scheme.paper(TRAINED), TRAINED - 5), (Scheme.plain(TRAINED), 80)]
    for scheme, total in runs:
        patched.scheme = scheme
        ids, positions = token_ids(total, batch=2), unit_positions(total)
        for cuts in CHUNKINGS.values():
            for kind in ("full", "cropping"):
                one, other = caches(kind, stock)
                wanted = run_stock(stock, ids, pieces(total, *cuts), one)
                got = run_patched(patched, ids, positions, pieces(total, *cuts), other)
                if dtype == torch.float64:
                    assert torch.equal(got, wanted), (scheme, cuts, kind, (got - wanted).abs().max())
                else:
                    assert (got - wanted).abs().max() <= 1e-5, (scheme, cuts, kind)


@pytest.mark.parametrize("name", ALL)
def test_the_first_rows_of_a_long_prompt_equal_stock(name):
    """What is cached of a prompt stays right when the prompt grows past the trained length."""
    stock, patched = ALL[name].make(), patch(ALL[name].make())
    total = 3 * TRAINED
    ids, positions = token_ids(total), unit_positions(total)
    wanted = run_stock(stock, ids[:, :TRAINED], [(0, TRAINED)], DynamicCache())
    aligned = run_patched(patched, ids, positions, pieces(total, TRAINED, 100), DynamicCache())
    assert torch.equal(aligned[:, :TRAINED], wanted)
    for chunks in (pieces(total), pieces(total, 20, 60)):
        straddling = run_patched(patched, ids, positions, chunks, DynamicCache())
        torch.testing.assert_close(straddling[:, :TRAINED], wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_type": "linear", "factor": 2.0},
        {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 24},
        {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 24},
        {"rope_type": "dynamic", "factor": 2.0},
    ],
    ids=lambda rope: rope["rope_type"],
)  # fmt: skip
def test_scaled_frequencies_are_respected(rope):
    family = ALL["llama"]
    settings = {"rope_parameters": {"rope_theta": 100.0, **rope}}
    stock, patched = family.make(**settings), patch(family.make(**settings))
    ids = token_ids(TRAINED)
    for chunks in (pieces(TRAINED), pieces(TRAINED, 13, 14)):
        wanted = run_stock(stock, ids, chunks, DynamicCache())
        assert torch.equal(run_patched(patched, ids, one_unit(TRAINED), chunks, DynamicCache()), wanted)


def test_frequencies_that_change_with_the_length_stay_as_loaded():
    """After a long prompt a dynamic model goes on with the frequencies of short ones, and so does a long prompt."""
    settings = {"rope_parameters": {"rope_theta": 100.0, "rope_type": "dynamic", "factor": 2.0}}
    stock, patched = ALL["llama"].make(**settings), patch(ALL["llama"].make(**settings))
    ids = token_ids(3 * TRAINED)
    long = patched.forward(ids, unit_positions(3 * TRAINED))
    wanted = run_stock(stock, ids[:, :TRAINED], [(0, TRAINED)], DynamicCache())
    torch.testing.assert_close(long[:, :TRAINED], wanted, rtol=0, atol=1e-9)
    assert torch.equal(patched.forward(ids[:, :TRAINED], one_unit(TRAINED)), wanted)


def test_longrope_is_used_in_its_short_form():
    pairs = 8
    rope = {
        "rope_theta": 100.0,
        "rope_type": "longrope",
        "short_factor": [1.0 + 0.1 * j for j in range(pairs)],
        "long_factor": [3.0 + j for j in range(pairs)],
        "original_max_position_embeddings": 32,
    }
    settings = {
        "rope_parameters": rope,
        "original_max_position_embeddings": 32,
        "max_position_embeddings": 128,
    }
    stock, patched = ALL["phi3"].make(**settings), patch(ALL["phi3"].make(**settings))
    assert patched.trained_length == 32
    ids = token_ids(32)
    wanted = run_stock(stock, ids, [(0, 32)], DynamicCache())
    assert torch.equal(patched.forward(ids, one_unit(32)), wanted)
    long = patched.forward(token_ids(90), unit_positions(90))
    torch.testing.assert_close(long[:, :32], run_stock(stock, token_ids(90)[:, :32], [(0, 32)], DynamicCache()))


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma3"])
def test_static_caches(name):
    stock, patched = ALL[name].make(), patch(ALL[name].make())
    total = 2 * TRAINED
    ids, positions = token_ids(total), unit_positions(total)
    chunks = pieces(total, 10, 11, 40, 41, 70)
    static = StaticCache(config=stock.config, max_cache_len=total + 9)
    got = run_patched(patched, ids, positions, chunks, static)
    wanted = run_patched(patched, ids, positions, chunks, DynamicCache())
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-9)
