"""The completion after acceptance, with the bundled model: equal to a cold one, and nothing is lost by making it."""

from __future__ import annotations

import threading

import pytest
from bundled import local_model, open_text, question
from engine.test_complete import Scripted
from fuzz import python_files, rng, rounds, save_failure

from hirope_ls.engine.ahead import NOT_AHEAD, complete_ahead, extends, shared
from hirope_ls.engine.complete import complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.options import Options
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.prompt import build_prompt
from hirope_ls.engine.question import Question
from hirope_ls.model.generator import LanguageModel

OPTIONS = Options(max_new_tokens=6)


def put(text: str, at: int, new: str) -> Question:
    data = text.encode()
    grown = data[:at] + new.encode() + data[at:]
    return question(open_text(grown.decode(), uri="file:///ahead.py"), at + len(new.encode()), OPTIONS)


def plain(place: Question, model: LanguageModel) -> Completion:
    return complete(place, model, threading.Event())


def test_it_equals_a_cold_answer_and_the_next_keystroke_loses_nothing() -> None:
    random = rng("ahead")
    model, twin = local_model(), local_model()
    text = python_files(1, smallest=4000, largest=6000)[0].read_text("utf-8")
    made = 0
    for _ in range(rounds(6)):
        at = len(text[: text.rfind("\n", 0, random.randrange(500, len(text)))].encode())
        now = put(text, at, "")
        answers = [plain(now, each) for each in (model, twin)]
        if not answers[0].text:
            continue
        then = put(text, at, answers[0].text)
        progress = Progress().begin(threading.Event())
        ahead = complete_ahead(now, then, model, progress)
        typed = put(text, at, random.choice("qzx"))
        kept, alone = (plain(typed, each).tokens["reused"] for each in (model, twin))
        assert kept >= alone - 8, save_failure("ahead", f"{at}\n{text}")
        if ahead.outcome != NOT_AHEAD:
            made += 1
            twin.drop(now.snapshot.uri)
            cold = plain(then, twin)
            assert (ahead.text, ahead.outcome) == (cold.text, cold.outcome), save_failure("ahead", f"{at}\n{text}")
        for each in (model, twin):
            each.drop(now.snapshot.uri)
    assert made, "every one of them was left out"


def test_it_is_left_out_where_the_near_part_would_begin_elsewhere() -> None:
    text = "".join(f"value_{number} = {number}\n" for number in range(200))
    now, then = put(text, len(text), ""), put(text, len(text), text[:900])
    model = Scripted(b"x")
    progress = Progress().begin(threading.Event())
    assert complete_ahead(now, then, model, progress).outcome == NOT_AHEAD
    assert not model.asked
    near = put(text, len(text), "value_")
    found = complete_ahead(now, near, model, progress)
    assert found.outcome == "shown" and len(model.asked) == 1


@pytest.mark.parametrize("seed", range(3))
def test_what_two_prompts_share_is_compared_row_by_row(seed: int) -> None:
    random = rng(f"shared-{seed}")
    text = python_files(1, smallest=9000, largest=20_000)[0].read_text("utf-8")
    prompts = []
    at = random.randrange(2000, len(text.encode()) - 200)
    at = text.encode()[:at].rfind(b"\n") + 1
    for new in ("", "x", "def f(open):\n    return open\n"):
        prompts.append(build_prompt(put(text, at, new)))
    for one in prompts:
        for two in prompts:
            rows = [[[] for _ in range(each.ids.size)] for each in (one, two)]
            for each, told in zip((one, two), rows, strict=True):
                for row in range(each.ids.size):
                    told[row] += [int(each.ids[row]), *each.positions[:, row].tolist()]
                for token, unit in each.mentions.pairs.T.tolist() if each.mentions else []:
                    told[token].append(unit)
            same = [left == right for left, right in zip(*rows, strict=False)]
            assert shared(one, two) == (same.index(False) if False in same else len(same))
        assert extends(one, one)
