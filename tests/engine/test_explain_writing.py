"""A model explains definitions: ten calls into an installed package, chat models, cuts, pauses and draws."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bundled
import numpy as np
import pytest
from explained import view_of
from fixture import block
from installed import CALLS, Call, read_package
from model.fake_model import FakeModel
from model.tiny_models import save_model

from hirope_ls.engine.explain import Known, Subject, Writing, facts_about, sight, subject_of
from hirope_ls.engine.explain.asking import Asked, ask
from hirope_ls.engine.explain.writing import SESSION, Explanation, turns_of
from hirope_ls.engine.options import Options
from hirope_ls.engine.question import Recipe
from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Event, Finished, Reason
from hirope_ls.model.loader import load
from hirope_ls.model.tokens import TextTokenizer

CLEAN = ("end", "repetition", "length", "empty")
TEMPLATE = (
    "{% for m in messages %}<|fim_prefix|>{{ m.role }}\n{{ m.content }}<|endoftext|>{% endfor %}"
    "{% if add_generation_prompt %}<|fim_prefix|>assistant\n{% endif %}"
)


def subject(text: str, path: str = "main.py") -> Subject:
    """What the word at `$0` means."""
    view, offset = view_of({path: text}, path)
    found = sight(view, offset)
    assert found is not None
    one = subject_of(view, found.candidate)
    assert one is not None
    return one


def held(asked: Asked, tokenizer: TextTokenizer) -> str:
    """The definition as it stands in the prompt."""
    return tokenizer.decode(asked.ids[asked.definition]).decode()


LONG = "class A:\n" + "".join(
    f"    def m{n}(self, x):\n        y = x + {n}\n        return self.m{n - 1 if n else 0}(y)\n\n" for n in range(400)
)


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """How to ask a tiny model that takes turns."""
    folder = save_model(tmp_path_factory.mktemp("chat"))
    settings = {"eos_token": "<|endoftext|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return Recipe(TextTokenizer.load(folder), read_card(folder), Options())


def local(recipe: Recipe) -> LocalModel:
    known = recipe.tokenizer
    loaded = load(recipe.card, "cpu", "float32")
    return LocalModel(loaded, 64 << 20, known.special.all, known.vocab_size, pieces=known.pieces)


def pipeline(recipe: Recipe) -> Pipeline:
    return Pipeline(recipe.tokenizer, recipe.card.trained_length)


def written(one: Subject, recipe: Recipe, model: object, draw: int = 0) -> tuple[Explanation, str]:
    """The explanation, and what was told of it in pieces."""
    pieces: list[str] = []
    made = Writing(one, recipe, pipeline(recipe), draw, pieces.append).run(model, threading.Event())  # type: ignore[arg-type]
    return made, "".join(pieces)


@pytest.fixture(scope="module")
def small_budget() -> Recipe:
    """The bundled model with little room, so that ten files are read in seconds: 4 times its trained length."""
    return bundled.recipe(Options(max_prompt_tokens=2048))


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return bundled.local_model()


@pytest.mark.parametrize("call", CALLS["networkx"], ids=lambda call: call.dotted)
def test_distant_functions_are_explained_from_their_text(call: Call, small_budget: Recipe, model: LocalModel) -> None:
    package = read_package("networkx")
    view, offset = package.view(call)
    found = sight(view, offset)
    assert found is not None and found.hidden() and found.target.sure
    facts = facts_about(view, found.candidate, offset)
    assert facts is not None
    package.compare(call, view, offset, facts)
    one = subject_of(view, found.candidate)
    assert one is not None and (one.name, one.kind) == (facts.name, facts.kind)
    asked = ask(one, small_budget, bundled.pipeline())
    source = Path(facts.spot.path).read_text(encoding="utf-8").splitlines()
    first, last = asked.contents.lines
    assert last == facts.end + 1 and first <= facts.spot.line + 1 and asked.contents.whole
    assert "\n".join(source[first - 1 : last]) in held(asked, bundled.tokenizer())
    assert asked.contents.size == asked.ids.size <= 2048 + 512
    made, told = written(one, small_budget, model)
    assert made.reason in CLEAN and made.contents == asked.contents and made.tokens["generated"]
    assert "<|" not in made.text and "\ufffd" not in told
    assert made.text.startswith(told) or made.reason != "end"


def test_all_of_the_file_is_shown_where_there_is_room() -> None:
    one = subject(LONG + "\n\nA().m7$0(1)\n")
    asked = ask(one, bundled.recipe(), bundled.pipeline())
    text = bundled.tokenizer().decode(asked.ids).decode()
    assert asked.contents.shown == (1, asked.contents.lines[1]) and text.endswith("# What m7 does, in plain words:")
    assert text.startswith(LONG[:200]) and held(asked, bundled.tokenizer()).strip() == one.source.decode().strip()
    units = asked.positions[0, asked.definition]
    assert asked.contents.units == (units.min(), units.max())


@pytest.mark.parametrize("n", [0, 100, 200, 399])
def test_a_definition_far_down_a_long_file_is_in_the_prompt(n: int, chat: Recipe) -> None:
    one = subject(LONG + f"\n\nA().m{n}$0(1)\n")
    for recipe, turns in ((bundled.recipe(Options(max_prompt_tokens=1024)), None), (chat, turns_of(chat))):
        asked = ask(one, recipe, pipeline(recipe), turns)
        assert asked.contents.whole and one.source.decode().strip() in held(asked, recipe.tokenizer)
        low, high = asked.contents.shown
        assert low <= asked.contents.lines[0] <= asked.contents.lines[1] <= high
        assert asked.ids.size < 1024 + 600 and asked.positions.shape == (2, asked.ids.size)


def test_a_definition_that_is_too_long_is_shown_from_its_start() -> None:
    one = subject(LONG + "\n\nA$0()\n")
    recipe = bundled.recipe(Options(max_prompt_tokens=1024))
    asked = ask(one, recipe, bundled.pipeline())
    assert not asked.contents.whole and asked.contents.lines[0] == 1
    assert held(asked, recipe.tokenizer).startswith("class A:\n    def m0") and asked.ids.size < 1024


def test_a_chat_model_is_asked_by_its_template(chat: Recipe) -> None:
    turns = turns_of(chat)
    assert turns is not None
    one = subject('def area(side):\n    """<|endoftext|>```"""\n    return side\n\n\narea$0(1)\n')
    asked = ask(one, chat, pipeline(chat), turns)
    special, ids = chat.tokenizer.special, asked.ids.tolist()
    assert ids[: len(turns[0])] == list(turns[0]) and ids[-len(turns[1]) :] == list(turns[1])
    assert ids.count(special.end_of_text) == 1, "a source makes no control tokens"
    text = chat.tokenizer.decode(asked.ids).decode()
    assert one.source.decode() in text and "Explain the function `area`" in text and "\n````\n" in text
    assert asked.mentions is not None and asked.mentions.pairs.size, "the question names what is far away"
    spoken = set(asked.mentions.pairs[1].tolist())
    assert set(asked.positions[0, asked.definition].tolist()) & spoken
    made, _ = written(one, chat, local(chat))
    assert made.reason in (*CLEAN, "end") and made.contents is not None and made.contents.how == "chat"


def test_a_base_model_with_its_siblings_template_takes_no_turns(tmp_path: Path, chat: Recipe) -> None:
    folder = save_model(tmp_path)
    assert turns_of(Recipe(TextTokenizer.load(folder), read_card(folder))) is None
    for template in (TEMPLATE.replace("<|endoftext|>", "<|fim_suffix|>"), "{{ broken("):
        settings = {"eos_token": "<|endoftext|>", "chat_template": template}
        other = tmp_path / f"base{len(template)}"
        other.mkdir()
        for file in folder.iterdir():
            if file.is_file():
                (other / file.name).write_bytes(file.read_bytes())
        (other / "tokenizer_config.json").write_text(json.dumps(settings))
        assert turns_of(Recipe(TextTokenizer.load(other), read_card(other))) is None


SMALL = block(
    """
    def area(side):
        return side * side


    area$0(1)
    """
)


def says(text: str, **pace: float) -> FakeModel:
    known = bundled.tokenizer()
    return FakeModel(known.encode(text.encode()).ids.tolist(), **pace)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "told", "reason"),
    [
        (" Squares the side.\n# Adds nothing.\n\ndef other():", "Squares the side.\nAdds nothing.", "end"),
        (" Squares the side.", "Squares the side.", "end"),
        ("\n\ndef other():", "", "empty"),
        ("", "", "empty"),
        (" Squares. " + "And so on and " * 40, "Squares.", "repetition"),
        (" Squares. " + " ".join(f"then {n} times {n * n}," for n in range(60)), "Squares.", "length"),
        (" It is → café 🎉.", "It is → café 🎉.", "end"),
    ],
)
def test_it_ends_cleanly(text: str, told: str, reason: str) -> None:
    made, pieces = written(subject(SMALL), bundled.recipe(), says(text))
    assert (made.text, made.reason) == (told, reason)
    assert pieces.startswith(told) if reason != "end" else pieces == told


@pytest.mark.parametrize("reason", ["length", "memory"])
def test_what_is_broken_off_at_the_end_of_a_line_has_not_ended(reason: Reason) -> None:
    class BrokenOff(FakeModel):
        """Comes to the end of what it has to say for another reason than that."""

        def generate(self, *given: Any, **named: Any) -> Iterator[Event]:
            *events, _ = super().generate(*given, **named)
            return iter([*events, Finished(reason)])

    made, _ = written(subject(SMALL), bundled.recipe(), BrokenOff(says(" Squares the side.\n").says))
    assert (made.text, made.reason) == ("Squares the side.", reason)


def test_a_pause_loses_nothing_and_tells_nothing_twice(model: LocalModel) -> None:
    class After:
        """Says stop after so many looks."""

        def __init__(self, looks: int) -> None:
            self.left = looks

        def is_set(self) -> bool:
            self.left -= 1
            return self.left < 0

    one, recipe = subject(LONG[:9000] + "\n\nA().m7$0(1)\n"), bundled.recipe()
    for draw in (0, 3):
        whole, told = written(one, recipe, model, draw)
        model.drop(SESSION)
        pieces: list[str] = []
        paused = Writing(one, recipe, bundled.pipeline(), draw, pieces.append)
        looks, made = 3, None
        while made is None or made.reason == "cancelled":
            made, looks = paused.run(model, After(looks)), looks * 2
            assert told.startswith("".join(pieces))
        assert (made.text, made.reason, "".join(pieces)) == (whole.text, whole.reason, told)
        model.drop(SESSION)


def test_other_draws_are_other_words_and_always_the_same(model: LocalModel) -> None:
    view, offset = read_package("networkx").view(CALLS["networkx"][5])
    found = sight(view, offset)
    one = subject_of(view, found.candidate) if found is not None else None
    assert one is not None
    drawn = [written(one, bundled.recipe(), model, draw)[0].text for draw in (0, 1, 2, 3, 1)]
    assert len(set(drawn)) > 1 and drawn[1] == drawn[4]


def test_it_takes_nothing_from_completions(model: LocalModel) -> None:
    from hirope_ls.engine.complete import complete

    text = LONG[:9000] + "\n\nA().m7(1)\n"
    snapshot = bundled.open_text(text)
    ask_at = bundled.question(snapshot, len(text) - 4)
    complete(ask_at, model, threading.Event())
    before = complete(ask_at, model, threading.Event())
    made, _ = written(subject(LONG[:9000] + "\n\nA().m7$0(1)\n"), bundled.recipe(), model)
    assert made.tokens["reused"] > 0, "what the file's own session holds serves for it, too"
    after = complete(ask_at, model, threading.Event())
    assert (after.text, after.tokens["reused"]) == (before.text, before.tokens["reused"])


def test_kept_by_what_the_definition_says() -> None:
    known, one = Known(most=2), subject(SMALL)
    made = Explanation("It squares.", "end")
    known.put(one, "a", made)
    assert known.get(one, "a") is made and known.get(one, "b") is None
    moved = subject("import os\n\n\n" + SMALL)
    assert known.get(moved, "a") is made, "elsewhere it is the same"
    assert known.get(subject(SMALL.replace("side * side", "side")), "a") is None
    known.put(one, "b", replace(made, reason="cancelled"))
    assert known.get(one, "b") is None, "half an explanation is none"
    known.put(one, "b", made)
    known.put(one, "c", made)
    assert known.get(one, "a") is None and known.get(one, "c") is made
    known.forget({one.path})
    assert known.get(one, "c") is None


def test_prompts_are_a_function_of_the_definition_and_its_file(chat: Recipe) -> None:
    for recipe, turns in ((bundled.recipe(), None), (chat, turns_of(chat))):
        first, second = (ask(subject(LONG + "A().m9$0()\n"), recipe, pipeline(recipe), turns) for _ in range(2))
        assert np.array_equal(first.ids, second.ids) and np.array_equal(first.positions, second.positions)
