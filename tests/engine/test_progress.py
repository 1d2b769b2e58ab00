"""What a running generation tells, and what stops it: typing that disagrees, a deadline that may move, a stop flag."""

from __future__ import annotations

import threading
import time

import pytest
from bundled import open_text, question
from engine.test_complete import Scripted
from fixture import cursor

from hirope_ls.engine.complete import complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.progress import Progress


def finish(marked: str, model: Scripted, progress: Progress) -> Completion:
    text, offset = cursor(marked)
    return complete(question(open_text(text), offset), model, progress.begin(threading.Event()), progress=progress)


class Told(Progress):
    """Keeps all that it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def tell(self, said: str) -> None:
        super().tell(said)
        self.texts.append(said)


def test_the_text_so_far_is_told_as_it_grows() -> None:
    told = Told()
    completion = finish("x = $0\n", Scripted(b"alpha + beta\ngamma"), told)
    assert completion.text == "alpha + beta"
    assert len(told.texts) >= 3
    assert all(late.startswith(early) for early, late in zip(told.texts, told.texts[1:], strict=False))
    assert told.texts[-1].startswith("alpha + beta\n")


@pytest.mark.parametrize(
    ("said", "typed", "agrees"),
    [
        ("", "", True),
        ("", "foo", True),
        ("foo", "", True),
        ("foo", "fo", True),
        ("foo", "foo", True),
        ("fo", "foo(", True),
        ("fo", "fa", False),
        ("fo", "xfo", False),
        ("foo\n", "foo\r\n", False),
    ],
)
def test_agreement(said: str, typed: str, agrees: bool) -> None:
    progress = Progress().begin(threading.Event())
    progress.tell(said)
    assert progress.agrees(typed) is agrees
    progress.typed = typed
    assert progress.is_set() is not agrees


def test_it_stops_where_it_says_something_else_than_was_typed() -> None:
    progress = Told()
    progress.typed = "alpha + c"
    completion = finish("x = $0\n", Scripted(b"alpha + beta + gamma + delta + epsilon"), progress)
    assert (completion.text, completion.outcome) == ("", "cancelled")
    assert "epsilon" not in progress.texts[-1]


def test_what_was_typed_does_not_change_what_is_said() -> None:
    plain, typed = Progress(), Progress()
    typed.typed = "alpha + b"
    model = Scripted(b"alpha + beta")
    assert finish("x = $0\n", model, typed).text == finish("x = $0\n", model, plain).text


def test_the_deadline_is_the_one_it_has_now() -> None:
    progress = Progress(time.monotonic() - 1)
    assert progress.late and progress.is_set()
    assert finish("x = $0\n", Scripted(b"alpha"), progress).outcome == "deadline"
    progress.deadline = time.monotonic() + 3600
    assert not progress.late and not progress.is_set()
    assert finish("x = $0\n", Scripted(b"alpha"), progress).text == "alpha"


def test_at_its_deadline_a_block_keeps_whole_lines() -> None:
    progress = Told()
    model = Scripted(b"one = 1\n    two = 2\n    three = 3 + 3 + 3 + 3 + 3 + 3")
    tell = progress.tell

    def late(said: str) -> None:
        tell(said)
        if "three" in said:
            progress.deadline = 0.0

    progress.tell = late  # type: ignore[method-assign]
    completion = finish("def f():\n    $0\n", model, progress)
    assert (completion.text, completion.outcome) == ("one = 1\n    two = 2", "shown")


def test_it_starts_anew_with_each_run() -> None:
    progress, stop = Progress(), threading.Event()
    assert not progress.begun
    progress.begin(stop).tell("something")
    progress.typed = "some"
    assert progress.begun and not progress.is_set()
    progress.begin(threading.Event())
    stop.set()
    assert progress.agrees("anything") and not progress.is_set()
