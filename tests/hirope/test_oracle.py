"""Whole models on long prompts: the fast attention against the dense oracle in every layer."""

import pytest
import torch
from hirope.tiny import ALL, ORDERED, TRAINED, pieces, run_patched, token_ids, unit_positions
from transformers import AttentionInterface, DynamicCache

from hirope_ls.hirope import Scheme, attention, patch
from hirope_ls.hirope.reference import reference_attention

TOTAL = 3 * TRAINED


def oracle_logits(patched, family, ids, positions):
    """Logits of one whole pass with the oracle in the place of our attention."""

    def dense(module, query, key, value, attention_mask, scaling=None, **_):
        layer = module.layer_idx
        out = reference_attention(
            query,
            key,
            value,
            positions=positions,
            scheme=patched.scheme,
            rope=family.rope(layer),
            scale=scaling,
            sliding=family.sliding.get(layer),
        )
        return out.transpose(1, 2).contiguous(), None

    AttentionInterface.register(attention.NAME, dense)
    try:
        return patched.forward(ids, positions)
    finally:
        AttentionInterface.register(attention.NAME, attention.hirope_attention)


SCHEMES = {
    "default": Scheme.default(TRAINED),
    "paper": Scheme.paper(TRAINED, window=10),
    "running": Scheme(TRAINED, 12, split=3, far="running", row_switch=False),
    "ordered": ORDERED,
    "damped": Scheme(TRAINED, TRAINED // 2, far_damping=0.7),
}


@pytest.mark.parametrize("name", ALL)
def test_long_prompts_equal_the_oracle(name):
    family = ALL[name]
    patched = patch(family.make())
    assert patched.sliding_layers == family.sliding
    ids, positions = token_ids(TOTAL, batch=2), unit_positions(TOTAL)
    plain_scheme = Scheme.plain(TRAINED)
    for scheme in SCHEMES.values():
        patched.scheme = scheme
        wanted = oracle_logits(patched, family, ids, positions)
        # The stock tables hold float32 angles, hence the slack; Cohere turns heads in float32 as well.
        slack = 5e-4
        for chunks in (pieces(TOTAL), pieces(TOTAL, 5, 50, 51, 52, 100)):
            cache = DynamicCache()
            got = torch.cat(
                [patched.forward(ids[:, a:b], positions, cache) for a, b in chunks], dim=1
            )  # all positions at once: with row_switch=False the prompt's length must be known
            assert (got - wanted).abs().max() < slack, (scheme, chunks)
    if set(range(2)) - set(family.sliding) - family.no_rope:
        patched.scheme = plain_scheme
        plain = patched.forward(ids, positions)
        assert (wanted - plain).abs().max() > 20 * slack  # the comparison would show a wrong scheme


@pytest.mark.parametrize("name", ["llama", "gemma3", "smollm3"])
def test_chunks_do_not_matter(name):
    patched = patch(ALL[name].make())
    ids, positions = token_ids(TOTAL), unit_positions(TOTAL)
    whole = run_patched(patched, ids, positions, pieces(TOTAL), DynamicCache())
    for cuts in ((1,), (TRAINED,), (TRAINED - 1, TRAINED + 1), range(TRAINED - 3, TRAINED + 9), (TOTAL - 1,)):
        parts = run_patched(patched, ids, positions, pieces(TOTAL, *cuts), DynamicCache())
        torch.testing.assert_close(parts, whole, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["llama", "gpt_neox"])
def test_three_levels(name):
    family = ALL[name]
    patched = patch(family.make(), ORDERED)
    ids = token_ids(TOTAL)
    units = unit_positions(TOTAL)
    positions = torch.cat([units[:1] // 3, units])
    wanted = oracle_logits(patched, family, ids, positions)
    assert (patched.forward(ids, positions) - wanted).abs().max() < 5e-4
    assert (patched.forward(ids, units) - wanted).abs().max() > 1e-3


def test_bfloat16_stays_near():
    exact, rough = patch(ALL["llama"].make()), patch(ALL["llama"].make(dtype=torch.bfloat16))
    ids, positions = token_ids(TOTAL), unit_positions(TOTAL)
    error = (exact.forward(ids, positions) - rough.forward(ids, positions)).abs().max()
    assert error < 0.1
