"""What prompts mention: the text round the cursor alone, in every order, what was generated included."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from bundled import card, open_text, pipeline, tokenizer
from fuzz import python_files, rng, rounds

from hirope_ls.engine.complete import complete
from hirope_ls.engine.excerpt import near_start, prefix_tokens
from hirope_ls.engine.mentions import MOST
from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import Prompt, build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.engine.warmup import warm
from hirope_ls.hirope import Scheme
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.families import FimOrder
from hirope_ls.model.generator import Generated, Limits
from hirope_ls.model.loader import Loaded, load
from hirope_ls.text.edit import Edit

ORDERS: list[FimOrder | None] = [*get_args(FimOrder), None]
SPECIAL = tokenizer().special
FILLER = "".join(f"def filler{n}(a, b):\n    return a * b + {n}\n\n\n" for n in range(60))
TEXT = "def helper_one(x):\n    return x\n\n\nclass Widget:\n    pass\n\n\n" + FILLER + "def late(w):\n"
TEXT += "    helper_one(w)\n    a = Widget()\n    b = lat$0\n    return helper_one(a, filler7)\n"


def prompt_at(snapshot: Snapshot, offset: int, order: FimOrder | None, options: Options | None = None) -> Prompt:
    recipe = Recipe(tokenizer(), replace(card(), fim_order=order), options or Options())
    return build_prompt(Question(snapshot, offset, recipe))


def pieces_of(ids: list[int]) -> list[bytes]:
    return [tokenizer().token_bytes(id) for id in ids]


def regions(prompt: Prompt) -> tuple[list[int], list[int]]:
    """Where in a prompt the tokens before the cursor are, and where those after it."""
    size, tokens, special = prompt.ids.size, prompt.far + prompt.near, 3 if "spm" in prompt.kind else 2
    if not prompt.suffix:
        return list(range(size - tokens, size)), []
    if prompt.kind == "psm":
        start = size - prompt.suffix - special
        return list(range(start - tokens, start)), list(range(start + 1, size - 1))
    if prompt.kind in ("suffix-prefix-middle", "suffix-prefix"):
        end = size - (prompt.kind == "suffix-prefix-middle")
        start = end - tokens
        return list(range(start, end)), list(range(start - 1 - prompt.suffix, start - 1))
    near, after = size - prompt.near, size - prompt.near - prompt.suffix - special
    return [*range(after - prompt.far, after), *range(near, size)], list(range(after + 2, near - 1))


def spoken(names: dict[bytes, list[int]], before: bytes, piece: bytes, unit: int) -> set[int]:
    """What a token after `before` mentions: each word in it, or so far in it, by the text."""
    meant: set[int] = set()
    for word in re.finditer(rb"(?<![\w\x80-\xff])[A-Za-z_\x80-\xff][\w\x80-\xff]*", before + piece):
        if word.end() > len(before):
            meant |= set([known for known in names.get(word.group(), []) if known < unit][-MOST:])
    return meant


def ends_in(snapshot: Snapshot, offset: int, prompt: Prompt) -> list[int]:
    """Where the prompt's tokens before the cursor end, those dropped at the start included and those healed not."""
    ends = prefix_tokens(snapshot, offset, tokenizer()).ends
    return ends[: prompt.dropped + prompt.far + prompt.near].tolist()


def names_in(snapshot: Snapshot, offset: int, prompt: Prompt) -> dict[bytes, list[int]]:
    """The units of a prompt that define each name, token by token."""
    names: dict[bytes, list[int]] = {}
    where, _ = regions(prompt)
    ends = ends_in(snapshot, offset, prompt)
    starts = [0, *ends][: len(ends)][prompt.dropped :]
    for begin, name in snapshot.parse.definitions:
        tokens = zip(where, starts, ends[prompt.dropped :], strict=True)
        holding = [index for index, start, end in tokens if start <= begin < end]
        if holding and len(name) >= 3 and not re.fullmatch("__.*__", name):
            units = names.setdefault(name.encode(), [])
            units += {int(prompt.positions[0, holding[0]])} - set(units)
    return names


def by_the_text(snapshot: Snapshot, offset: int, prompt: Prompt) -> list[list[int]]:
    """The mentions of a prompt, found the long way: each token with all the text before it."""
    names, (where, after) = names_in(snapshot, offset, prompt), regions(prompt)
    ends = ends_in(snapshot, offset, prompt)
    starts = np.array([0, *ends])[: len(ends)]
    near = where[near_start(snapshot.buffer.data, starts[prompt.dropped :], prompt.dropped) - prompt.dropped :]
    found = []
    for run in (near, after):
        for n, index in enumerate(run):
            before = b"".join(pieces_of(prompt.ids[run[:n]].tolist()))
            piece = tokenizer().token_bytes(int(prompt.ids[index]))
            found += [[index, unit] for unit in spoken(names, before, piece, int(prompt.positions[0, index]))]
    return sorted(found)


@pytest.mark.parametrize("order", ORDERS)
def test_who_mentions_what(order: FimOrder | None) -> None:
    """Names before the cursor and after it, but what is defined after them, or in their unit, is not meant."""
    offset = TEXT.index("$0")
    snapshot = open_text(TEXT.replace("$0", ""))
    prompt = prompt_at(snapshot, offset, order)
    names, units = names_in(snapshot, offset, prompt), prompt.positions[0]
    assert prompt.mentions is not None and len(names) > 60
    told = {bytes(name) for name, known in names.items() if known[0] in prompt.mentions.pairs[1]}
    far = b"filler7" if order in ("context-spm", "psm") else None  # in spm S stands before everything
    assert told >= {b"helper_one", b"Widget", far} - {None} and b"late" not in told
    for token, unit in prompt.mentions.pairs.T.tolist():
        assert units[token] > unit and prompt.ids[token] not in SPECIAL.all


@pytest.mark.parametrize("order", ORDERS)
def test_mentions_are_those_of_the_text(order: FimOrder | None) -> None:
    random = rng(f"hearing, {order}")
    heard = 0
    for path in python_files(rounds(5), smallest=5_000, largest=40_000):
        text = path.read_text("utf-8")
        snapshot = open_text(text)
        for _ in range(3):
            at = len(text[: random.randrange(len(text) + 1)].encode())
            prompt = prompt_at(snapshot, at, order, Options(max_prompt_tokens=random.choice([None, 700])))
            wanted = by_the_text(snapshot, at, prompt)
            if prompt.mentions is None:
                assert not wanted or prompt.ids.size + Options().max_new_tokens <= card().trained_length
            else:
                assert prompt.mentions.pairs.T.tolist() == wanted, f"{path.name} at {at}"
            heard += len(wanted)
    assert heard > 0


def test_a_short_prompt_mentions_nothing() -> None:
    text = "def helper():\n    pass\n\n\nhelper()\n"
    short, room = prompt_at(open_text(text), len(text), None), card().trained_length
    assert short.mentions is None and short.num_mentions == 0
    about = prompt_at(open_text(text), len(text), None, Options(max_new_tokens=room - short.ids.size))
    beyond = prompt_at(open_text(text), len(text), None, Options(max_new_tokens=room - short.ids.size + 1))
    assert about.mentions is None and beyond.num_mentions > 0


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("text", ["", "\n" * 700, "x = [" * 3000, "a" * 9000, "é = 1\n" * 900])
def test_texts_without_definitions_mention_nothing(text: str, order: FimOrder | None) -> None:
    snapshot = open_text(text)
    size = len(text.encode())
    for at in (0, size // 14 * 7, size):
        assert prompt_at(snapshot, at, order).num_mentions == 0


@pytest.mark.parametrize("order", ORDERS)
def test_far_text_mentions_nothing_whatever_is_typed(order: FimOrder | None) -> None:
    random = rng("far text")
    offset = TEXT.index("$0")
    snapshot = open_text(TEXT.replace("$0", ""))
    more = "".join(random.choice(["helper_one(", "Widget", ".", "filler9 = ", "\n    ", "late"]) for _ in range(60))
    mentioned = []
    for version, character in enumerate(more):
        snapshot = pipeline().edit(snapshot, [Edit(offset, offset, character.encode())], version + 2)
        offset += 1
        prompt = prompt_at(snapshot, offset, order)
        assert prompt.mentions is not None
        far = regions(prompt)[0][: prompt.far if order == "context-spm" else -191]
        assert len(far) > 500 and not set(prompt.mentions.pairs[0].tolist()) & set(far)
        mentioned.append(prompt.num_mentions)
    assert len(set(mentioned)) > 3


def test_what_is_generated_mentions_what_it_would_if_it_were_typed() -> None:
    random = rng("said")
    heard = 0
    for path in python_files(rounds(6), smallest=8_000, largest=60_000):
        text = path.read_text("utf-8")
        at = random.randrange(len(text) // 2, len(text) * 9 // 10)
        snapshot, offset = open_text(text), len(text[:at].encode())
        for order in ORDERS:
            prompt = prompt_at(snapshot, offset, order)
            if prompt.mentions is None:
                continue
            names = names_in(snapshot, offset, prompt)
            before = text[:at].encode().removesuffix(prompt.healed)
            said = tokenizer().encode(prompt.healed + text[at : at + 500].encode()).ids.tolist()
            for n in range(len(said)):
                typed = before + b"".join(pieces_of(said[:n]))
                wanted = spoken(names, typed[-400:], pieces_of(said)[n], int(prompt.positions[0, -1]))
                assert list(prompt.mentions.of(said[: n + 1])) == sorted(wanted), (path, at, n)
                heard += len(wanted)
    assert heard > 0


@cache
def loaded() -> Loaded:
    found = load(card(), "cpu")
    found.hirope.scheme = replace(Scheme.default(card().trained_length), mention_gain=3.0)
    return found


def a_model() -> LocalModel:
    known = tokenizer()
    return LocalModel(loaded(), 256 << 20, known.special.all, known.vocab_size, pieces=known.pieces)


def test_completions_are_the_same_warm_and_cold() -> None:
    random = rng("hearing, warm")
    path: Path = python_files(2, smallest=5000, largest=8000)[1]
    model, cold, stop = a_model(), a_model(), threading.Event()
    snapshot = open_text(path.read_text("utf-8"), uri="file:///warm.py")
    recipe = Recipe(tokenizer(), card(), Options(max_new_tokens=6))
    warm(snapshot, recipe, model, stop)
    names = [name for _, name in snapshot.parse.definitions] or ["print"]
    offset, reused, mentions = len(snapshot.buffer.data) * 2 // 3, 0, 0
    for step in range(rounds(8)):
        here = Question(snapshot, offset, recipe)
        found = complete(here, model, stop)
        cold.drop(snapshot.uri)
        expected = complete(here, cold, stop)
        assert (found.text, found.outcome) == (expected.text, expected.outcome), f"step {step} at {offset}"
        held = model._store.get(snapshot.uri)
        assert held is not None and (held.mentions is not None) == (found.mentions > 0)
        reused, mentions = reused + found.tokens["reused"], mentions + found.mentions
        new = random.choice([found.text, f"{random.choice(names)}(", "\n    ", random.choice(names)[:3]]).encode()
        snapshot = pipeline().edit(snapshot, [Edit(offset, offset, new)], step + 2)
        offset += len(new)
    assert reused > 0 and mentions > 0


def test_generated_names_raise_their_definition() -> None:
    """Step by step with a cache, and the whole text again for each token with all its mentions: the same."""
    snapshot = open_text(TEXT[: TEXT.index("    b = ")] + "    helper_one(a)\n" * 3 + "    ")
    offset = len(snapshot.buffer.data)
    prompt = prompt_at(snapshot, offset, card().fim_order)
    assert prompt.mentions is not None and prompt.ids.size > card().trained_length
    alone = replace(loaded(), card=replace(card(), pointer=None))  # what its pointer says needs no mentions
    events = LocalModel(alone, 256 << 20).generate(
        "file", prompt.ids, prompt.positions, Limits(8), threading.Event(), mentions=prompt.mentions
    )
    generated = [(event.id, event.logprob) for event in events if isinstance(event, Generated)]
    names, (units, index) = names_in(snapshot, offset, prompt), prompt.positions.tolist()
    ids, pairs, text = prompt.ids.tolist(), prompt.mentions.pairs.T.tolist(), snapshot.buffer.data
    for id, logprob in generated:
        given = torch.tensor(pairs).reshape(-1, 2).T
        logits = loaded().hirope.forward(torch.tensor([ids]), torch.tensor([units, index]), mentions=given)[0, -1]
        assert logprob == pytest.approx(float(logits.log_softmax(-1)[id]), abs=2e-3)
        piece = tokenizer().token_bytes(id)
        pairs += [[len(ids), unit] for unit in sorted(spoken(names, text, piece, units[-1]))]
        ids, units, index, text = [*ids, id], [*units, units[-1]], [*index, index[-1] + 1], text + piece
    assert len(generated) == 8 and pairs[-1][0] >= prompt.ids.size, "what was generated mentions nothing"
