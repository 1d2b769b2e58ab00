"""Bands without masks equal dense masked attention, by both kernels."""

import json

import pytest
import torch
from fuzz import FAILURES, rng, rounds, save_failure

from hirope_ls.hirope import kernels
from hirope_ls.hirope.bands import Merged, add_band


def dense(query, key, value, seen, scale):
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = (query @ key.transpose(-1, -2) * scale).masked_fill(~seen, float("-inf"))
    return scores.softmax(-1).nan_to_num(0.0) @ value, scores.logsumexp(-1)


def check(case):
    torch.manual_seed(case["seed"])
    total, first_row, first_key = case["total"], case["first_row"], case["first_key"]
    nearest, farthest = case["nearest"], case["farthest"]
    batch, kv_heads, groups, dim = case["batch"], case["kv_heads"], case["groups"], case["dim"]
    query = torch.randn(batch, kv_heads * groups, total - first_row, dim, dtype=torch.float64)
    key = torch.randn(batch, kv_heads, total - first_key, dim, dtype=torch.float64)
    value = torch.randn(batch, kv_heads, total - first_key, dim, dtype=torch.float64)
    merged = Merged(query, value)
    add_band(
        merged,
        query,
        key,
        value,
        first_row=first_row,
        first_key=first_key,
        nearest=nearest,
        farthest=farthest,
        scale=0.3,
    )
    distance = torch.arange(first_row, total)[:, None] - torch.arange(first_key, total)
    seen = distance >= nearest
    if farthest is not None:
        seen &= distance < farthest
    out, lse = dense(query, key, value, seen, 0.3)
    torch.testing.assert_close(merged.out, out, rtol=0, atol=1e-11)
    torch.testing.assert_close(merged.lse, lse, rtol=0, atol=1e-11)


def random_case(random):
    total = random.randint(1, 90)
    first_row = random.choice([0, total - 1, random.randrange(total)])
    nearest = random.choice([0, 0, random.randint(1, 40)])
    farthest = random.choice([None, nearest + random.randint(2, 50)])
    reach = 0 if farthest is None else max(0, first_row - farthest + 1)
    return {
        "seed": random.randrange(1000),
        "total": total,
        "first_row": first_row,
        "first_key": random.choice([0, reach, random.randint(0, reach)]),
        "nearest": nearest,
        "farthest": farthest,
        "batch": random.randint(1, 2),
        "kv_heads": random.randint(1, 3),
        "groups": random.randint(1, 3),
        "dim": random.choice([4, 16]),
    }


@pytest.mark.parametrize("flash", [True, False])
def test_random_bands(monkeypatch, flash):
    if not flash:
        monkeypatch.setattr(kernels, "_HAS_CPU_FLASH", False)
        monkeypatch.setattr(kernels, "_MAX_SCORES", 300)
    random = rng(f"bands-{flash}")
    for _ in range(rounds(60)):
        case = random_case(random)
        try:
            check(case)
        except BaseException:
            save_failure("hirope-bands", json.dumps(case))
            raise


@pytest.mark.parametrize("path", sorted(FAILURES.glob("hirope-bands-*.txt")), ids=lambda path: path.name)
def test_bands_that_failed_once(path):
    check(json.loads(path.read_text()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision_merges_in_float32(dtype):
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, 70, 16).to(dtype) for _ in range(3))
    merged = Merged(query, value)
    for nearest, farthest in ((0, 30), (30, None)):
        add_band(merged, query, key, value, first_row=0, first_key=0, nearest=nearest, farthest=farthest, scale=0.25)
    assert merged.out.dtype == merged.lse.dtype == torch.float32
    seen = torch.ones(70, 70, dtype=torch.bool).tril()
    out, _ = dense(query.double(), key.double(), value.double(), seen, 0.25)
    assert (merged.out - out).abs().max() < (1e-5 if dtype == torch.float32 else 3e-2)


def test_values_may_be_wider_than_keys():
    torch.manual_seed(0)
    query, key, value = torch.randn(1, 2, 9, 8), torch.randn(1, 2, 9, 8), torch.randn(1, 2, 9, 12)
    out, lse = kernels.block_attention(query, key, value, 0.5, causal=True)
    wanted, wanted_lse = dense(query, key, value, torch.ones(9, 9, dtype=torch.bool).tril(), 0.5)
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(lse, wanted_lse)


def test_no_square_score_tensor_is_made():
    """4,096 rows at once: a [T, T] float32 matrix would be 64 MB; what is allocated stays a small multiple of T."""
    total = 4096
    query, key, value = (torch.randn(1, 1, total, 16) for _ in range(3))
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        merged = Merged(query, value)
        add_band(merged, query, key, value, first_row=0, first_key=0, nearest=0, farthest=256, scale=0.25)
    largest = max(event.self_cpu_memory_usage for event in seen.key_averages())
    assert largest < 64 * total * 16 * 4  # 16 MB
