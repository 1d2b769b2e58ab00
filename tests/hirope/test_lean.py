"""A few rows computed lean, against the same rows through transformers: whatever the cache went through before."""

from copy import copy
from dataclasses import replace

import pytest
import torch
import transformers as hf
from fuzz import rng, rounds
from hirope.test_turned import slabs_for
from hirope.tiny import ALL, ORDERED, TRAINED, token_ids, unit_positions

from hirope_ls.compiled import build
from hirope_ls.hirope import Scheme, patch, quick, rivals
from hirope_ls.hirope.lean import MOST_ROWS

LEAN = {"granite", "llama", "mistral", "qwen2", "qwen3", "smollm3"}
DEFAULT = Scheme.default(TRAINED)
SCHEMES = [
    DEFAULT,
    replace(DEFAULT, window=7, mention_gain=0.0),
    replace(DEFAULT, window=TRAINED - 1, far_damping=0.0, mention_gain=2.5),
    replace(DEFAULT, row_switch=False, log_scaling=False),
    rivals.rerope(TRAINED),
    Scheme.plain(TRAINED),
]
LONGEST = 4 * TRAINED


def counted(monkeypatch, hirope):
    """How many passes went the long way."""
    passes = []
    long_way = type(hirope)._by_transformers
    monkeypatch.setattr(
        type(hirope), "_by_transformers", lambda self, *a: passes.append(1) or long_way(self, *a), raising=True
    )
    return passes


@pytest.mark.parametrize("name", ALL)
def test_who_is_served(name, monkeypatch):
    hirope = patch(ALL[name].make(dtype=torch.float32))
    cache, ids = slabs_for(hirope, dtype=torch.float32), token_ids(20)
    hirope.forward(ids[:, :18], unit_positions(18), cache)
    passes = counted(monkeypatch, hirope)
    hirope.forward(ids[:, 18:], unit_positions(20), cache)
    full = not hirope.sliding_layers and len(hirope.turned_layers) == len(cache.layers)
    assert (not passes) == (name in LEAN and full), "served" if not passes else "not served"


@pytest.mark.parametrize("name", ["llama", "qwen2", "qwen3"])
@pytest.mark.parametrize("way", ["lean float64", "lean float32", "compiled float32", "compiled bfloat16"])
def test_rows_equal_those_of_transformers(name, way):
    """Prefilled, cut and gone on with, a few rows at a time, mentions among them."""
    random, dtype = rng(f"lean-{name}-{way}"), torch.float64 if way == "lean float64" else torch.float32
    hirope = patch(rounded(ALL[name].make(dtype=dtype)) if "bfloat16" in way else ALL[name].make(dtype=dtype))
    hirope.compiled = "compiled" in way
    if hirope.compiled:
        assert hirope._quick.wait() and hirope._quick._kind in way
    slack = 1e-9 if dtype == torch.float64 else 2e-4
    for _ in range(rounds(6)):
        hirope.scheme = random.choice(SCHEMES)
        lean, slow = (slabs_for(hirope, dtype=dtype) for _ in range(2))
        ids, positions = token_ids(LONGEST), unit_positions(LONGEST, random.choice([3, 11]))
        length = 0
        for _ in range(25):
            if random.random() < 0.15:
                length = random.randint(0, length)
                lean.truncate(length), slow.truncate(length)
            rows = random.choice([1, 1, 1, 2, 5, MOST_ROWS, 40])
            end = min(length + rows, LONGEST)
            if end == length:
                length = TRAINED
                lean.truncate(length), slow.truncate(length)
                continue
            pairs = sorted((random.randrange(end), random.randrange(6)) for _ in range(random.choice([0, 3])))
            said = torch.tensor(pairs).T if pairs else None
            arguments = ids[:, length:end], positions[:, :end]
            hirope.lean = True
            got = hirope.forward(*arguments, lean, mentions=said, last_only=(last := random.random() < 0.5))
            hirope.lean = False
            wanted = hirope.forward(*arguments, slow, mentions=said, last_only=last)
            torch.testing.assert_close(got, wanted, rtol=0, atol=slack)
            length = end
        for one, other in zip(lean.layers, slow.layers, strict=True):
            torch.testing.assert_close(one.keys[:, :, :length], other.keys[:, :, :length], rtol=0, atol=slack)


def rounded(model):
    """With weights that are bfloat16 numbers."""
    for weight in model.parameters():
        weight.data = weight.data.bfloat16().to(weight.dtype)
    return model


def test_who_is_compiled():
    made = {name: patch(ALL[name].make(dtype=torch.float32))._quick for name in ("llama", "qwen2", "qwen3", "gemma3")}
    assert {name: quick is not None for name, quick in made.items()} == {
        "llama": True,
        "qwen2": True,
        "qwen3": True,
        "gemma3": False,
    }
    assert patch(ALL["llama"].make(dtype=torch.bfloat16))._quick is None
    assert patch(ALL["llama"].make())._quick is None  # float64


def test_layers_that_turn_by_different_angles_are_not_compiled():
    hirope = patch(ALL["llama"].make(dtype=torch.float32))
    decoder = hirope._decoder
    first, *others = decoder.blocks
    other = replace(first.layer, angles=copy(first.layer.angles))
    assert quick.Quick.of(decoder) is not None
    assert quick.Quick.of(replace(decoder, blocks=[first._replace(layer=other), *others])) is None


def test_compiled_rows_are_what_is_served(monkeypatch):
    hirope = patch(ALL["llama"].make(dtype=torch.float32))
    cache, ids, positions = slabs_for(hirope, dtype=torch.float32), token_ids(LONGEST), unit_positions(LONGEST)
    hirope.forward(ids[:, :100], positions[:, :100], cache)
    assert hirope._quick.wait()
    monkeypatch.setattr(hirope._decoder.__class__, "forward", None)
    hirope.forward(ids[:, 100:103], positions[:, :103], cache)
    hirope.compiled = False
    with pytest.raises(TypeError):
        hirope.forward(ids[:, 103:104], positions[:, :104], cache)


def test_machine_code_that_is_wrong_is_not_used(monkeypatch):
    loops = build.load("float32")
    monkeypatch.setattr(loops, "finish", lambda x, *_: x.__imul__(1.001))
    found = patch(ALL["llama"].make(dtype=torch.float32))._quick
    assert not found.wait() and "wrong" in found.unavailable


def test_heads_are_shared_among_threads(monkeypatch):
    monkeypatch.setattr(quick, "_SHARED", 0)
    hirope = patch(ALL["qwen2"].make(dtype=torch.float32))
    assert hirope._quick.wait()
    ids, positions = token_ids(LONGEST), unit_positions(LONGEST)
    threads, told = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            cache = slabs_for(hirope, dtype=torch.float32)
            hirope.forward(ids[:, :150], positions[:, :150], cache)
            told.append(hirope.forward(ids[:, 150:155], positions[:, :155], cache))
    finally:
        torch.set_num_threads(threads)
    assert hirope._quick._pool is not None
    assert torch.equal(*told)


def test_it_is_used_beyond_the_trained_length(monkeypatch):
    hirope = patch(ALL["llama"].make())
    cache, ids, positions = slabs_for(hirope), token_ids(LONGEST), unit_positions(LONGEST)
    hirope.forward(ids[:, :100], positions[:, :100], cache)
    passes = counted(monkeypatch, hirope)
    hirope.forward(ids[:, 100:101], positions[:, :101], cache)
    hirope.forward(ids[:, 101:110], positions[:, :110], cache, mentions=[[100], [0]])
    assert not passes
    hirope.forward(ids[:, 110:140], positions[:, :140], cache)  # many rows at once
    hirope.scheme = ORDERED
    hirope.forward(ids[:, 140:141], positions[:, :141], cache)  # far keys turn
    assert len(passes) == 2
    hirope.unpatch()
    assert hirope._decoder is None


def test_a_model_that_only_looks_alike_is_not_served():
    """Granite has Llama's parts and scales what goes between them."""
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    for scaled in (1.0, 0.5):
        config = hf.GraniteConfig(
            **sizes,
            vocab_size=90,
            max_position_embeddings=TRAINED,
            residual_multiplier=scaled,
            attention_multiplier=0.3,
        )
        hirope = patch(hf.GraniteForCausalLM(config).eval())
        assert (hirope._decoder is not None) == (scaled == 1.0)


def test_half_precision_is_as_near_as_the_long_way():
    """Over a long prompt, against float64."""
    ids, positions = token_ids(LONGEST), unit_positions(LONGEST)
    exact = patch(ALL["llama"].make())
    wanted = exact.forward(ids, positions)[:, 150:].float()
    errors = {}
    for lean in (True, False):
        hirope = patch(ALL["llama"].make(dtype=torch.bfloat16))
        hirope.lean, cache = lean, slabs_for(hirope, dtype=torch.bfloat16)
        hirope.forward(ids[:, :150], positions[:, :150], cache)
        rows = [hirope.forward(ids[:, at : at + 1], positions[:, : at + 1], cache) for at in range(150, LONGEST)]
        errors[lean] = float((torch.cat(rows, 1).float() - wanted).abs().mean())
    assert errors[True] < 1.5 * errors[False] < 0.05


def test_a_model_that_changed_its_type_is_not_served_by_copies_of_the_old_weights(monkeypatch):
    hirope = patch(ALL["llama"].make(dtype=torch.float32))
    hirope.model.double()
    cache, passes = slabs_for(hirope), counted(monkeypatch, hirope)
    hirope.forward(token_ids(3), unit_positions(3), cache)
    assert passes and cache.layers[0].keys.dtype == torch.float64
