"""Completions: every outcome by a scripted model, and whole ones with the bundled model, warm against cold."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from bundled import local_model, open_text, question, recipe, tokenizer
from fixture import cursor
from fuzz import python_files, rng, rounds, save_failure
from numpy.typing import NDArray

from hirope_ls.engine.complete import alternatives, complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.options import Options
from hirope_ls.engine.recent import Recent
from hirope_ls.engine.warmup import warm
from hirope_ls.model.generator import (
    Event,
    Finished,
    Generated,
    IntArray,
    Limits,
    Mentions,
    Prefilled,
    Reason,
    Sampling,
    StopFlag,
)


class Scripted:
    """A language model that says what it is told, token by token, and heeds its limits."""

    def __init__(self, says: bytes, reason: Reason = "stop", pause: float = 0.0) -> None:
        self.ids = tokenizer().encode(says).ids.tolist() if _is_text(says) else _byte_ids(says)
        self.reason = reason
        self.pause = pause
        self.limits: Limits | None = None
        self.asked: list[tuple[str, IntArray, IntArray]] = []

    def generate(
        self,
        session: str,
        ids: IntArray,
        positions: IntArray,
        limits: Limits,
        stop: StopFlag,
        mentions: Mentions | None = None,
    ) -> Iterator[Event]:
        self.limits = limits
        self.asked.append((session, ids, positions))
        yield Prefilled(0, ids.size, 1.0)
        for count, token in enumerate([*tokenizer().encode(limits.prefix).ids.tolist(), *self.ids]):
            if stop.is_set():
                yield Finished("cancelled")
                return
            if limits.deadline is not None and time.monotonic() >= limits.deadline:
                yield Finished("deadline")
                return
            if count == limits.max_new_tokens:
                yield Finished("length")
                return
            time.sleep(self.pause)
            yield Generated(token, -0.1)
        yield Finished(self.reason)

    def warm(self, session: str, ids: IntArray, positions: IntArray, stop: StopFlag, modest: bool = False) -> Prefilled:
        self.asked.append((session, ids, positions))
        return Prefilled(0, ids.size, 1.0)

    def cached(self, session: str) -> tuple[int, int]:
        return 0, 0

    def drop(self, session: str) -> None:
        self.asked.clear()

    def score(self, ids: IntArray, positions: IntArray, mentions: Mentions | None = None) -> NDArray[np.float32]:
        return np.zeros(ids.size - 1, np.float32)


def _is_text(data: bytes) -> bool:
    return data.decode("utf-8", "replace").encode() == data


def _byte_ids(data: bytes) -> list[int]:
    """One token a byte: for texts that end in half a character."""
    singles = {tokenizer().token_bytes(id): id for id in range(tokenizer().vocab_size)}
    return [singles[bytes([byte])] for byte in data]


def finish(marked: str, model: Scripted, options: Options | None = None, deadline: float | None = None) -> Completion:
    text, offset = cursor(marked)
    here = question(open_text(text), offset, options)
    return complete(here, model, threading.Event(), deadline=deadline, asked=time.monotonic())


@pytest.mark.parametrize(
    ("marked", "says", "text", "outcome"),
    [
        ("x = 1\ny = $0\n", b"x + 1\nz = 2\n", "x + 1", "shown"),
        ("x = 1\ny = $0\n", b"x + 1", "x + 1", "shown"),
        ("print($0)\n", b"x)", "x", "shown"),
        ("def f():\n    $0\n\n\nx = 1\n", b"a = 1\n    return a\n\n\ndef g", "a = 1\n    return a", "shown"),
        ("x = 1\n$0\n", b"", "", "empty:model-ended"),
        ("x = 1\n$0\ny\n", b"\n\n", "", "empty:blank"),
        ("x = 1\n$0\n\nimport re\n", b"import re\nx", "", "filtered:next-lines"),
        ("x = [$0]\n", b"]", "", "filtered:overlap"),
        ("x = $0\n", "\u202etxt".encode(), "", "filtered:unprintable"),
        ("x = $0\n", b"<|endoftext|>", "", "filtered:special-token"),
        ('x = "$0\n', "naïve 🦊".encode(), "naïve 🦊", "shown"),
        ('x = "$0\n', b"caf\xc3", "caf", "shown"),
        ('x = "$0\n', "🦊".encode()[:3], "", "empty:blank"),
    ],
)
def test_outcomes(marked: str, says: bytes, text: str, outcome: str) -> None:
    completion = finish(marked, Scripted(says))
    assert (completion.text, completion.outcome) == (text, outcome)
    assert completion.start == completion.end == cursor(marked)[1]


def test_an_empty_file_is_not_for_the_model_unless_it_has_a_beginning() -> None:
    model = Scripted(b"import os\n")
    completion = finish("$0", model)
    assert completion.outcome == ("shown" if model.asked else "empty:no-text")


def test_the_generation_ends_with_the_line() -> None:
    model = Scripted(b"alpha\n" + b"beta\n" * 50)
    completion = finish("x = $0\n", model)
    assert completion.tokens["generated"] < 6


def test_a_model_that_repeats_itself_is_stopped() -> None:
    completion = finish("x = [$0]\n", Scripted(b"1, " * 90))
    assert (completion.text, completion.outcome) == ("1", "shown")
    assert completion.tokens["generated"] < 40


@pytest.mark.parametrize(("reason", "outcome"), [("cancelled", "cancelled"), ("memory", "error:memory")])
def test_what_a_model_broke_off(reason: Reason, outcome: str) -> None:
    completion = finish("x = $0\n", Scripted(b"half a line", reason))
    assert (completion.text, completion.outcome) == ("", outcome)


def test_a_long_line_is_shown_as_far_as_it_goes() -> None:
    completion = finish("x = $0\n", Scripted(b"one + two + three + four + five"), Options(max_new_tokens=3))
    assert completion.outcome == "shown"
    assert completion.tokens["generated"] == 3
    assert "one + two + three".startswith(completion.text)


def test_a_block_broken_off_keeps_whole_lines() -> None:
    lines = b"one = 1\n    two = 2\n    three = 3"
    completion = finish("def f():\n    $0\n", Scripted(lines, "length"))
    assert (completion.text, completion.outcome) == ("one = 1\n    two = 2", "shown")


def test_at_the_deadline_there_is_a_whole_line_or_nothing() -> None:
    now = time.monotonic()
    assert finish("x = $0\n", Scripted(b"a + b + c", pause=0.05), deadline=now + 0.06).outcome == "deadline"
    lines = Scripted(b"a = 1\n    b = 2", "deadline")
    assert finish("def f():\n    $0\n", lines).text == "a = 1"


def test_special_tokens_end_or_are_forbidden() -> None:
    model = Scripted(b"x")
    finish("x = $0\n", model)
    special = tokenizer().special
    assert model.limits is not None
    assert special.end_of_text in model.limits.stop_ids
    assert special.all == model.limits.stop_ids | model.limits.forbidden_ids
    assert not model.limits.stop_ids & model.limits.forbidden_ids


def test_timings_and_counts_are_told() -> None:
    completion = finish("x = 1\ny = $0\nprint(y)\n", Scripted(b"x"))
    assert set(completion.timings) == {"queue", "prompt", "prefill", "decode", "trim", "total"}
    assert all(value >= 0 for value in completion.timings.values())
    assert completion.timings["total"] >= completion.timings["decode"]
    assert set(completion.tokens) == {"prompt", "reused", "prefilled", "generated", "drafted", "accepted"}
    assert completion.kind == "context-spm" and completion.units >= 1


def test_warming_prefills_what_prompts_begin_with() -> None:
    model, text = Scripted(b""), "import os\n\n\n" + "def f(a):\n    return a + 1\n\n\n" * 60
    snapshot = open_text(text)
    warm(snapshot, recipe(), model, threading.Event())
    complete(question(snapshot, len(text) // 2), model, threading.Event())
    (session, warmed, places), (asked_session, ids, positions) = model.asked
    assert session == asked_session
    common = int(np.argmin(np.append(warmed[: ids.size] == ids[: warmed.size], False)))
    assert common > 0.6 * (ids.size - 128)
    assert np.array_equal(places[:, :common], positions[:, :common])


def test_completions_of_the_real_model_are_the_same_warm_and_cold() -> None:
    """Promise C, at the level of completions: typing, jumping and accepting never change an answer."""
    random = rng("complete")
    model, cold = local_model(), local_model()
    text = python_files(1, smallest=4000, largest=6000)[0].read_text("utf-8")
    snapshot = open_text(text, uri="file:///warm.py")
    warm(snapshot, recipe(), model, threading.Event())
    offset, options, reused = len(text.encode()) // 2, Options(max_new_tokens=6), 0
    for step in range(rounds(8)):
        data = snapshot.buffer.data
        here = question(snapshot, offset, options)
        warm_one = complete(here, model, threading.Event())
        cold.drop(snapshot.uri)
        cold_one = complete(here, cold, threading.Event())
        if (warm_one.text, warm_one.outcome) != (cold_one.text, cold_one.outcome):
            saved = save_failure("complete", f"{offset}\n{data.decode()}")
            pytest.fail(f"step {step}: {warm_one} is not {cold_one}; kept as {saved}")
        reused += warm_one.tokens.get("reused", 0)
        typed = (warm_one.text[: random.randrange(1, 6)] or "x").encode()
        data = data[:offset] + typed + data[offset:]
        offset += len(typed)
        snapshot = open_text(data.decode(), uri=snapshot.uri)
        if random.random() < 0.3:
            offset = data.find(b"\n", random.randrange(len(data)))
            offset = offset if offset >= 0 else len(data)
    assert reused > 0
    model.drop(snapshot.uri)


def shown(text: str, at: int) -> Completion:
    return Completion(text, at, at, "shown")


def test_a_known_answer_is_served_again_and_while_it_is_typed() -> None:
    recent = Recent()
    data = b"x = \ny\n"
    recent.add("a", data, shown("früh()", 4))
    for typed in ("", "f", "fr", "frü", "früh("):
        grown = b"x = " + typed.encode() + b"\ny\n"
        found = recent.find("a", grown, 4 + len(typed.encode()))
        assert found is not None
        assert (found.text, found.outcome) == ("früh()"[len(typed) :], "cached")
        assert found.start == found.end == 4 + len(typed.encode())


@pytest.mark.parametrize(
    ("uri", "data", "offset"),
    [
        ("b", b"x = \ny\n", 4),  # another document
        ("a", b"x = g\ny\n", 5),  # something else was typed
        ("a", b"x = foo()\ny\n", 9),  # all of it was typed
        ("a", b"z = f\ny\n", 5),  # the text before changed
        ("a", b"x = f\nz\n", 5),  # the text after changed
        ("a", b"x = f\ny\n\n", 5),
        ("a", b"x = \ny\n", 3),  # the cursor moved
        ("a", b"", 0),
    ],
)
def test_another_text_is_another_question(uri: str, data: bytes, offset: int) -> None:
    recent = Recent()
    recent.add("a", b"x = \ny\n", shown("foo()", 4))
    assert recent.find(uri, data, offset) is None


def test_only_what_was_shown_is_remembered_and_closing_forgets() -> None:
    recent = Recent()
    recent.add("a", b"x = ", Completion("", 4, 4, "empty:blank"))
    assert recent.find("a", b"x = ", 4) is None
    recent.add("a", b"x = ", shown("1", 4))
    recent.forget("a")
    assert recent.find("a", b"x = ", 4) is None


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    recent = Recent(per_document=4, max_bytes=1000)
    for number in range(50):
        recent.add(f"doc {number % 7}", bytes(100), shown(str(number), 50))
    kept = [found.text for uri in range(7) if (found := recent.find(f"doc {uri}", bytes(100), 50))]
    assert "49" in kept
    assert sum(len(each.data) for document in recent._shown.values() for each in document) <= 1000
    recent.add("large", bytes(5000), shown("still", 50))
    found = recent.find("large", bytes(5000), 50)
    assert found is not None and found.text == "still"


def test_alternatives_are_others_than_the_first() -> None:
    text = python_files(1, smallest=4000, largest=6000)[0].read_text("utf-8")
    snapshot, stop = open_text(text), threading.Event()
    offset, several = text.encode().find(b"\n", len(text.encode()) // 2), 0
    for at in range(offset, offset + 400, 100):
        at = snapshot.buffer.data.find(b" ", at) + 1
        here, model = question(snapshot, at, Options(max_new_tokens=12)), local_model()
        first = complete(here, model, stop)
        found, again = (alternatives(here, model, stop, first, count=2) for _ in range(2))
        assert [each.text for each in found] == [each.text for each in again]
        assert len(found) <= 2 and len({first.text, *(each.text for each in found)}) == len(found) + 1
        assert all(each.outcome == "shown" and each.start == at for each in found)
        assert all(each.tokens["prefilled"] == 1 for each in found)
        several += bool(found)
    assert several >= 2


def test_alternatives_ask_the_model_for_nothing_that_is_known() -> None:
    text, offset = cursor("x = $0\n")
    here, model = question(open_text(text), offset), Scripted(b"1")
    first = complete(here, model, threading.Event())
    assert model.limits is not None and model.limits.sampling is None
    model.asked.clear()
    assert alternatives(here, model, threading.Event(), first, count=4) == []  # it says the same each time
    assert len(model.asked) == 12 and model.limits.sampling == Sampling(seed=11)
    model.asked.clear()
    (other,) = alternatives(here, model, threading.Event(), Completion("2", offset, offset, "cached"), count=1)
    assert other.text == "1" and len(model.asked) == 1


def test_alternatives_end_with_the_deadline_and_with_a_stop() -> None:
    text, offset = cursor("x = $0\n")
    first, stop = Completion("2", offset, offset, "shown"), threading.Event()
    where = (question(open_text(text), offset), Scripted(b"1"), stop, first)
    assert alternatives(*where, count=5, deadline=0.0) == []
    stop.set()
    assert alternatives(*where, count=5) == []
    assert not where[1].asked
