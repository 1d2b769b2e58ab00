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
from hirope_ls.engine.warmup import warm_here, warm_rest
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


def test_reading_the_rest_takes_nothing_from_the_next_completion() -> None:
    """With the bundled model: keystrokes find what they find without it, a jump past the edit finds all of the text."""
    random = rng("warm-rest")
    paths = python_files(40, smallest=5000, largest=7000)
    text = next(text for path in paths if (text := path.read_text("utf-8")).isascii() and "\r" not in text)
    at = text.rfind("\n", 0, len(text) // 3)
    model, twin = local_model(), local_model()
    for _ in range(rounds(2)):
        text, at = edited(random, text, at, True)
        for each in (model, twin):
            plain(text, at, each)
        warm_rest(place(text, at), model, threading.Event())
        text, at = text[:at] + "x" + text[at:], at + 1
        answers = [plain(text, at, each) for each in (model, twin)]
        assert answers[0].text == answers[1].text, save_failure("warm-rest", f"{at}\n{text}")
        assert answers[0].tokens["reused"] == answers[1].tokens["reused"] > 0
        below = text.rfind("\n", 0, len(text) * 9 // 10)
        warm_rest(place(text, at), model, threading.Event())
        jumped = plain(text, below, model)
        far = build_prompt(place(text, below)).far
        assert jumped.tokens["reused"] >= far, "all but what stands round the cursor"
    for each in (model, twin):
        each.drop(URI)


def test_the_rest_of_a_long_file_begins_where_its_prompts_begin() -> None:
    text = python_files(1, smallest=20_000, largest=40_000)[0].read_text("utf-8")
    at = len(text[: text.rfind("\n", 0, 2 * len(text) // 3)].encode())
    options = Options(max_new_tokens=4, max_prompt_tokens=1000)
    snapshot, model = open_text(text, uri=URI), Scripted(b"")
    asked = question(snapshot, at, options)
    warm_rest(asked, model, threading.Event())
    ((_, ids, positions),) = model.asked
    prompt = build_prompt(asked)
    assert prompt.dropped and prompt.far < ids.size <= 1000
    assert (ids[: prompt.far] == prompt.ids[: prompt.far]).all()
    assert (positions[:, : prompt.far] == prompt.positions[:, : prompt.far]).all()


def test_after_an_approximate_answer_a_pause_makes_the_next_one_exact() -> None:
    text = python_files(1, smallest=9000, largest=12_000)[0].read_text("utf-8")
    at = len(text[: text.rfind("\n", 0, 9 * len(text) // 10)].encode())
    options = Options(max_new_tokens=4, approximate_splice=True)
    model, cold = local_model(), local_model()
    complete(question(open_text(text, uri=URI), at, options), model, threading.Event())
    snapshot, at = open_text("import re\n" + text, uri=URI), at + len("import re\n")
    asked = question(snapshot, at, options)
    nearly = complete(asked, model, threading.Event())
    assert nearly.approximate is not None and nearly.approximate < 100, "all rows that count rest on rows from before"
    warm_here(asked, model, threading.Event())
    answer = complete(asked, model, threading.Event())
    expected = complete(asked, cold, threading.Event())
    assert answer.approximate is None and answer.text == expected.text
    assert answer.tokens["reused"] > 0 == expected.tokens["reused"]
