"""Each rival against dense attention written from its paper: a T x T matrix of distances, or changed frequencies.

Nothing of the package computes what is expected here: queries and keys are taken as complex numbers, and each pair of
tokens is turned by its own distance in float64.
"""

import math
from dataclasses import replace

import pytest
import torch
from hirope.tiny import ALL, TRAINED, pieces, run_patched, run_stock, token_ids, unit_positions
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AttentionInterface, DynamicCache

from hirope_ls.hirope import Scheme, Stretch, attention, patch, rivals
from hirope_ls.hirope.reference import reference_attention
from hirope_ls.model.slabs import LayerShape, SlabCache

TOTAL = 3 * TRAINED
FAMILIES = ["llama", "gpt_neox", "cohere", "glm", "gemma3", "smollm3"]
ROW, KEY = torch.arange(TOTAL)[:, None], torch.arange(TOTAL)[None, :]
CAUSAL = KEY <= ROW


class Rule:
    """What a rival does in a prompt of TOTAL tokens, as its paper has it.

    distance  [T, T], what all rotary pairs see of each other
    seen      bool [T, T]
    factors   [T], on the scores of each row
    changed   (inv_freq [pairs]) -> (inv_freq, growth of queries and keys)
    """

    def __init__(self, distance=ROW - KEY, seen=CAUSAL, factors=None, changed=lambda inv_freq: (inv_freq, 1.0)):
        self.distance, self.seen, self.changed = distance, seen, changed
        self.factors = torch.ones(TOTAL, dtype=torch.float64) if factors is None else factors


def past(value, ordinary):
    """Rows below the trained length stay as they are."""
    return torch.where(ROW >= TRAINED, value, ordinary)


def rerope(window, scaled):
    log = torch.arange(TOTAL, dtype=torch.float64).clamp_min(1.0).log() / math.log(TRAINED)
    return Rule(past((ROW - KEY).clamp_max(window), ROW - KEY), factors=log.clamp_min(1.0) if scaled else None)


def self_extend(window, group):
    grouped = ROW // group + (window - window // group) - KEY // group
    return Rule(past(torch.where(window > ROW - KEY, ROW - KEY, grouped), ROW - KEY))


def streaming(window, sinks):
    """The cache of each row written out: which keys it holds, each at its place in it."""
    distance, seen = ROW - KEY, CAUSAL.clone()
    for row in range(TRAINED, TOTAL):
        held = sorted({*range(min(sinks, row + 1)), *range(max(row - window + 1, 0), row + 1)})
        seen[row] = False
        for place, key in enumerate(held):
            seen[row, key] = True
            distance[row, key] = len(held) - 1 - place
    return Rule(distance, seen)


def frequencies(kind, factor):
    def changed(inv_freq):
        pairs = len(inv_freq)
        base = float(inv_freq[0] / inv_freq[1]) ** pairs  # theta_j = base^(-j / pairs)
        if kind == "pi":
            return inv_freq / factor, 1.0
        if kind == "ntk":
            dims = 2 * pairs
            larger = base * factor ** (dims / (dims - 2))
            return larger ** (-torch.arange(pairs, dtype=torch.float64) / pairs), 1.0
        # By parts; the turns are of pairs, so the ramp's ends are rounded outward to whole ones, as its code does.
        ends = [pairs * math.log(TRAINED / (turns * 2 * math.pi)) / math.log(base) for turns in (32, 1)]
        low, high = max(math.floor(ends[0]), 0), math.ceil(ends[1])
        parts = []
        for index, frequency in enumerate(inv_freq.tolist()):
            interpolated = min(max((index - low) / (high - low), 0.0), 1.0)
            parts.append((1 - interpolated) * frequency + interpolated * frequency / factor)
        return torch.tensor(parts, dtype=torch.float64), 0.1 * math.log(factor) + 1.0

    return Rule(changed=changed)


RIVALS = {
    "pi": (rivals.position_interpolation(TRAINED), frequencies("pi", 3.0)),
    "pi by 5": (rivals.position_interpolation(TRAINED, 5.0), frequencies("pi", 5.0)),
    "ntk": (rivals.ntk(TRAINED), frequencies("ntk", 3.0)),
    "ntk-dynamic": (rivals.ntk_dynamic(TRAINED), frequencies("ntk", 2 * 3.0 - 1)),
    "yarn": (rivals.yarn(TRAINED), frequencies("yarn", 3.0)),
    "rerope": (rivals.rerope(TRAINED), rerope(TRAINED // 2, True)),
    "rerope, unscaled": (rivals.rerope(TRAINED, 10, log_scaling=False), rerope(10, False)),
    "self-extend": (rivals.self_extend(TRAINED), self_extend(TRAINED // 2, 6)),
    "self-extend by 7": (rivals.self_extend(TRAINED, 13, 7), self_extend(13, 7)),
    "streaming": (rivals.streaming(TRAINED), streaming(TRAINED - 4, 4)),
    "streaming, narrow": (rivals.streaming(TRAINED, 9, 3), streaming(9, 3)),
    "window alone": (rivals.streaming(TRAINED, sinks=0), streaming(TRAINED - 1, 0)),
}
DISTANT = [name for name, (scheme, _) in RIVALS.items() if scheme.hierarchical]


def as_complex(heads, pairs, pairing):
    """[B, h, T, pairs] complex, and what is not rotated."""
    turned = heads[..., : 2 * pairs]
    real, imaginary = turned.chunk(2, -1) if pairing == "halves" else (turned[..., ::2], turned[..., 1::2])
    return torch.complex(real.contiguous(), imaginary.contiguous()), heads[..., 2 * pairs :]


def dense(rule, query, key, value, rope, scale, sliding):
    """[B, h, T, dv] float64, for whole prompts; sliding layers and such without rotation do what they always do."""
    groups = query.shape[1] // key.shape[1]
    query, key, value = (heads.double() for heads in (query, key, value))
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    if rope is None or sliding is not None:
        rule = Rule()
    seen = rule.seen if sliding is None else CAUSAL & (sliding > ROW - KEY)
    if rope is None:
        scores = query @ key.transpose(-1, -2)
    else:
        inv_freq, growth = rule.changed(rope.inv_freq.double())
        (query, query_rest), (key, key_rest) = (as_complex(x, len(inv_freq), rope.pairing) for x in (query, key))
        scores = query_rest @ key_rest.transpose(-1, -2)
        for pair, frequency in enumerate(inv_freq.tolist()):
            turn = torch.polar(torch.ones(TOTAL, TOTAL, dtype=torch.float64), frequency * rule.distance.double())
            product = query[..., pair, None] * key[..., pair].conj()[..., None, :]
            scores = scores + growth**2 * (product * turn).real
    scores = scores * scale * rule.factors[:, None]
    return scores.masked_fill(~seen, float("-inf")).softmax(-1) @ value


def dense_logits(patched, family, rule, ids, positions):
    def function(module, query, key, value, attention_mask, scaling=None, **_):
        layer = module.layer_idx
        out = dense(rule, query, key, value, family.rope(layer), scaling, family.sliding.get(layer))
        return out.transpose(1, 2).contiguous(), None

    AttentionInterface.register(attention.NAME, function)
    try:
        return patched.forward(ids, positions)
    finally:
        AttentionInterface.register(attention.NAME, attention.hirope_attention)


@pytest.mark.parametrize("family", FAMILIES)
def test_models_under_each_rival_equal_its_dense_formula(family):
    patched = patch(ALL[family].make())
    ids, positions = token_ids(TOTAL), unit_positions(TOTAL)
    stock = run_stock(ALL[family].make(), ids, [(0, TOTAL)], DynamicCache())
    slack = 5e-4  # the models' own tables hold float32 angles
    for name, (scheme, rule) in RIVALS.items():
        patched.scheme = scheme
        wanted = dense_logits(patched, ALL[family], rule, ids, positions)
        single = range(TOTAL - 3, TOTAL)  # the last ones row by row, as in decoding
        for chunks in (pieces(TOTAL), pieces(TOTAL, 5, 50, 51, 52, 100, *single)):
            cache = DynamicCache()
            got = torch.cat([patched.forward(ids[:, a:b], positions, cache) for a, b in chunks], dim=1)
            assert (got - wanted).abs().max() < slack, (name, chunks, (got - wanted).abs().max())
        assert (wanted[:, TRAINED:] - stock[:, TRAINED:]).abs().max() > 20 * slack, name  # a wrong one would show


@pytest.mark.parametrize("name", RIVALS)
def test_the_oracle_knows_every_rival(name):
    """The reference of the fuzz tests, against the same formulas, without the slack that float32 angles need."""
    scheme, rule = RIVALS[name]
    torch.manual_seed(0)
    query = torch.randn(2, 4, TOTAL, 16, dtype=torch.float64)
    key, value = torch.randn(2, 2, 2, TOTAL, 16, dtype=torch.float64)
    for family in ("llama", "glm", "gpt_neox"):
        rope = ALL[family].rope(1)
        given = {"positions": unit_positions(TOTAL), "scheme": scheme, "rope": rope, "scale": 0.5}
        for sliding in (None, 20):
            got = reference_attention(query, key, value, sliding=sliding, **given)
            wanted = dense(rule, query, key, value, rope, 0.5, sliding)
            torch.testing.assert_close(got, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_short_prompts_are_the_stock_models_under_each_rival(family):
    stock, patched = ALL[family].make(), patch(ALL[family].make())
    ids, positions = token_ids(TRAINED, batch=2), unit_positions(TRAINED)
    for chunks in (pieces(TRAINED), pieces(TRAINED, 7, 30, 31)):
        wanted = run_stock(stock, ids, chunks, DynamicCache())
        for name, (scheme, _) in RIVALS.items():
            patched.scheme = scheme
            assert torch.equal(run_patched(patched, ids, positions, chunks, DynamicCache()), wanted), name


def test_the_first_rows_are_stock_where_text_is_split_and_none_where_it_is_stretched():
    stock, patched = ALL["llama"].make(), patch(ALL["llama"].make())
    ids, positions = token_ids(TOTAL), unit_positions(TOTAL)
    wanted = run_stock(stock, ids[:, :TRAINED], [(0, TRAINED)], DynamicCache())
    for name, (scheme, _) in RIVALS.items():
        patched.scheme = scheme
        first = patched.forward(ids, positions)[:, :TRAINED]
        assert ((first - wanted).abs().max() < 1e-9) == (name in DISTANT), name
        assert (first[:, 1:] - wanted[:, 1:]).abs().amax(-1).gt(1e-6).all() == (name not in DISTANT), name


def test_all_rows_may_see_sinks_too():
    """Without the switch the cache of a narrow window fills up inside the trained length."""
    patched, ids, positions = patch(ALL["llama"].make()), token_ids(TOTAL), unit_positions(TOTAL)
    patched.scheme = replace(rivals.streaming(TRAINED, 9, 5), row_switch=False)
    distance, seen = ROW - KEY, CAUSAL & ((ROW - KEY < 9) | (KEY < 5))
    distance = torch.where(ROW - KEY >= 9, ROW.clamp_max(13) - KEY, distance)
    wanted = dense_logits(patched, ALL["llama"], Rule(distance, seen), ids, positions)
    for cuts in ((), (4, 10, 11, 12, 20), range(1, 20)):
        cache = DynamicCache()
        got = torch.cat([patched.forward(ids[:, a:b], positions, cache) for a, b in pieces(TOTAL, *cuts)], dim=1)
        assert (got - wanted).abs().max() < 5e-4, cuts


def test_defaults():
    assert rivals.rerope(512) == Scheme(512, 256, split=1 << 30, log_scaling=True)
    assert rivals.self_extend(512).window == 256
    assert (rivals.streaming(512).window, rivals.streaming(512).sinks) == (508, 4)
    assert rivals.yarn(512, 16.0) == replace(Scheme.plain(512), stretch=Stretch("yarn", 16.0))
    assert rivals.ntk_dynamic(512).stretch == Stretch("ntk-dynamic")


@pytest.mark.parametrize("window", [2, 100, 256, 500])
def test_the_group_is_the_smallest_that_keeps_distances_trained(window):
    scheme = rivals.self_extend(512, window)
    assert scheme.at(512).group == 1
    for total in (513, 700, 1024, 4096, 32 * 512):
        group = scheme.at(total).group
        farthest = lambda size: (total - 1) // size + window - window // size  # noqa: B023, E731
        assert farthest(group) < 512 and all(farthest(smaller) >= 512 for smaller in range(1, group))
    assert rivals.self_extend(512).at(32 * 512).group == 64
    fixed = rivals.self_extend(512, window, 8)
    assert fixed.at(4096) is fixed


def test_stretched_prompts_need_no_positions():
    """The prompt's length is then what has been seen, as the dynamic kind means it."""
    patched = patch(ALL["llama"].make())
    ids = token_ids(TOTAL)
    for name in ("pi", "ntk", "ntk-dynamic", "yarn"):
        patched.scheme = RIVALS[name][0]
        wanted = patched.forward(ids, unit_positions(TOTAL))
        with torch.no_grad():
            assert torch.equal(patched.model(ids).logits, wanted)


class Longest(TorchDispatchMode):
    """The longest side of any float tensor that something is computed from, or is the result; views cost nothing."""

    def __init__(self):
        super().__init__()
        self.length = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        aliases = [returned.alias_info for returned in func._schema.returns]
        if not all(alias is not None and not alias.is_write for alias in aliases):
            for leaf in tree_leaves((args, kwargs, out)):
                if isinstance(leaf, torch.Tensor) and leaf.is_floating_point() and leaf.ndim:
                    self.length = max(self.length, *leaf.shape)
        return out


@pytest.mark.parametrize("name", ["streaming", "self-extend"])
def test_sinks_cost_no_work_over_all_keys(name):
    """Far into a prompt, a chunk and a step look at window, sinks and rows alone; other methods look at all keys."""
    patched, total = patch(ALL["llama"].make()), 30 * TRAINED
    patched.scheme = RIVALS[name][0]
    shapes = (LayerShape(2, 16, 16), LayerShape(2, 16, 16))
    cache = SlabCache(shapes, torch.float64, torch.device("cpu"))
    cache.grow(total)
    ids, positions = token_ids(total), unit_positions(total)
    patched.forward(ids[:, : total - 21], positions, cache)
    for start, stop in ((total - 21, total - 1), (total - 1, total)):
        with Longest() as seen:
            patched.forward(ids[:, start:stop], positions, cache)
        tables = 256 + TRAINED + 21  # made ahead
        assert seen.length <= tables if name == "streaming" else seen.length >= total - TRAINED // 2 - 21
