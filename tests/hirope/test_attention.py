"""The attention function against the dense oracle: random shapes, schemes, chunkings and conventions, in float64."""

import json
from types import SimpleNamespace

import pytest
import torch
from fuzz import FAILURES, rng, rounds, save_failure
from torch import nn
from transformers.models.cohere.modeling_cohere import apply_rotary_pos_emb as turn_neighbours
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as turn_halves

from hirope_ls.hirope import kernels
from hirope_ls.hirope.attention import Beside, Layer, attach, hirope_attention
from hirope_ls.hirope.frame import Frame
from hirope_ls.hirope.reference import Rope, reference_attention
from hirope_ls.hirope.rotary import Angles, Rotation
from hirope_ls.hirope.scheme import Scheme, Stretch


class ExactRotary(nn.Module):
    """A rotary module in float64 throughout, so that comparisons need no slack for float32 angles."""

    def __init__(self, inv_freq, pairing, factor):
        super().__init__()
        self.inv_freq = nn.Buffer(inv_freq, persistent=False)
        self.pairing, self.factor = pairing, factor

    def forward(self, x, position_ids):
        freqs = position_ids[..., None].to(torch.float64) * self.inv_freq
        angles = torch.cat([freqs, freqs], -1) if self.pairing == "halves" else freqs.repeat_interleave(2, -1)
        return angles.cos() * self.factor, angles.sin() * self.factor


def turn_neighbours_exactly(q, k, cos, sin):
    """Cohere's function computes in float32 on purpose; the same in float64."""

    def other(x):
        return torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).flatten(-2)

    return q * cos[:, None] + other(q) * sin[:, None], k * cos[:, None] + other(k) * sin[:, None]


def random_scheme(random, trained):
    """Every choice with every other that it goes with."""
    window, far = random.randint(2, trained - 1), random.choice(["clamped", "running", "restart", "grouped", "cached"])
    sinks = random.randint(0, min(trained - window, 6)) if far == "cached" or random.random() < 0.2 else None
    hierarchical = random.random() < 0.8
    stretch = [random.choice(["pi", "ntk", "ntk-dynamic", "yarn"]), random.choice([None, 1.0, 1 + 9 * random.random()])]
    return {
        "trained_length": trained,
        "window": window,
        "split": random.choice([None, random.randint(0, 5)]),
        "far": far,
        "offset": random.random() < 0.6,
        "log_scaling": random.random() < 0.6,
        "far_damping": random.choice([0.0, 1.0, 3 * random.random()]),
        "hierarchical": hierarchical,
        "row_switch": random.random() < 0.6,
        "group": random.choice([None, random.randint(1, 9)]) if far == "grouped" else None,
        "sinks": sinks,
        "stretch": None if hierarchical or random.random() < 0.3 else stretch,
    }


def scheme_of(choices):
    """From the form that a failure is saved in."""
    stretch = choices.get("stretch")
    return Scheme(**{**choices, "stretch": stretch and Stretch(*stretch)})


def random_case(random):
    trained = random.choice([8, 16, 24])
    total = random.randint(1, 4 * trained)
    cuts = sorted({random.randrange(1, total + 1) for _ in range(random.randint(0, 5))} - {total})
    return {
        "seed": random.randrange(1000),
        "total": total,
        "cuts": cuts,
        "batch": random.randint(1, 2),
        "kv_heads": random.randint(1, 2),
        "groups": random.randint(1, 3),
        "dim": random.choice([8, 12]),
        "pairs": random.randint(1, 4),
        "pairing": random.choice(["halves", "neighbours"]),
        "factor": random.choice([1.0, 1.3]),
        "levels": random.choice([2, 2, 3, 4]),
        "sliding": random.choice([None, None, None, random.randint(2, 20)]),
        "no_rope": random.random() < 0.1,
        "scheme": random_scheme(random, trained),
    }


def random_positions(levels, total):
    """Coarse levels that never go back, a token level that begins anew with each unit."""
    steps = (torch.rand(levels - 1, total) < 0.15).cumsum(1)
    token = torch.zeros(total, dtype=torch.int64)
    for index in range(1, total):
        token[index] = 0 if (steps[:, index] != steps[:, index - 1]).any() else token[index - 1] + 1
    return torch.cat([steps, token[None]])


def check(case):
    torch.manual_seed(case["seed"])
    total, scheme = case["total"], scheme_of(case["scheme"])
    inv_freq = 3.0 / 4.0 ** torch.arange(case["pairs"], dtype=torch.float64)
    rope = None if case["no_rope"] else Rope(inv_freq, case["pairing"], case["factor"])
    angles = Angles(ExactRotary(inv_freq, case["pairing"], case["factor"]), None)
    function = turn_halves if case["pairing"] == "halves" else turn_neighbours_exactly
    rotation = Rotation(function, 2 * case["pairs"])
    beside, module = Beside(), nn.Module()
    module.num_key_value_groups = case["groups"]
    attach(module, Layer(rope and angles, rope and rotation, case["sliding"], beside))
    heads = case["kv_heads"] * case["groups"]
    query = torch.randn(case["batch"], heads, total, case["dim"], dtype=torch.float64)
    key, value = torch.randn(2, case["batch"], case["kv_heads"], total, case["dim"], dtype=torch.float64)
    positions = random_positions(case["levels"], total)
    parts = []
    for start, stop in zip([0, *case["cuts"]], [*case["cuts"], total], strict=True):
        beside.frame = Frame(scheme, stop - start, stop, positions)
        out, _ = hirope_attention(
            module, query[:, :, start:stop], key[:, :, :stop], value[:, :, :stop], None, scaling=0.4
        )
        parts.append(out)
    wanted = reference_attention(
        query, key, value, positions=positions, scheme=scheme, rope=rope, scale=0.4, sliding=case["sliding"]
    )
    torch.testing.assert_close(torch.cat(parts, 1).transpose(1, 2), wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("flash", [True, False])
def test_random_attention_equals_the_dense_oracle(monkeypatch, flash):
    monkeypatch.setattr(kernels, "_HAS_CPU_FLASH", flash)
    random = rng(f"attention-{flash}")
    for _ in range(rounds(60)):
        case = random_case(random)
        try:
            check(case)
        except BaseException:
            save_failure("hirope-attention", json.dumps(case))
            raise


@pytest.mark.parametrize("path", sorted(FAILURES.glob("hirope-attention-*.txt")), ids=lambda path: path.name)
def test_attention_that_failed_once(path):
    check(json.loads(path.read_text()))


def test_the_neighbouring_convention_of_the_models_is_the_oracles():
    """`turn_neighbours_exactly` stands in for Cohere's own function above: they must be the same."""
    heads = torch.randn(1, 2, 5, 8)
    cos, sin = ExactRotary(torch.tensor([1.0, 0.3, 0.1, 0.02]), "neighbours", 1.0)(None, torch.arange(5)[None])
    ours = turn_neighbours_exactly(heads, heads, cos.float(), sin.float())[0]
    torch.testing.assert_close(ours, turn_neighbours(heads, heads, cos.float(), sin.float())[0])


def layer_for(beside):
    inv_freq = 1.0 / 10.0 ** torch.arange(4, dtype=torch.float64)
    module = nn.Module()
    attach(module, Layer(Angles(ExactRotary(inv_freq, "halves", 1.0), None), Rotation(turn_halves, None), None, beside))
    return module


def test_a_far_key_is_turned_by_its_unit_alone():
    """The default: what an edit inside one unit moves (token indices of later keys) changes no far score."""
    torch.manual_seed(0)
    beside, total = Beside(), 40
    module, scheme = layer_for(beside), Scheme.default(8)
    query, key, value = torch.randn(3, 1, 1, total, 8, dtype=torch.float64)
    units = torch.arange(total) // 5
    results = []
    for tokens in (torch.arange(total) % 5, torch.zeros(total, dtype=torch.int64)):
        beside.frame = Frame(scheme, total, total, torch.stack([units, tokens]))
        results.append(hirope_attention(module, query, key, value, None, scaling=1.0)[0])
    assert torch.equal(*results)


def test_positions_are_missed_only_where_they_are_needed():
    beside = Beside()
    module, scheme = layer_for(beside), Scheme.default(8)
    heads = torch.randn(1, 1, 9, 8, dtype=torch.float64)
    beside.frame = Frame(scheme, 8, 8, None)
    hirope_attention(module, heads[:, :, :8], heads[:, :, :8], heads[:, :, :8], None)
    beside.frame = Frame(scheme, 9, 9, None)
    with pytest.raises(ValueError, match="more than the trained length 8: give positions"):
        hirope_attention(module, heads, heads, heads, None)
    with pytest.raises(ValueError, match="positions cover 3 tokens, but the model sees 9"):
        Frame(scheme, 9, 9, torch.zeros(2, 3, dtype=torch.int64))


def test_strangers_are_told_apart():
    heads = torch.randn(1, 1, 3, 8)
    with pytest.raises(RuntimeError, match="did not prepare"):
        hirope_attention(SimpleNamespace(), heads, heads, heads, None)
    beside = Beside()
    module = layer_for(beside)
    beside.frame = Frame(Scheme.default(8), 3, 3, None)
    with pytest.raises(ValueError, match="no attention mask"):
        hirope_attention(module, heads, heads, heads, torch.ones(1, 1, 3, 3))
