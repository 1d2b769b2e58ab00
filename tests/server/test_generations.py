"""Which requests a running generation may serve, case by case: texts with a cursor, before and after."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest
from fixture import cursor

from hirope_ls.engine.ahead import NOT_AHEAD
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.progress import Progress
from hirope_ls.server.generations import Generation

TEXT = "x = $0\ny = 2\n"


def generation(said: str | None) -> Generation:
    """One for TEXT that has said so much; None if it has not begun."""
    text, offset = cursor(TEXT)
    progress = Progress()
    if said is not None:
        progress.begin(threading.Event()).tell(said)
    return Generation(text.encode(), offset, progress, Future())


@pytest.mark.parametrize(
    ("said", "marked", "serves"),
    [
        ("", TEXT, True),
        ("fo", TEXT, True),
        (None, TEXT, True),
        (None, "x = f$0\ny = 2\n", False),  # not begun: it may as well begin with the newer text
        ("", "x = f$0\ny = 2\n", True),
        ("fo", "x = f$0\ny = 2\n", True),
        ("fo", "x = foo(\n$0\ny = 2\n", True),
        ("fo", "x = fa$0\ny = 2\n", False),
        ("fo", "x = $0f\ny = 2\n", False),
        ("fo", "x =$0 \ny = 2\n", False),
        ("fo", "x = \ny = 2\n$0", False),
        ("fo", "x = f$0\ny = 3\n", False),
        ("fo", "z = f$0\ny = 2\n", False),
        ("fo", "x = f$0\ny = 2\n\n", False),
        ("fo", "#x = $0\ny = 2\n", False),
        (None, "#x = $0\ny = 2\n", False),
        ("", "$0", False),
    ],
)
def test_serves(said: str | None, marked: str, serves: bool) -> None:
    async def check() -> None:
        text, offset = cursor(marked)
        assert generation(said).serves(text.encode(), offset) is serves

    asyncio.run(check())


@pytest.mark.parametrize(
    ("text", "outcome", "typed", "seen"),
    [
        ("foo()", "shown", "", "foo()"),
        ("foo()", "shown", "fo", "o()"),
        ("foo()", "shown", "foo()", None),
        ("foo()", "shown", "foo()\n", None),
        ("foo()", "shown", "fa", None),
        ("", "empty:blank", "", ""),
        ("", "empty:blank", "fo", None),
        ("", "filtered:overlap", "fo", None),
        ("", "deadline", "fo", ""),
        ("", "error:memory", "fo", ""),
        ("", "cancelled", "fo", None),
        ("", NOT_AHEAD, "", None),
    ],
)
def test_seen_from_a_later_text(text: str, outcome: str, typed: str, seen: str | None) -> None:
    """None: it says nothing about that text, and the model is asked again."""

    async def check() -> None:
        made = generation("")
        completion = Completion(text, made.offset, made.offset, outcome)
        data = made.data[: made.offset] + typed.encode() + made.data[made.offset :]
        found = made.seen_from(data, made.offset + len(typed), completion)
        assert (found and found.text) == seen
        if found is not None and text and typed:
            at = made.offset + len(typed)
            assert found == replace(completion, text=seen or "", start=at, end=at)

    asyncio.run(check())
