"""Drawn tokens: by the model's probabilities, the same for the same seed, whatever they were computed with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from fuzz import rng, rounds
from model.prompts import NEVER, a_prompt, told

from hirope_ls.model.choice import drawn
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Limits, Sampling
from hirope_ls.model.loader import load

BUDGET = 64 << 20


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.5, 1.0), (1.0, 0.7)])
def test_tokens_come_as_often_as_they_should(temperature: float, top_p: float) -> None:
    logits = torch.tensor([0.5, -torch.inf, 2.0, 1.0, -1.0])
    chances = (logits / temperature).softmax(0)
    kept = [2, 3] if top_p < 1 else [0, 2, 3, 4]  # 0.6 and 0.2: both are needed for 0.7
    expected = {id: float(chances[id] / chances[kept].sum()) for id in kept}
    count = 4000
    found = Counter(int(drawn(logits.clone(), Sampling(temperature, top_p, seed), 3)) for seed in range(count))
    assert set(found) == set(kept)
    assert {id: found[id] / count for id in kept} == pytest.approx(expected, abs=0.03)


def test_the_same_seed_draws_the_same(llama: Path) -> None:
    """With a cache and without, with drafts and without; other seeds draw other texts; a cold one is greedy."""
    random = rng("sampling")
    loaded, prompt = load(read_card(llama), "cpu"), a_prompt(90)
    warm, plain = LocalModel(loaded, BUDGET), LocalModel(loaded, BUDGET, drafts=False)
    texts = set()
    for seed in random.sample(range(1000), rounds(5)):
        limits = Limits(16, sampling=Sampling(1.0, 0.95, seed))
        answers = [told(model.generate("file", *prompt, limits, NEVER)) for model in (warm, warm, plain)]
        assert answers[0].ids == answers[1].ids == answers[2].ids
        assert answers[0].logprobs == pytest.approx(answers[2].logprobs, abs=2e-3)
        assert answers[1].prefilled.prefilled == 1
        texts.add(tuple(answers[0].ids))
    assert len(texts) == rounds(5)
    cold = told(warm.generate("file", *prompt, Limits(16, sampling=Sampling(1e-4)), NEVER))
    assert cold.ids == told(plain.generate("file", *prompt, Limits(16), NEVER)).ids


def test_what_is_forbidden_is_not_drawn(llama: Path) -> None:
    model = LocalModel(load(read_card(llama), "cpu"), BUDGET, special=frozenset(range(4)), vocab_size=60)
    hot = Sampling(50.0, 1.0)
    answer = told(
        model.generate("a", *a_prompt(20), Limits(30, forbidden_ids=frozenset(range(40)), sampling=hot), NEVER)
    )
    assert set(answer.ids) <= set(range(40, 60)) and len(set(answer.ids)) > 5
    everything = Limits(3, forbidden_ids=frozenset(range(60)), sampling=hot)
    assert told(model.generate("a", *a_prompt(20), everything, NEVER)).reason == "stop"


@pytest.mark.parametrize("wrong", [(0.0, 0.5), (-1.0, 0.5), (1.0, 0.0), (1.0, 1.5)])
def test_what_is_no_sampling(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError):
        Sampling(*wrong)
