"""Units that the near text mentions weigh more: against the dense oracle, chunked and cached as whole."""

import pytest
import torch
from hirope.tiny import ALL, TRAINED, pieces, token_ids, unit_positions
from transformers import AttentionInterface, DynamicCache

from hirope_ls.hirope import Scheme, attention, patch
from hirope_ls.hirope.mentions import as_mentions, raised
from hirope_ls.hirope.reference import reference_attention

TOTAL = 3 * TRAINED
SCHEME = Scheme(TRAINED, 20, far_damping=0.5, mention_gain=2.5)
MENTIONS = [[60, 100, 101, 101, 130, 143], [0, 2, 2, 5, 1, 12]]  # far, twice the same, two at once, not far at all


def oracle_logits(patched, family, ids, positions, mentions):
    def dense(module, query, key, value, attention_mask, scaling=None, **_):
        out = reference_attention(
            query,
            key,
            value,
            positions=positions,
            scheme=patched.scheme,
            rope=family.rope(module.layer_idx),
            scale=scaling,
            sliding=family.sliding.get(module.layer_idx),
            mentions=torch.tensor(mentions),
        )
        return out.transpose(1, 2).contiguous(), None

    AttentionInterface.register(attention.NAME, dense)
    try:
        return patched.forward(ids, positions)
    finally:
        AttentionInterface.register(attention.NAME, attention.hirope_attention)


@pytest.mark.parametrize("name", ["llama", "gemma3", "smollm3", "gpt_neox", "cohere", "glm"])
def test_mentions_equal_the_oracle_whole_and_chunked(name):
    family = ALL[name]
    patched = patch(family.make(), SCHEME)
    ids, positions = token_ids(TOTAL, batch=2), unit_positions(TOTAL)
    wanted = oracle_logits(patched, family, ids, positions, MENTIONS)
    for chunks in (pieces(TOTAL), pieces(TOTAL, 5, 50, 51, 52, 100, 102, 143)):
        cache = DynamicCache()
        got = torch.cat([patched.forward(ids[:, a:b], positions, cache, mentions=MENTIONS) for a, b in chunks], dim=1)
        assert (got - wanted).abs().max() < 5e-4, chunks
    without = patched.forward(ids, positions)
    assert torch.equal(without[:, :60], got[:, :60]) or (without[:, :60] - got[:, :60]).abs().max() < 1e-9
    assert (without[:, 60:] - got[:, 60:]).abs().max() > 1e-2  # the comparison would show that nothing is raised


def test_mentions_that_come_later_change_no_row_before_them():
    patched = patch(ALL["llama"].make(), SCHEME)
    ids, positions = token_ids(TOTAL), unit_positions(TOTAL)
    early = [row[:2] for row in MENTIONS]
    one, both = (patched.forward(ids, positions, mentions=which) for which in (early, MENTIONS))
    torch.testing.assert_close(one[:, :101], both[:, :101], rtol=0, atol=1e-12)
    assert (one[:, 101] - both[:, 101]).abs().max() > 1e-3


def test_a_scheme_without_gain_does_not_look_at_mentions():
    patched = patch(ALL["llama"].make(), Scheme(TRAINED, 20))
    ids, positions = token_ids(TOTAL), unit_positions(TOTAL)
    assert torch.equal(patched.forward(ids, positions, mentions=MENTIONS), patched.forward(ids, positions))


def test_mentions_in_three_levels_and_in_generate():
    patched = patch(ALL["llama"].make(), SCHEME)
    ids, units = token_ids(TOTAL), unit_positions(TOTAL)
    three = torch.cat([torch.zeros_like(units[:1]), units])
    assert not torch.equal(patched.forward(ids, three, mentions=MENTIONS), patched.forward(ids, three))
    with patched.using(units, MENTIONS):
        inside = patched.model(ids).logits
    torch.testing.assert_close(inside, patched.forward(ids, units, mentions=MENTIONS), rtol=0, atol=1e-12)
    assert patched._mentions is None


def test_raised_is_what_it_says_row_by_row():
    generator = torch.Generator().manual_seed(3)
    units, window, first, stop = torch.arange(70) // 9, 12, 65, 90
    mentions = torch.stack([torch.randint(40, 95, (30,), generator=generator), torch.randint(0, 9, (30,))])
    found = raised(mentions, units[: stop - window], first, stop, window)
    full = torch.zeros(stop - first, 70, dtype=torch.bool)
    full[:, found.keys] = found.seen
    for row in range(first, stop):
        spoken = {int(u) for t, u in mentions.T if t <= row < t + window}
        wanted = [int(units[key]) in spoken and row - key >= window for key in range(70)]
        assert full[row - first].tolist() == wanted


def test_nothing_is_raised_where_nothing_far_is_mentioned():
    units = torch.arange(70) // 9
    assert raised(torch.tensor([[66], [9]]), units[:60], 65, 72, 12) is None  # a unit that is not there
    assert raised(torch.tensor([[20], [1]]), units[:60], 65, 72, 12) is None  # too long ago


@pytest.mark.parametrize("wrong", [[1, 2], [[1, 2]], [[1], [-1]]])
def test_what_are_no_mentions(wrong):
    with pytest.raises(ValueError):
        as_mentions(wrong)
    assert as_mentions(None) is None and as_mentions([[], []]) is None


def test_gains_that_make_no_sense():
    with pytest.raises(ValueError):
        Scheme(TRAINED, 20, mention_gain=-1.0)
    with pytest.raises(ValueError):
        Scheme(TRAINED, 20, sinks=4, far="cached", mention_gain=1.0)
