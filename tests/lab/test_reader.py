"""The reader against the stock model and slow twins: one pass over everything, nothing reused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lab.eval_parts import HIROPE, MENTIONING, ORDERED, PAPER, PLAIN, THREE, spoken_of
from model.tiny_models import TRAINED, save_model
from transformers import AutoModelForCausalLM

from hirope_ls.hirope import continued
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.lab.methods import Units
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import load
from hirope_ls.model.tokens import TextTokenizer

METHODS = pytest.mark.parametrize(
    "method", [PLAIN, HIROPE, ORDERED, THREE, PAPER, MENTIONING], ids=lambda method: method.name
)


def one_pass(loaded, method, prompt, ids, positions, asked):
    """Log-probabilities float32[n, vocabulary] of one unchunked pass without a cache; `ids` go on after `prompt`."""
    loaded.hirope.scheme = method.scheme
    pairs = spoken_of(prompt, ids, positions, asked)
    logits = loaded.hirope.forward(torch.from_numpy(ids.astype(np.int64))[None], positions, mentions=pairs)
    return logits[0].log_softmax(-1)


def two_files(texts, length):
    return Prompt.of(texts[0], 40, 40 + length // 2) + Prompt.of(texts[1], 0, length - length // 2)


def stock_nll(loaded, ids):
    """One pass of the model as transformers has it."""
    model = AutoModelForCausalLM.from_pretrained(loaded.card.folder, dtype=torch.float32)
    rows = torch.from_numpy(ids.astype(np.int64))[None]
    with torch.no_grad():
        likely = model(rows).logits[0, :-1].log_softmax(-1)
    return -likely.gather(1, rows[0, 1:, None])[:, 0].numpy()


@pytest.mark.parametrize("method", [PLAIN, HIROPE], ids=lambda method: method.name)
def test_short_prompts_are_the_stock_models(tiny, texts, method):
    prompt = Prompt.of(texts[0], 10, 10 + TRAINED)
    found = Reader(tiny, method).nll(prompt, TRAINED - 1)
    assert found.dtype == np.float64 and found.shape == (TRAINED - 1,)
    np.testing.assert_allclose(found, stock_nll(tiny, prompt.ids), atol=1e-4)


def test_long_prompts_without_a_hierarchy_are_the_stock_models(tiny, texts):
    prompt = two_files(texts, 1400)  # three chunks
    np.testing.assert_allclose(Reader(tiny, PLAIN).nll(prompt, 700), stock_nll(tiny, prompt.ids)[-700:], atol=1e-3)


@METHODS
@pytest.mark.parametrize(("length", "scored"), [(50, 49), (640, 600)])
def test_chunks_make_no_difference(tiny, texts, method, length, scored):
    prompt = two_files(texts, length)
    likely = one_pass(tiny, method, prompt, prompt.ids, prompt.positions(method.units), length - scored - 1)[:-1]
    wanted = -likely.gather(1, torch.from_numpy(prompt.ids.astype(np.int64))[1:, None])[:, 0]
    nll, best = Reader(tiny, method).best(prompt, scored)
    np.testing.assert_allclose(nll, wanted[-scored:], atol=1e-3)
    assert best.tolist() == (likely.argmax(-1).numpy() == prompt.ids[1:])[-scored:].tolist()


def test_methods_differ_past_the_trained_length_and_take_turns(tiny, texts):
    prompt = two_files(texts, 300)
    readers = [Reader(tiny, method) for method in (PLAIN, HIROPE, PAPER)]
    first = [reader.nll(prompt, 20).sum() for reader in readers]
    assert len({round(value, 3) for value in first}) == 3
    assert [reader.nll(prompt, 20).sum() for reader in readers] == first


def test_what_has_nothing_before_it_cannot_be_scored(tiny, texts):
    for scored in (0, 10):
        with pytest.raises(ValueError, match="cannot be scored"):
            Reader(tiny, PLAIN).nll(Prompt.of(texts[0], 0, 10), scored)


@METHODS
@pytest.mark.parametrize("length", [1, 40, 530])
def test_continuations_are_scored_as_in_fresh_prompts(tiny, texts, method, length):
    prompt = two_files(texts, length)
    rng = np.random.default_rng(3)
    options = [rng.integers(5, 250, size, dtype=np.int32) for size in (3, 7, 1, 7)] + [np.empty(0, np.int32)]
    found = Reader(tiny, method).continuations(prompt, options)
    positions = continued(prompt.positions(method.units), 7)
    for option, value in zip(options, found, strict=True):
        ids = np.concatenate((prompt.ids, option, np.full(7 - len(option), 9, np.int32)))
        likely = one_pass(tiny, method, prompt, ids, positions, length - 1)
        wanted = sum(float(likely[length - 1 + at, token]) for at, token in enumerate(option))
        assert value == pytest.approx(wanted, abs=2e-3)


@METHODS
@pytest.mark.parametrize(("units", "passes"), [(Units(), 1), (Units(longest=60, count=20), 3)])
def test_endings_are_scored_as_in_whole_prompts(tiny, tokenizer, texts, method, units, passes, monkeypatch):
    """Also where an ending makes small units be joined in another way, so that the prompt has to be read again."""
    method = replace(method, units=replace(units, levels=method.units.levels))
    lines = text_source("lines.py", "def f():\n    pass\n\n\n" * 12, tokenizer, TRAINED)
    prompt = Prompt.of(lines) + Prompt.of(lines, 0, 70)
    endings = [Prompt.of(lines, 80, 100), Prompt.of(lines, 70), Prompt.of(texts[1], 80, 81)]
    reader, read = Reader(tiny, method), []
    monkeypatch.setattr(reader, "_read", lambda *given: read.append(len(given[0])) or Reader._read(reader, *given))
    found = reader.endings(prompt, endings)
    assert len(set(read)) == 1 and read[0] == len(prompt) - 1
    for ending, (nll, best) in zip(endings, found, strict=True):
        whole = prompt + ending
        positions = continued(whole.positions(method.units), max(map(len, endings)) - len(ending))
        ids = np.concatenate((whole.ids, np.full(positions.shape[1] - len(whole), 9, np.int32)))
        likely = one_pass(tiny, method, whole, ids, positions, len(prompt) - 1)[len(prompt) - 1 : len(whole) - 1]
        wanted = -likely.gather(1, torch.from_numpy(ending.ids.astype(np.int64))[:, None])[:, 0]
        np.testing.assert_allclose(nll, wanted, atol=1e-3)
        assert best.tolist() == (likely.argmax(-1).numpy() == ending.ids).tolist()
    assert len(read) == passes


@METHODS
@pytest.mark.parametrize("length", [1, 58, 300])
def test_generated_text_is_that_of_whole_prompts(tiny, tokenizer, texts, method, length):
    prompt, most = two_files(texts, length), 8
    ids, positions = prompt.ids, continued(prompt.positions(method.units), most)
    for _ in range(most):
        padded = np.concatenate((ids, np.full(length + most - len(ids), 9, np.int32)))
        likely = one_pass(tiny, method, prompt, padded, positions, length - 1)[len(ids) - 1]
        ids = np.append(ids, np.int32(likely.argmax()))
        if not tokenizer.token_bytes(int(ids[-1])):
            break
    wanted = tokenizer.decode(ids[length:])
    reader = Reader(tiny, method)
    assert reader.generate(prompt, most, lambda _: False) == wanted
    told = []
    stopped = reader.generate(prompt, most, lambda text: told.append(text) or len(told) == 2)
    assert wanted.startswith(stopped) and told[-1] == stopped and len(told) <= 2


def test_a_control_token_ends_the_text(tiny, tokenizer, texts, monkeypatch):
    prompt, reader = two_files(texts, 100), Reader(tiny, PLAIN)
    whole = reader.generate(prompt, 5, lambda _: False)
    asked = []

    def second_is_a_control(token):
        asked.append(token)
        return b"" if len(asked) == 2 else tokenizer.token_bytes(token)

    monkeypatch.setattr(texts[0], "tokenizer", type("T", (), {"token_bytes": staticmethod(second_is_a_control)}))
    assert reader.generate(prompt, 5, lambda _: False) == tokenizer.token_bytes(asked[0])
    assert whole.startswith(tokenizer.token_bytes(asked[0])) and len(asked) == 2


def test_what_the_end_of_a_prompt_names_is_raised(tiny, tokenizer):
    names = ("first_thing", "other_thing", "last_thing")
    defined = "".join(f"def {name}(one, two):\n    return one\n\n\n" for name in names)
    text = defined + "x = 1\n" * 60 + "y = other_thing(3)\nz = last_thing(first_thing)\n"
    source = text_source("a.py", text, tokenizer, TRAINED)
    prompt = Prompt.of(source)
    assert [name for name, _ in prompt.definitions][:3] == list(names)
    starts = [0, *source.tokens.ends.tolist()]
    assert all(starts[token] <= text.index(f"{name}(") < starts[token + 1] for name, token in prompt.definitions[:3])
    spoken = spoken_of(prompt, prompt.ids, prompt.positions(Units()), len(prompt))
    assert len(set(spoken[1].tolist())) == 3
    raised, not_raised = (
        Reader(tiny, MENTIONING),
        Reader(tiny, replace(MENTIONING, scheme=replace(MENTIONING.scheme, mention_gain=0.0))),
    )
    assert abs(raised.nll(prompt, 10) - not_raised.nll(prompt, 10)).max() > 1e-3


def test_a_sliding_window_layer_is_cropped_rightly(tmp_path):
    loaded = load(read_card(save_model(tmp_path, "gemma3")), "cpu", "float32")
    source = text_source("a.py", "def f(a, b):\n    return a + b\n" * 9, TextTokenizer.load(tmp_path), TRAINED)
    reader, prompt = Reader(loaded, HIROPE), Prompt.of(source)
    options = [np.array([9, 30, 12, 40], np.int32), np.array([7], np.int32)]
    assert reader.continuations(prompt, options * 2) == pytest.approx(
        [reader.continuations(prompt, [options[0]])[0], reader.continuations(prompt, [options[1]])[0]] * 2, abs=1e-3
    )
