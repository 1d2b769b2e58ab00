"""Patching and its undoing: who is refused, who is left alone, what the library user calls."""

import copy

import pytest
import torch
import transformers as hf
from hirope.tiny import ALL, GROUPED, ORDERED, SIZES, TRAINED, pieces, run_patched, run_stock, token_ids, unit_positions
from torch import nn
from transformers import DynamicCache
from transformers.models.llama import modeling_llama

import hirope_ls.hirope as public
from hirope_ls.hirope import HiRoPE, Scheme, Unsupported, continued, one_unit, patch
from hirope_ls.problems import ModelRefused

LONG = 2 * TRAINED


def test_public_names():
    assert sorted(public.__all__) == [
        "HiRoPE",
        "Scheme",
        "Stretch",
        "Support",
        "Unsupported",
        "as_positions",
        "continued",
        "natural_split",
        "one_unit",
        "patch",
        "rivals",
        "support",
        "trained_length",
    ]


def test_library_use():
    model = ALL["llama"].make()
    hirope = patch(model)
    assert isinstance(hirope, HiRoPE) and hirope.model is model and hirope.trained_length == TRAINED
    assert hirope.scheme == Scheme.default(TRAINED)
    logits = hirope.forward(torch.tensor([[2, 3, 4, 5, 6]]), [[0, 0, 0, 1, 1], [0, 1, 2, 0, 1]])
    assert logits.shape == (1, 5, 97)
    assert not logits.requires_grad


@pytest.mark.parametrize("name", ["llama", "gpt_neox", "gemma3"])
def test_last_only(name):
    hirope = patch(ALL[name].make())
    ids, positions = token_ids(LONG), unit_positions(LONG)
    every = hirope.forward(ids, positions)
    last = hirope.forward(ids, positions, last_only=True)
    assert last.shape == (1, 1, 97)
    torch.testing.assert_close(last, every[:, -1:], rtol=0, atol=1e-12)


def test_a_window_longer_than_the_trained_length_is_none():
    """Long Phi-3: trained for 4096 tokens in the form used here, with a window of 262144 in every layer."""
    settings = {"sliding_window": TRAINED + 9, "hirope": {"trained_length": TRAINED}}
    hirope, twin = (patch(ALL["mistral"].make(**settings | more)) for more in ({}, {"sliding_window": None}))
    assert hirope.sliding_layers == {} and patch(ALL["mistral"].make()).sliding_layers == {0: 20, 1: 20}
    ids, positions = token_ids(LONG), unit_positions(LONG)
    assert torch.equal(hirope.forward(ids, positions), twin.forward(ids, positions))
    dropping = DynamicCache(config=hirope.model.config)
    hirope.forward(ids[:, : TRAINED + 9], positions, dropping)
    with pytest.raises(ValueError, match="plain DynamicCache"):
        hirope.forward(ids[:, TRAINED + 9 :], positions, dropping)


def refusal(model):
    before = list(model.named_modules())
    with pytest.raises(Unsupported) as caught:
        patch(model)
    assert "\n" not in str(caught.value) and isinstance(caught.value, ModelRefused)
    assert [name for name, _ in before] == [name for name, _ in model.named_modules()]  # left as it was
    assert model.config._attn_implementation == "sdpa"
    return str(caught.value)


def test_patch_refuses_what_the_configuration_refuses():
    model = hf.GPT2LMHeadModel(hf.GPT2Config(n_layer=1, n_embd=16, n_head=2))
    assert "gpt2 models are not supported" in refusal(model)


def test_patch_refuses_layers_that_it_does_not_understand(monkeypatch):
    """A model that changes queries after they were turned passes the configuration, not the probe."""
    turn = modeling_llama.apply_rotary_pos_emb
    model = ALL["llama"].make()
    attention = model.model.layers[1].self_attn
    forward = type(attention).forward

    def crooked(self, *args, **kwargs):
        def odd(q, k, cos, sin):
            q, k = turn(q, k, cos, sin)
            return (q * torch.linspace(0.5, 2.0, q.shape[-1]), k) if self is attention else (q, k)

        monkeypatch.setitem(forward.__globals__, "apply_rotary_pos_emb", odd)
        try:
            return forward(self, *args, **kwargs)
        finally:
            monkeypatch.setitem(forward.__globals__, "apply_rotary_pos_emb", turn)

    monkeypatch.setattr(type(attention), "forward", crooked)
    assert "in its own way in layer 1" in refusal(model)


def test_patch_refuses_attention_that_bypasses_the_interface():
    class Own(nn.Module):
        def forward(self, hidden_states, **_):
            return hidden_states, None

    model = ALL["llama"].make()
    model.model.layers[0].self_attn = Own()
    assert "sends 1 of 2 layers through the attention interface" in refusal(model)


def test_patch_refuses_layers_that_run_more_than_once():
    model = ALL["llama"].make()
    model.model.layers[1] = model.model.layers[0]
    assert "more than once" in refusal(model)


def test_patch_refuses_rotary_modules_that_go_by_no_buffer():
    experts = {"num_local_experts": 2, "num_experts_per_tok": 2}
    model = hf.PhimoeForCausalLM(hf.PhimoeConfig(**SIZES, **GROUPED, **experts))
    assert "PhimoeRotaryEmbedding computes its frequencies anew" in refusal(model)


def test_patch_refuses_models_without_rotation():
    assert "no layer with rotary positions" in refusal(ALL["smollm3"].make(no_rope_layers=[0, 0]))


def test_a_patched_model_is_not_patched_again():
    model = ALL["llama"].make()
    patch(model)
    with pytest.raises(ValueError, match="patched already"):
        patch(model)


def test_unpatch_restores():
    model, stock = ALL["gemma3"].make(), ALL["gemma3"].make()
    config, rotary = model.config, model.model.rotary_emb
    hirope = patch(model)
    ids, positions = token_ids(LONG), unit_positions(LONG)
    long = hirope.forward(ids, positions)
    hirope.unpatch()
    hirope.unpatch()
    assert model.config is config and model.model.config is config and model.model.rotary_emb is rotary
    assert config._attn_implementation == "sdpa"
    wanted = run_stock(stock, ids, [(0, LONG)], DynamicCache())
    assert torch.equal(run_stock(model, ids, [(0, LONG)], DynamicCache()), wanted)
    with pytest.raises(RuntimeError, match="not patched"):
        hirope.forward(ids, positions)
    assert torch.equal(patch(model).forward(ids, positions), long)


def test_weights_are_not_copied():
    model = ALL["llama"].make()
    before = {name: weight.data_ptr() for name, weight in model.named_parameters()}
    patch(model)
    assert {name: weight.data_ptr() for name, weight in model.named_parameters()} == before
    assert set(model.state_dict()) == set(ALL["llama"].make().state_dict())


def test_models_share_nothing():
    """Two patched models with different positions and a stock one, all made from one configuration object."""
    config = hf.LlamaConfig(**SIZES, **GROUPED)
    models = []
    for _ in range(3):
        torch.manual_seed(0)
        models.append(hf.LlamaForCausalLM(config).double().eval())
    stock, (one, other) = models[0], (patch(model, ORDERED) for model in models[1:])
    alone = patch(copy.deepcopy(stock), ORDERED)
    ids, flat, units = token_ids(LONG), one_unit(LONG), unit_positions(LONG, 3)
    wanted_flat, wanted_units = alone.forward(ids, flat), alone.forward(ids, units)
    assert not torch.equal(wanted_flat, wanted_units)
    caches = [DynamicCache(), DynamicCache()]
    got = [[], []]
    for start, stop in pieces(LONG, 20, 60):  # by turns
        for index, (hirope, positions) in enumerate(((one, flat), (other, units))):
            got[index].append(hirope.forward(ids[:, start:stop], positions[:, :stop], caches[index]))
    torch.testing.assert_close(torch.cat(got[0], 1), wanted_flat, rtol=0, atol=1e-9)
    torch.testing.assert_close(torch.cat(got[1], 1), wanted_units, rtol=0, atol=1e-9)
    assert stock.config is config and config._attn_implementation == "sdpa"
    one.unpatch()
    assert torch.equal(one.model(ids).logits, stock(ids).logits)
    torch.testing.assert_close(other.forward(ids, units), wanted_units, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma3"])
def test_generate_inside_using(name):
    hirope = patch(ALL[name].make())
    prompt, count = token_ids(TRAINED + 10), 12
    positions = continued(unit_positions(TRAINED + 10), count)
    with hirope.using(positions):
        made = hirope.model.generate(prompt, max_new_tokens=count, min_new_tokens=count, do_sample=False)
    assert made.shape == (1, TRAINED + 10 + count)
    logits = run_patched(hirope, made, positions, pieces(made.shape[1]), DynamicCache())
    logits[:, :, 1] = float("-inf")  # min_new_tokens keeps the end token out
    assert torch.equal(logits[:, TRAINED + 9 : -1].argmax(-1), made[:, TRAINED + 10 :])


def test_generate_beyond_the_positions_is_an_error():
    hirope = patch(ALL["llama"].make())
    prompt = token_ids(TRAINED + 3)
    with hirope.using(one_unit(TRAINED + 3)), pytest.raises(ValueError, match="positions cover 51 tokens"):
        hirope.model.generate(prompt, max_new_tokens=4, min_new_tokens=4, do_sample=False)


def test_using_is_left_behind():
    hirope = patch(ALL["llama"].make(), ORDERED)
    ids = token_ids(LONG)
    with hirope.using(unit_positions(LONG)):
        outer = hirope.model(ids).logits
        with hirope.using(one_unit(LONG)):
            inner = hirope.model(ids).logits
        assert torch.equal(hirope.model(ids).logits, outer) and not torch.equal(inner, outer)
    with pytest.raises(ValueError, match="give positions"):
        hirope.model(ids)
    hirope.model(ids[:, :TRAINED])  # short prompts need none


def test_positions_too_few_say_so_before_the_cache_is_touched():
    hirope, cache = patch(ALL["llama"].make()), DynamicCache()
    hirope.forward(token_ids(10), one_unit(10), cache)
    with pytest.raises(ValueError, match="positions cover 12 tokens, but the model sees 15"):
        hirope.forward(token_ids(5), one_unit(12), cache)
    with pytest.raises(ValueError, match="levels >= 2"):
        hirope.forward(token_ids(5), torch.arange(15)[None], cache)
    assert cache.get_seq_length() == 10


def test_padding_and_masks_are_refused():
    hirope = patch(ALL["llama"].make())
    ids = token_ids(8, batch=2)
    padded = torch.ones(2, 8, dtype=torch.int64)
    with hirope.using(one_unit(8)):
        assert hirope.model(ids, attention_mask=padded).logits.shape == (2, 8, 97)
        padded[0, 0] = 0
        with pytest.raises(ValueError, match="no padding"):
            hirope.model(ids, attention_mask=padded)
        with pytest.raises(ValueError, match="no attention mask"):
            hirope.model(ids, attention_mask=torch.ones(2, 1, 8, 8, dtype=torch.bool))


def test_schemes_may_be_exchanged_over_a_full_cache():
    """Keys are cached unrotated, so a cache serves any scheme: only the rows run since are another's."""
    hirope, other = patch(ALL["llama"].make()), patch(ALL["llama"].make())
    ids, positions, cache, twin = token_ids(TRAINED + 1), unit_positions(TRAINED + 1), DynamicCache(), DynamicCache()
    hirope.forward(ids[:, :-1], positions, cache)
    other.scheme = Scheme(TRAINED, 8, far="running")
    other.forward(ids[:, :-1], positions, twin)
    hirope.scheme = other.scheme
    got = hirope.forward(ids[:, -1:], positions, cache)
    assert torch.equal(got, other.forward(ids[:, -1:], positions, twin))


def test_tables_made_in_inference_mode_serve_later():
    hirope = patch(ALL["llama"].make())
    ids, positions = token_ids(LONG), unit_positions(LONG)
    with torch.inference_mode():
        first = hirope.forward(ids, positions)
    assert torch.equal(hirope.forward(ids, positions), first)
    with hirope.using(positions):
        hirope.model(ids[:, :TRAINED]).logits.sum().backward()


def test_another_dtype_after_patching():
    hirope = patch(ALL["llama"].make(dtype=torch.float32))
    ids, positions = token_ids(LONG), unit_positions(LONG)
    assert hirope.forward(ids, positions).dtype == torch.float32
    hirope.model.double()
    wanted = patch(ALL["llama"].make(dtype=torch.float32).double()).forward(ids, positions)
    assert torch.equal(hirope.forward(ids, positions), wanted)
