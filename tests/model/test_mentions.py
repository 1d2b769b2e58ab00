"""Mentions and the cache: no row is reused that was computed from others, and what is said is heard as it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import rng, rounds
from model.prompts import (
    NEVER,
    Document,
    Prompt,
    Told,
    a_prompt,
    ask,
    assert_same_rows,
    cut,
    failing,
    session_of,
    told,
)
from model.tiny_models import TRAINED, save_model

from hirope_ls.hirope import Scheme
from hirope_ls.model import session
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Limits, Mentions
from hirope_ls.model.loader import Loaded, load

BUDGET = 64 << 20
NEAR = 40  # tokens before the cursor that may mention something


def with_gain(folder: Path, gain: float = 3.0) -> Loaded:
    loaded = load(read_card(folder), "cpu")
    loaded.hirope.scheme = replace(Scheme.default(TRAINED), mention_gain=gain)
    return loaded


@pytest.fixture(scope="module")
def loaded(llama: Path) -> Loaded:
    return with_gain(llama)


def spoken(before: int, id: int, unit: int, salt: int) -> list[int]:
    """Up to two of the units before a token's own: by its id and the one before, as a word ends in a token."""
    return sorted({id % unit, (7 * before + id) % unit}) if unit and (before + id + salt) % 3 else []


def heard(prompt: Prompt, salt: int = 0) -> Mentions:
    """What the tokens near the end of a prompt mention. Another salt: what they mean was defined elsewhere."""
    ids, units = prompt[0].tolist(), prompt[1][0].tolist()
    first = max(1, (len(ids) - NEAR) // 16 * 16)
    near = range(first, len(ids))
    pairs = [(token, unit) for token in near for unit in spoken(ids[token - 1], ids[token], units[token], salt)]

    def of(said: Sequence[int]) -> Sequence[int]:
        before = [ids[-1], *said][-2]
        return spoken(before, said[-1], units[-1], salt)

    return Mentions(np.array(pairs, np.int32).reshape(-1, 2).T, of)


def by_whole_passes(loaded: Loaded, prompt: Prompt, mentions: Mentions, new: int) -> tuple[list[int], list[float]]:
    """What is generated without any cache: the whole text with all its mentions again for each token."""
    ids, (units, index) = prompt[0].tolist(), prompt[1].tolist()
    pairs: list[tuple[int, int]] = [(token, unit) for token, unit in mentions.pairs.T.tolist()]
    said: list[int] = []
    logprobs: list[float] = []
    for _ in range(new):
        given = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T
        logits = loaded.hirope.forward(torch.tensor([ids]), torch.tensor([units, index]), mentions=given)
        best = int(logits[0, -1].argmax())
        logprobs.append(float(logits[0, -1].log_softmax(-1)[best]))
        said.append(best)
        pairs += [(len(ids), unit) for unit in mentions.of(said)]
        ids, units, index = [*ids, best], [*units, units[-1]], [*index, index[-1] + 1]
    return said, logprobs


def follow(
    warm: LocalModel, cold: LocalModel, name: str, steps: int, size: int
) -> list[tuple[Prompt, Mentions, Told, Told]]:
    """Random edits, each completed warm and cold, with mentions that change with the text, the cursor and at whim."""
    random = rng(name)
    document, salt = Document(random, 300, size), 0
    said: list[int] = []
    answers = []
    for _ in range(steps):
        document.step(said)
        salt += random.random() < 0.2
        prompt = document.prompt()
        mentions = heard(prompt, salt)
        answer = ask(warm, "file", prompt, 4, mentions)
        cold.drop("file")
        answers.append((prompt, mentions, answer, ask(cold, "file", prompt, 4, mentions)))
        assert_same_rows(session_of(warm, "file"), session_of(cold, "file"))
        said = answer.ids
    return answers


@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_cached_is_cold_is_whole_passes(family: str, tmp_path: Path) -> None:
    loaded = with_gain(save_model(tmp_path, family))
    warm, cold = LocalModel(loaded, BUDGET, chunk=24), LocalModel(loaded, BUDGET)
    answers = follow(warm, cold, f"mentions, {family}", rounds(18), 4 * TRAINED)
    for step, (prompt, mentions, answer, expected) in enumerate(answers):
        where = f"step {step}, {len(prompt[0])} tokens, {answer.prefilled.reused} reused"
        assert answer.ids == expected.ids, where
        assert answer.logprobs == pytest.approx(expected.logprobs, abs=2e-3), where
        ids, logprobs = by_whole_passes(loaded, prompt, mentions, 4)
        assert answer.ids == ids and answer.logprobs == pytest.approx(logprobs, abs=2e-3), where
    assert sum(answer.prefilled.reused for _, _, answer, _ in answers) > 0
    silent = [ask(cold, "silent", prompt, 1).logprobs[0] - answer.logprobs[0] for prompt, _, answer, _ in answers]
    assert np.abs(silent).max() > 0.02, "mentions change nothing"


def test_row_by_row_cached_is_cold_to_the_bit(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without lines that come back: their keys are turned anew, many at once, which may differ in the last bit."""
    monkeypatch.setattr(session, "WORTH", 1 << 30)
    warm, cold = LocalModel(loaded, BUDGET, chunk=1), LocalModel(loaded, BUDGET, chunk=1)
    for _, _, answer, expected in follow(warm, cold, "mentions, to the bit", rounds(8), 2 * TRAINED):
        assert (answer.ids, answer.logprobs) == (expected.ids, expected.logprobs)
        mine, theirs = session_of(warm, "file"), session_of(cold, "file")
        for a, b in zip(mine.cache.layers, theirs.cache.layers, strict=True):
            rows = min(mine.length, theirs.length)
            assert torch.equal(a.keys[:, :, :rows], b.keys[:, :, :rows])


def test_typing_what_was_suggested_costs_one_row(loaded: Loaded) -> None:
    prompt = a_prompt(3 * TRAINED)
    mentions = heard(prompt)
    first = ask(LocalModel(loaded, BUDGET), "file", prompt, 6, mentions)
    said = [mentions.of(first.ids[: n + 1]) for n in range(6)]
    assert sum(map(len, said)) > 3, "what is said mentions nothing"
    ids, positions = prompt
    for n in range(1, 7):
        last = positions[:, -1:] + np.array([[0] * n, range(1, n + 1)], np.int32)
        grown = np.append(ids, np.array(first.ids[:n], np.int32)), np.append(positions, last, axis=1)
        pairs = [(len(ids) + k, unit) for k in range(n) for unit in said[k]]
        more = np.append(mentions.pairs, np.array(pairs, np.int32).reshape(-1, 2).T, axis=1)
        typed = first.ids[:n]
        of = Mentions(more, lambda told, typed=typed: mentions.of([*typed, *told]))  # type: ignore[misc]
        model = LocalModel(loaded, BUDGET)
        ask(model, "file", prompt, 6, mentions)
        answer = ask(model, "file", grown, 6 - n, of)
        assert answer.prefilled.prefilled == 1
        assert answer.ids == first.ids[n:]


def test_only_rows_from_the_first_other_mention_on_are_computed(loaded: Loaded) -> None:
    model, prompt = LocalModel(loaded, BUDGET), a_prompt(150)
    mentions = heard(prompt)
    ask(model, "file", prompt, 2, mentions)
    assert ask(model, "file", prompt, 2, mentions).prefilled.prefilled == 1
    less = Mentions(mentions.pairs[:, 5:], mentions.of)
    assert ask(model, "file", prompt, 2, less).prefilled.reused == mentions.pairs[0, 0]
    context = model.warm("file", *prompt, NEVER)
    assert context.reused == less.pairs[0, 0] and context.prefilled == 150 - context.reused
    assert model.warm("file", *cut(prompt, 100), NEVER).prefilled == 0


@pytest.mark.parametrize("after", [2, 14])  # in the prefill, in the decode
def test_out_of_memory_once(loaded: Loaded, after: int) -> None:
    prompt = a_prompt(100)
    mentions = heard(prompt)
    expected = ask(LocalModel(loaded, BUDGET), "file", prompt, 12, mentions).ids
    assert expected != ask(LocalModel(loaded, BUDGET), "file", prompt, 12).ids
    model = LocalModel(loaded, BUDGET, chunk=16)
    with failing(loaded, MemoryError(), after, times=1):
        assert ask(model, "file", prompt, 12, mentions).ids == expected
    assert ask(model, "file", prompt, 12, mentions).prefilled.prefilled == 1


def test_a_generation_that_was_paused_goes_on_as_if_it_was_not(loaded: Loaded) -> None:
    model, prompt = LocalModel(loaded, BUDGET), a_prompt(100)
    mentions = heard(prompt)
    expected = ask(model, "other", prompt, 6, mentions)
    paused = model.generate("file", *prompt, Limits(6), NEVER, mentions)
    events = [next(paused), next(paused), next(paused)]
    ask(model, "third", prompt, 3, heard(prompt, salt=1))
    assert told(iter([*events, *paused])).ids == expected.ids


def test_scores(loaded: Loaded) -> None:
    ids, positions = a_prompt(3 * TRAINED)
    mentions = heard((ids, positions))
    given = torch.tensor(mentions.pairs)
    logits = loaded.hirope.forward(torch.tensor(ids).long()[None], torch.tensor(positions), mentions=given)[0]
    expected = logits.log_softmax(-1)[torch.arange(len(ids) - 1), torch.tensor(ids[1:]).long()].numpy()
    model = LocalModel(loaded, BUDGET, chunk=16)
    np.testing.assert_allclose(model.score(ids, positions, mentions), expected, atol=2e-3)
    assert np.abs(model.score(ids, positions) - expected).max() > 0.01


def test_without_a_gain_mentions_cost_nothing(llama: Path) -> None:
    model, prompt = LocalModel(with_gain(llama, 0.0), BUDGET), a_prompt(150)

    def never(said: Sequence[int]) -> Sequence[int]:
        raise AssertionError("asked")

    first = ask(model, "file", prompt, 4)
    again = ask(model, "file", prompt, 4, Mentions(heard(prompt).pairs, never))
    assert again.ids == first.ids and again.prefilled.prefilled == 1


@pytest.mark.parametrize("pairs", [[1, 2], [[1]], [[5, 4], [0, 0]], [[10], [0]], [[-1], [0]], [[3], [-1]]])
def test_what_are_no_mentions(loaded: Loaded, pairs: list[object]) -> None:
    wrong = Mentions(np.array(pairs, np.int32), lambda said: ())
    with pytest.raises(ValueError, match="mentions"):
        LocalModel(loaded, BUDGET).generate("file", *a_prompt(10), Limits(1), NEVER, wrong)
