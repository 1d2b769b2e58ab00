"""What a session's cache may never change: the answer. And what it must change: how much is computed for it."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import rng, rounds
from model.prompts import (
    NEVER,
    Document,
    Flag,
    Prompt,
    a_prompt,
    ask,
    assert_same_rows,
    cut,
    failing,
    session_of,
    told,
)
from model.tiny_models import TRAINED, VOCABULARY, save_model
from transformers import DynamicCache

from hirope_ls.hirope import Scheme
from hirope_ls.model.decode import LocalModel, _rows_on_cpu
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.generator import Finished, Generated, LanguageModel, Limits
from hirope_ls.model.loader import Loaded, load
from hirope_ls.problems import InputError, ModelRefused

BUDGET = 64 << 20
FAMILIES = ("llama", "qwen2", "starcoder2", "gemma3")


@pytest.fixture(scope="module")
def loaded(llama: Path) -> Loaded:
    return load(read_card(llama), "cpu")


@pytest.fixture
def model(loaded: Loaded) -> LocalModel:
    return LocalModel(loaded, BUDGET, chunk=16)


def followed_by(prompt: Prompt, said: list[int]) -> Prompt:
    """The prompt with what was said typed after it, in the same unit."""
    ids, positions = prompt
    more = np.repeat(positions[:, -1:], len(said), axis=1)
    more[1] += np.arange(1, len(said) + 1)
    return np.append(ids, np.array(said, np.int32)), np.append(positions, more, axis=1)


def follow(loaded: Loaded, name: str, steps: int, size: int, new: int = 4) -> None:
    """Random edits, each completed warm and cold: same tokens, same rows, and much less computed."""
    warm, cold = LocalModel(loaded, BUDGET, chunk=24), LocalModel(loaded, BUDGET)
    document = Document(rng(name), min(loaded.card.vocab_size, 300), size)
    said: list[int] = []
    reused = longest = step = 0
    while step < steps or (longest <= loaded.card.trained_length and step < 100):  # few edits may all stay short
        step += 1
        action = document.step(said)
        prompt = document.prompt()
        answer = ask(warm, "file", prompt, new)
        cold.drop("file")
        expected = ask(cold, "file", prompt, new)
        where = f"step {step}, {action}, {len(prompt[0])} tokens, {answer.prefilled.reused} reused"
        assert (answer.ids, answer.reason) == (expected.ids, expected.reason), where
        assert answer.logprobs == pytest.approx(expected.logprobs, abs=2e-3), where
        assert expected.prefilled.reused == 0 and expected.prefilled.prefilled == len(prompt[0])
        assert answer.prefilled.reused + answer.prefilled.prefilled == len(prompt[0])
        assert_same_rows(session_of(warm, "file"), session_of(cold, "file"))
        said = answer.ids
        reused, longest = reused + answer.prefilled.reused, max(longest, len(prompt[0]))
    assert longest > loaded.card.trained_length and reused > 0


def test_cached_is_cold(loaded: Loaded) -> None:
    follow(loaded, "cached == cold", 350 * rounds(1), 4 * TRAINED)


@pytest.mark.parametrize("family", FAMILIES[1:])
def test_cached_is_cold_in_other_families(family: str, tmp_path: Path) -> None:
    """Biases (Qwen2), sliding windows in all layers (StarCoder2) and in some (Gemma 3)."""
    follow(load(read_card(save_model(tmp_path, family)), "cpu"), family, 50 * rounds(1), 4 * TRAINED)


def real_models() -> list[Path]:
    """The bundled model and the one of HIROPE_LAB_MODEL, where they are."""
    folders = [bundled_folder(), Path(os.environ.get("HIROPE_LAB_MODEL", "absent"))]
    return [folder for folder in folders if (folder / "model.safetensors").is_file()]


@pytest.mark.skipif(not real_models(), reason="no trained model here: neither bundled nor in HIROPE_LAB_MODEL")
def test_cached_is_cold_with_trained_weights() -> None:
    for folder in real_models():
        loaded = load(read_card(folder), "cpu")
        follow(loaded, folder.name, 6 * rounds(1), 2 * loaded.card.trained_length, new=3)


def test_it_is_a_language_model(model: LocalModel) -> None:
    seam: LanguageModel = model  # mypy checks the signatures
    assert ask(seam, "a", a_prompt(5)).reason == "length"  # type: ignore[arg-type]


def test_growing_past_the_trained_length_recomputes_nothing(model: LocalModel, loaded: Loaded) -> None:
    whole = a_prompt(3 * TRAINED)
    reference = LocalModel(loaded, BUDGET)
    before = 0
    for size in range(TRAINED - 20, 3 * TRAINED, 7):
        answer = ask(model, "file", cut(whole, size))
        assert answer.prefilled.reused == max(0, before)
        reference.drop("file")
        assert answer.ids == ask(reference, "file", cut(whole, size)).ids
        before = size


def test_typing_what_was_suggested_costs_one_row(model: LocalModel) -> None:
    prompt = a_prompt(TRAINED + 5)
    first = ask(model, "file", prompt, new=6)
    for typed in range(1, 7):
        answer = ask(model, "file", followed_by(prompt, first.ids[:typed]), new=6 - typed)
        assert answer.prefilled.prefilled == 1
        assert answer.ids == first.ids[typed:]


def test_the_same_prompt_again_costs_one_row(model: LocalModel) -> None:
    prompt = a_prompt(100)
    first, again = ask(model, "file", prompt), ask(model, "file", prompt)
    assert (again.prefilled.reused, again.prefilled.prefilled) == (99, 1)
    assert again.ids == first.ids


def test_a_changed_position_is_recomputed(model: LocalModel) -> None:
    ids, positions = a_prompt(100)
    ask(model, "file", (ids, positions))
    moved = positions.copy()
    moved[0, 60:] += 1
    assert ask(model, "file", (ids, moved)).prefilled.reused == 60


def test_sessions_are_apart(model: LocalModel) -> None:
    prompts = {name: a_prompt(50, seed) for seed, name in enumerate("abc")}
    first = {name: ask(model, name, prompt).ids for name, prompt in prompts.items()}
    for name, prompt in prompts.items():
        answer = ask(model, name, prompt)
        assert answer.ids == first[name] and answer.prefilled.prefilled == 1
    model.drop("a")
    assert model.cached("a") == (0, 0) and model.cached("b")[0] >= 50
    assert model.cached("b")[1] + model.cached("c")[1] == model.used_bytes


def test_stop_between_chunks_keeps_what_was_computed(model: LocalModel) -> None:
    prompt = a_prompt(100)
    answer = told(model.generate("file", *prompt, Limits(5), Flag(after=3)))
    assert (answer.reason, answer.prefilled.prefilled, answer.ids) == ("cancelled", 48, [])
    answer = told(model.generate("file", *prompt, Limits(5), NEVER))
    assert (answer.reason, answer.prefilled.reused, len(answer.ids)) == ("length", 48, 5)


def test_stop_between_tokens(model: LocalModel) -> None:
    prompt = a_prompt(10)  # one chunk: asked once before it, once after it, then after each token
    answer = told(model.generate("file", *prompt, Limits(50), Flag(after=5)))
    assert (answer.reason, len(answer.ids)) == ("cancelled", 4)


def test_deadline(model: LocalModel) -> None:
    prompt = a_prompt(100)
    answer = told(model.generate("file", *prompt, Limits(5, deadline=time.monotonic() - 1), NEVER))
    assert (answer.reason, answer.prefilled.prefilled, answer.ids) == ("deadline", 0, [])
    started = time.monotonic()
    answer = told(model.generate("file", *prompt, Limits(10_000, deadline=started + 0.5), NEVER))
    assert answer.reason == "deadline" and 0 < len(answer.ids) < 10_000
    assert time.monotonic() - started < 30


def test_no_new_tokens_is_a_prefill(model: LocalModel) -> None:
    assert ask(model, "file", a_prompt(20), new=0).reason == "length"
    assert model.cached("file")[0] == 20


def test_forbidden_and_stop_ids(loaded: Loaded) -> None:
    prompt = a_prompt(40)
    favourite = ask(LocalModel(loaded, BUDGET), "file", prompt, 1).ids[0]
    plain = LocalModel(loaded, BUDGET)

    def first(model: LocalModel, limits: Limits) -> list[int] | str:
        answer = told(model.generate("file", *prompt, limits, NEVER))
        return answer.ids or answer.reason

    second = first(plain, Limits(1, forbidden_ids=frozenset({favourite})))
    assert second != [favourite] and second != "stop"
    assert first(plain, Limits(1)) == [favourite]
    assert first(plain, Limits(1, stop_ids=frozenset({favourite}))) == "stop"
    special = LocalModel(loaded, BUDGET, special=frozenset({favourite}))
    assert first(special, Limits(1)) == second
    assert first(special, Limits(1, stop_ids=frozenset({favourite}))) == "stop"
    everything = frozenset(range(VOCABULARY + 50))
    assert first(plain, Limits(1, forbidden_ids=everything)) == "stop"


def test_ids_without_text_are_never_generated(loaded: Loaded) -> None:
    few = LocalModel(loaded, BUDGET, vocab_size=40)
    assert (
        max(ask(few, "file", a_prompt(40), 50).ids)
        < 40
        < max(ask(LocalModel(loaded, BUDGET), "f", a_prompt(40), 50).ids)
    )


def test_log_probabilities_are_the_models(loaded: Loaded) -> None:
    """Whatever is forbidden: of generated tokens, and of a text that is scored in chunks."""
    ids, positions = a_prompt(2 * TRAINED)
    logits = loaded.hirope.forward(torch.tensor(ids).long()[None], torch.tensor(positions))[0].log_softmax(-1)
    expected = logits[torch.arange(len(ids) - 1), torch.tensor(ids[1:]).long()].numpy()
    model = LocalModel(loaded, BUDGET, special=frozenset(range(50)), chunk=16)
    scores = model.score(ids, positions)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=2e-3)
    assert model.used_bytes == 0
    answer = ask(model, "file", (ids, positions), 1)
    assert answer.logprobs[0] == pytest.approx(float(logits[-1, answer.ids[0]]), abs=2e-3)
    assert model.score(ids[:1], positions[:, :1]).shape == (0,)


def test_warm(model: LocalModel) -> None:
    prompt = a_prompt(100)
    stopped = model.warm("file", *prompt, Flag(after=2))
    assert (stopped.reused, stopped.prefilled) == (0, 8)
    rest = model.warm("file", *prompt, NEVER)
    assert (rest.reused, rest.prefilled) == (8, 92)
    shorter = model.warm("file", *cut(prompt, 30), NEVER)
    assert (shorter.reused, shorter.prefilled) == (30, 0)
    assert model.cached("file")[0] == 100  # a prefix is no reason to forget the rest
    assert ask(model, "file", prompt).prefilled.prefilled == 1


def rows(loaded: Loaded, count: int) -> int:
    """A budget of that many rows, in bytes."""
    return count * LocalModel(loaded, BUDGET)._store.row_bytes


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cached_token_costs_at_most_half_as_much_again(family: str, tmp_path: Path) -> None:
    loaded = load(read_card(save_model(tmp_path, family)), "cpu")
    model, bare = LocalModel(loaded, BUDGET), DynamicCache()
    ask(model, "file", a_prompt(100))
    loaded.hirope.forward(torch.zeros(1, 1).long(), torch.zeros(2, 1).long(), bare)
    row = sum(layer.keys.nbytes + layer.values.nbytes for layer in bare.layers)
    assert model._store.row_bytes == 1.5 * row
    assert model.used_bytes == session_of(model, "file").cache.capacity * 1.5 * row


def test_a_prompt_beyond_the_budget(loaded: Loaded) -> None:
    model = LocalModel(loaded, rows(loaded, 100))
    answer = ask(model, "file", a_prompt(150))
    assert (answer.reason, answer.prefilled.prefilled, answer.ids) == ("memory", 0, [])
    assert model.warm("file", *a_prompt(150), NEVER).prefilled == 0
    with pytest.raises(InputError):
        model.score(*a_prompt(150))
    answer = ask(model, "file", a_prompt(90), new=50)
    assert (answer.reason, len(answer.ids)) == ("memory", 11)  # the last token needs no row
    assert model.used_bytes <= rows(loaded, 100)


def test_a_hundred_sessions_under_a_budget_for_ten(loaded: Loaded) -> None:
    """Every answer is the cold one, the budget holds at every step, and what went is what was used longest ago."""
    random = rng("sessions")
    budget = rows(loaded, 10 * 128)
    model, cold = LocalModel(loaded, budget, chunk=64), LocalModel(loaded, BUDGET)
    used: list[str] = []
    most = 0
    for step in range(100 * rounds(1)):
        number = random.choice(
            [step % 100, step % 100, random.randrange(100), int(used[-min(3, len(used))]) if used else 0]
        )
        prompt = cut(a_prompt(140, seed=number), random.randint(30, 140))
        key, said = str(number), []
        for event in model.generate(key, *prompt, Limits(3), NEVER):
            assert 0 < model.used_bytes <= budget
            said += [event.id] if isinstance(event, Generated) else []
        cold.drop("file")
        assert said == ask(cold, "file", prompt, 3).ids, f"step {step}"
        used = [*(other for other in used if other != key), key]
        held = list(model._store)
        assert held == used[-len(held) :]
        most = max(most, len(held))
    assert most >= 10


def test_a_cancel_stops_a_long_prefill_within_a_chunk(loaded: Loaded) -> None:
    """The chunk that runs when the flag is set is the last one, and the next request gets the model at once."""
    model, flag = LocalModel(loaded, 1 << 30), threading.Event()
    forwards = 0

    def count(*_: object) -> None:
        nonlocal forwards
        forwards += 1
        if forwards == 3:
            flag.set()

    handle = loaded.hirope.model.model.layers[1].register_forward_pre_hook(count)
    try:
        answer = told(model.generate("file", *a_prompt(16_384), Limits(5), flag))
        assert (answer.reason, answer.ids, forwards) == ("cancelled", [], 3)
        assert answer.prefilled.prefilled == 3 * 768
        forwards = 10
        assert ask(model, "other", a_prompt(100, 1), 1).prefilled.prefilled == 100
        assert forwards == 11
        assert told(model.generate("file", *a_prompt(16_384), Limits(5), Flag(after=1))).prefilled.reused == 3 * 768
    finally:
        handle.remove()


def test_a_paused_generation_loses_its_session(model: LocalModel) -> None:
    """Two generations may take turns on one thread; the newer one has the session, the older one ends."""
    prompt = a_prompt(50)
    expected = ask(model, "file", prompt, 6).ids
    for disturb in (lambda: ask(model, "file", a_prompt(70, 1)), lambda: model.drop("file")):
        paused = model.generate("file", *prompt, Limits(6), NEVER)
        next(paused), next(paused)
        disturb()
        assert list(paused) == [Finished("cancelled")]
        assert ask(model, "file", prompt, 6).ids == expected


def test_closing_the_iterator_keeps_the_session(model: LocalModel) -> None:
    prompt = a_prompt(50)
    expected = ask(model, "other", prompt, 6).ids
    running = model.generate("file", *prompt, Limits(6), NEVER)
    for _ in range(4):
        next(running)
    running.close()  # type: ignore[attr-defined]
    answer = ask(model, "file", prompt, 6)
    assert answer.prefilled.prefilled == 1 and answer.ids == expected


@pytest.mark.parametrize("after", [0, 2, 9])
def test_an_exception_leaves_whole_rows(model: LocalModel, loaded: Loaded, after: int) -> None:
    prompt = a_prompt(100)
    expected = ask(LocalModel(loaded, BUDGET), "file", prompt, 6).ids
    with failing(loaded, OSError("the weights are on a disk that went away"), after), pytest.raises(OSError):
        ask(model, "file", prompt, 6)
    session = session_of(model, "file")
    assert {layer.length for layer in session.cache.layers} == {session.length}
    answer = ask(model, "file", prompt, 6)
    assert answer.ids == expected and answer.prefilled.reused == min(after * 16, 99)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("after", [0, 3, 9])
def test_out_of_memory_once(model: LocalModel, loaded: Loaded, error: Exception, after: int) -> None:
    """Caches are dropped and the generation goes on where it was, in the prefill and in the decode."""
    prompt = a_prompt(100)
    expected = ask(LocalModel(loaded, BUDGET), "file", prompt, 6).ids
    ask(model, "other", a_prompt(40))
    with failing(loaded, error, after, times=1):
        answer = ask(model, "file", prompt, 6)
    assert (answer.ids, answer.reason) == (expected, "length")
    assert model.cached("other") == (0, 0)
    assert ask(model, "file", followed_by(prompt, answer.ids)).prefilled.prefilled == 1


@pytest.mark.parametrize("after", [0, 9])
def test_out_of_memory_for_good(model: LocalModel, loaded: Loaded, after: int) -> None:
    with failing(loaded, torch.OutOfMemoryError("CUDA out of memory"), after):
        answer = ask(model, "file", a_prompt(100), 6)
        assert answer.reason == "memory" and model.used_bytes == 0
        assert model.warm("file", *a_prompt(100), NEVER).prefilled == 0
    assert ask(model, "file", a_prompt(100), 6).reason == "length"


def test_wrong_arguments_are_told_at_once(model: LocalModel) -> None:
    ids, positions = a_prompt(10)
    poor: list[Prompt] = [
        (ids[:0], positions[:, :0]),
        (ids, positions[:, 1:]),
        (ids, positions[0]),
        (ids[None], positions),
    ]
    for wrong_ids, wrong_positions in poor:
        with pytest.raises(ValueError):
            model.generate("file", wrong_ids, wrong_positions, Limits(1), NEVER)
    for id in (-1, VOCABULARY):
        wrong = ids.copy()
        wrong[3] = id
        with pytest.raises(ValueError):
            model.warm("file", wrong, positions, NEVER)


def test_damaged_weights(tmp_path: Path) -> None:
    loaded = load(read_card(save_model(tmp_path)), "cpu")
    loaded.hirope.model.model.norm.weight.fill_(torch.nan)
    with pytest.raises(ModelRefused, match="damaged"):
        LocalModel(loaded, BUDGET)


def test_a_scheme_that_changes_cached_rows_is_refused(llama: Path) -> None:
    loaded = load(read_card(llama), "cpu")
    for scheme in (Scheme.paper(TRAINED), replace(Scheme.default(TRAINED), row_switch=False)):
        loaded.hirope.scheme = scheme
        with pytest.raises(ValueError, match="row_switch"):
            LocalModel(loaded, BUDGET)
    loaded.hirope.scheme = replace(Scheme.plain(TRAINED), row_switch=False)  # no row is hierarchical
    LocalModel(loaded, BUDGET)


def test_large_models_are_prefilled_in_smaller_chunks() -> None:
    sizes = [_rows_on_cpu(parameters) for parameters in (4_000_000, 100_000_000, 500_000_000, 7_000_000_000)]
    assert sizes == [768, 192, 48, 48]
