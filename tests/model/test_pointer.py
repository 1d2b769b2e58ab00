"""The pointer: what it points at, how it is mixed in, and that a model with one answers the same however asked."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import rng, rounds
from model.prompts import NEVER, Prompt, Told, told
from model.test_drafts import eager, plain, repeating
from model.tiny_models import TRAINED, VOCABULARY, save_model

from hirope_ls.lab import pointer as fitting
from hirope_ls.model.choice import mixed
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.generator import Limits
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.pointer import LONGEST, Lexicon, Pointed, Pointer, matches
from hirope_ls.problems import ModelRefused

STRONG = Pointer(1.5, 0.6, -2.0, 2.0)
BUDGET = 64 << 20


BLANKS, LINE_END = range(24, 28), range(28, 30)
PIECES = [*(b"%d" % id for id in range(24)), b" ", b"  ", b"\t", b"    ", b"\n", b":\n"]


def obvious_shares(
    pointer: Pointer,
    text: list[int],
    never: frozenset[int] = frozenset(),
    blanks: Sequence[int] = (),
    line_ends: Sequence[int] = (),
) -> dict[int, float]:
    """Each place on its own, with plain numbers."""

    ends = never.union(line_ends)

    def same(one: int, other: int) -> bool:
        return one == other or (one in blanks and other in blanks)

    def depth(end: int) -> int | None:
        """Of the line that text[:end] ends with."""
        first = next((at for at in range(end - 1, 0, -1) if text[at - 1] in ends), 0)
        return text[first] if text[first] in blanks else None

    weights: dict[int, float] = {}
    longest = 0
    for place in range(1, len(text)):
        length = 0
        while length < min(LONGEST, place) and same(text[place - 1 - length], text[len(text) - 1 - length]):
            length += 1
        deep = text[-1] in ends and text[place] in blanks and depth(place) != depth(len(text))
        if length and text[place] not in never and not deep:
            weight = math.exp(pointer.by_length * length) * (len(text) - place + 1) ** -pointer.by_distance
            weights[text[place]] = weights.get(text[place], 0) + weight
            longest = max(longest, length)
    if not weights:
        return {}
    belief = 1 / (1 + math.exp(-pointer.trust - pointer.trust_by_length * math.log(1 + longest)))
    return {id: belief * weight / sum(weights.values()) for id, weight in weights.items()}


@pytest.mark.parametrize("pieces", [None, PIECES])
def test_shares_are_the_obvious_ones(pieces: list[bytes] | None) -> None:
    source = rng("shares of a pointer")
    kinds = (BLANKS, LINE_END) if pieces else ((), ())
    for _ in range(rounds(300)):
        pointer = Pointer(*(source.uniform(-2, 2) for _ in range(4)))
        letters = source.sample(range(30), source.choice((1, 2, 3, 8, 30))) + source.choice(([], [*BLANKS, 28, 28]))
        text = source.choices(letters, k=source.randint(1, 60))
        never = frozenset(source.sample(range(30), source.randrange(4)))
        found = pointer.shares(np.array(text, np.int32), Lexicon.of(30, never, pieces))
        shares = {} if found is None else dict(zip(found.ids.tolist(), found.shares.tolist(), strict=True))
        assert shares == pytest.approx(obvious_shares(pointer, text, never, *kinds)), text
    with pytest.raises(ValueError, match="empty"):
        matches(np.zeros(0, np.int32))


def test_code_said_again_may_stand_deeper() -> None:
    """`a` is followed by `b` one step deeper, at whatever depth; how deep is told by lines that stand as deep."""
    a, b, end, one, two, four = 1, 2, 28, 24, 25, 27
    lexicon = Lexicon.of(30, (), PIECES)
    lines = [one, a, end, two, b, end, two, 3, end, four, 4, end]
    deeper = STRONG.shares(np.array([*lines, four, a, end, four], np.int32), lexicon)
    assert deeper is not None and deeper.ids[deeper.shares.argmax()] == b
    as_deep = STRONG.shares(np.array([*lines, one, a, end], np.int32), lexicon)
    assert as_deep is not None and as_deep.ids.tolist() == [two]
    assert STRONG.shares(np.array([*lines, 26, a, end], np.int32), lexicon) is None  # no other line stands so


def test_a_text_grows_by_what_is_said() -> None:
    pointed = Pointed(STRONG, np.array([1, 2, 3, 1], np.int32), 3, Lexicon.of(9, ()))
    for said in ([], [2], [2, 3], [5], [2, 3, 1]):  # drafts that did not come true are taken back
        found, expected = pointed.after(said), obvious_shares(STRONG, [1, 2, 3, 1, *said])
        assert (found is None) == (not expected)
        if found is not None:
            assert dict(zip(found.ids.tolist(), found.shares.tolist(), strict=True)) == pytest.approx(expected)


def test_mixing_is_a_mixture_of_probabilities() -> None:
    torch.manual_seed(0)
    logits = torch.randn(50)
    shares = STRONG.shares(np.array([4, 9, 4, 7, 4, 9, 4], np.int32), Lexicon.of(50, ()))
    assert shares is not None
    row, total = mixed(logits.clone(), float(logits.logsumexp(0)), shares)
    expected = logits.double().softmax(0) * (1 - shares.shares.sum())
    expected[torch.from_numpy(shares.ids)] += torch.from_numpy(shares.shares)
    torch.testing.assert_close((row.double() - total).exp(), expected, atol=1e-6, rtol=1e-4)
    assert float(expected.sum()) == pytest.approx(1)


def test_the_model_is_always_heard() -> None:
    logits = torch.zeros(50)
    pointers = (Pointer(1, 1, 100, 100), Pointer(100, 100, 100, 100), Pointer(-100, -100, -100, -100))
    uneven = np.array([9, 7, *range(4, 24), 8, *range(4, 24)], np.int32)  # 8 after twenty tokens, 5 after one of them
    for pointer, text in itertools.product(pointers, (np.array([4, 9] * 20, np.int32), uneven)):
        shares = pointer.shares(text, Lexicon.of(50, ()))
        assert shares is not None and (shares.shares > 0).all()
        row, total = mixed(logits.clone(), float(logits.logsumexp(0)), shares)
        assert float((row.double() - total).exp().sum()) == pytest.approx(1) and bool(torch.isfinite(row).all())


@pytest.fixture(scope="module")
def pointing(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    loaded = load(read_card(save_model(tmp_path_factory.mktemp("pointing"))), "cpu")
    return replace(loaded, card=replace(loaded.card, pointer=STRONG))


def asked(model: LocalModel, session: str, prompt: Prompt, limits: Limits) -> Told:
    return told(model.generate(session, *prompt, limits, NEVER))


def test_answers_depend_on_the_text_alone(pointing: Loaded) -> None:
    """With drafts as without, from what is cached as from nothing, whatever else is held."""
    source = rng("pointer, decode")
    drafting, held = eager(pointing, source, chunk=16), plain(pointing)
    without = plain(replace(pointing, card=replace(pointing.card, pointer=None)))
    others = 0
    for _ in range(rounds(12)):
        prompt = repeating(source, source.randint(4, 3 * TRAINED))
        limits = Limits(source.randint(1, 24), forbidden_ids=frozenset(source.sample(range(VOCABULARY), 3)))
        cold = asked(plain(pointing), "x", prompt, limits)
        for model in (drafting, drafting, held):
            warm = asked(model, source.choice("ab"), prompt, limits)
            assert (warm.ids, warm.reason) == (cold.ids, cold.reason)
            assert warm.logprobs == pytest.approx(cold.logprobs, abs=2e-3)
        others += asked(without, "x", prompt, limits).ids != cold.ids
    assert others > 0


def test_what_separates_a_prompt_s_parts_follows_nothing(pointing: Loaded) -> None:
    """The text before the cursor ends as an earlier part does, after which there is a mark: no reason to end."""
    mark, part = VOCABULARY - 1, [5, 6, 7, 8, 9, 10]
    ids = np.array([3, 4, *part, mark, 11, 12, *part], np.int32)
    positions = np.stack([np.zeros(len(ids), np.int32), np.arange(len(ids), dtype=np.int32)])
    limits = Limits(4, stop_ids=frozenset({mark}))
    shares = STRONG.shares(ids, Lexicon.of(VOCABULARY, ()))
    assert shares is not None and shares.ids.tolist() == [mark] and shares.shares[0] > 0.5
    marked = LocalModel(pointing, BUDGET, frozenset({mark}))
    alone = LocalModel(replace(pointing, card=replace(pointing.card, pointer=None)), BUDGET, frozenset({mark}))
    found, first = (asked(model, "x", (ids, positions), limits).ids for model in (marked, alone))
    assert found and found[0] == first[0]


def test_each_token_is_the_likeliest_of_the_mixture(pointing: Loaded) -> None:
    prompt = repeating(random.Random(1), 90)
    alone = plain(replace(pointing, card=replace(pointing.card, pointer=None)))
    text = list(prompt[0])
    told_ids = asked(plain(pointing), "x", prompt, Limits(12)).ids
    for number, id in enumerate(told_ids):
        positions = np.append(prompt[1], np.repeat(prompt[1][:, -1:], number, axis=1), axis=1)
        positions[-1, len(prompt[0]) :] += np.arange(1, number + 1, dtype=np.int32)
        shares = obvious_shares(STRONG, [int(one) for one in text])
        best: tuple[float, int] = (-1.0, -1)
        for other in {id, *shares, *asked(alone, "y", (np.array(text, np.int32), positions), Limits(1)).ids}:
            ids = np.array([*text, other], np.int32)
            longer = np.append(positions, positions[:, -1:] + np.array([[0], [1]], np.int32), axis=1)
            own = math.exp(float(alone.score(ids, longer)[-1]))
            best = max(best, ((1 - sum(shares.values())) * own + shares.get(other, 0.0), -other))
        assert id == -best[1]
        text.append(id)


def test_four_numbers_in_a_configuration(tmp_path: Path) -> None:
    folder = save_model(tmp_path)
    path = folder / "config.json"
    content = json.loads(path.read_text())
    assert read_card(folder).pointer is None
    fitting.write(STRONG, folder)
    assert read_card(folder).pointer == STRONG
    for wrong in (1, [], {}, {"by_length": 1.0}, asdict(STRONG) | {"trust": "much"}, asdict(STRONG) | {"trust": 1e9}):
        path.write_text(json.dumps(content | {"hirope": {"pointer": wrong}}))
        with pytest.raises(ModelRefused, match="pointer is not four numbers from -100 to 100"):
            read_card(folder)
    assert read_card(bundled_folder()).pointer is not None
