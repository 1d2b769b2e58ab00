"""Warm-ups with the bundled model: they take nothing from the next completion, and change no answer."""

from __future__ import annotations

import random
import threading

from bundled import local_model, open_text, question
from engine.test_complete import Scripted
from fuzz import python_files, rng, rounds, save_failure

from hirope_ls.engine.complete import complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import build_prompt
from hirope_ls.engine.question import Question
from hirope_ls.engine.warmup import warm_here
from hirope_ls.model.generator import LanguageModel

URI = "file:///warm-here.py"


def place(text: str, at: int) -> Question:
    return question(open_text(text, uri=URI), at, Options(max_new_tokens=4))


def plain(text: str, at: int, model: LanguageModel) -> Completion:
    return complete(place(text, at), model, threading.Event())


def edited(random: random.Random, text: str, at: int, above: bool) -> tuple[str, int]:
    """An edit above the cursor, at it or below; the text is ASCII."""
    new = random.choice(("x", "y = 1\n", "", "def g(a):\n    return a\n"))
    start = random.randrange(at // 2) if above else random.choice((at, random.randrange(at, len(text))))
    end = start if start == at else min(start + random.randrange(3), len(text))
    end = min(end, at) if start < at else end
    return text[:start] + new + text[end:], at + (len(new) - (end - start) if start <= at else 0)


def test_a_warm_up_takes_nothing_from_the_next_completion() -> None:
    random = rng("warm-here")
    paths = python_files(40, smallest=3000, largest=5000)
    text = next(text for path in paths if (text := path.read_text("utf-8")).isascii() and "\r" not in text)
    at = text.rfind("\n", 0, 2 * len(text) // 3)
    model, twin, cold = local_model(), local_model(), local_model()
    saved = 0
    for step in range(rounds(4)):
        for each in (model, twin):
            plain(text, at, each)
        text, at = edited(random, text, at, step % 2 == 0)
        warm_here(place(text, at), model, threading.Event())
        cold.drop(URI)
        answers = [plain(text, at, each) for each in (model, twin, cold)]
        failure = f"{at}\n{text}"
        assert len({(answer.text, answer.outcome) for answer in answers}) == 1, save_failure("warm-here", failure)
        kept, alone = (answer.tokens["reused"] for answer in answers[:2])
        assert kept >= alone, save_failure("warm-here", failure)
        saved += kept - alone
    assert saved > 0
    for each in (model, twin):
        each.drop(URI)


def test_it_reads_up_to_the_first_mention() -> None:
    text = python_files(1, smallest=20_000, largest=40_000)[0].read_text("utf-8")
    at = len(text[: text.rfind("\n", 0, len(text) // 2)].encode())
    here, model = place(text, at), Scripted(b"")
    warm_here(here, model, threading.Event())
    prompt = build_prompt(here)
    ((session, ids, positions),) = model.asked
    assert prompt.mentions is not None and prompt.mentions.pairs.size
    first = int(prompt.mentions.pairs[0, 0])
    assert session == URI and ids.size == first >= prompt.far
    assert (ids == prompt.ids[:first]).all() and (positions == prompt.positions[:, :first]).all()


def test_an_empty_text_has_nothing_to_read() -> None:
    model = Scripted(b"")
    warm_here(place("", 0), model, threading.Event())
    assert len(model.asked) == bool(build_prompt(place("", 0)).ids.size)
