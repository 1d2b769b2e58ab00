"""Suggestions that are shown, accepted and kept: told by edits alone, and never by typing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from editor import Editor
from server.conftest import Start
from server.test_inline import AT, CODE, URI, ready
from server.test_settings import until

from hirope_ls.server.taken import Taken
from hirope_ls.text.edit import Edit

TEXT = "def f():\n    \n"
PLACE = len(TEXT) - 1
SAYS = "return alpha + beta"


class Session:
    """A document, and who watches it."""

    def __init__(self) -> None:
        self.data = TEXT.encode()
        self.taken = Taken(lambda: None, seconds=0.02)

    def show(self, at: int, text: str) -> None:
        self.taken.shown("u", self.data, at, text)

    def edit(self, start: int, end: int, new: str) -> None:
        edit = Edit(start, end, new.encode())
        self.data = edit.apply(self.data)
        self.taken.edited("u", self.data, [edit])


def whole(session: Session) -> None:
    session.edit(PLACE, PLACE, SAYS)


def by_words(session: Session) -> None:
    at = PLACE
    for part in ("return ", "alpha", " + beta"):
        session.edit(at, at, part)
        at += len(part)


def one_word(session: Session) -> None:
    session.edit(PLACE, PLACE, "return ")
    session.edit(PLACE + 7, PLACE + 7, "None")


def typed(session: Session) -> None:
    for at, character in enumerate(SAYS):
        session.edit(PLACE + at, PLACE + at, character)


def typed_then_accepted(session: Session) -> None:
    session.edit(PLACE, PLACE, "r")
    session.show(PLACE + 1, SAYS[1:])
    session.edit(PLACE + 1, PLACE + 1, SAYS[1:])


def something_else(session: Session) -> None:
    session.edit(PLACE, PLACE, "pass  # nothing of it")


def taken_back(session: Session) -> None:
    session.edit(PLACE, PLACE, SAYS)
    session.edit(PLACE, PLACE + len(SAYS), "")


def renamed(session: Session) -> None:
    session.edit(PLACE, PLACE, SAYS)
    session.edit(PLACE + 15, PLACE + 19, "eta")
    session.edit(0, 0, "# a line above\n" * 30)


def rewritten(session: Session) -> None:
    session.edit(PLACE, PLACE, SAYS)
    session.edit(PLACE + 2, PLACE + len(SAYS), "x(1)")


def closed(session: Session) -> None:
    session.edit(PLACE, PLACE, SAYS)
    session.taken.closed("u")


def told(session: Session) -> None:
    session.taken.told("u")
    session.edit(PLACE, PLACE, SAYS)


@pytest.mark.parametrize(
    ("happens", "accepted", "kept"),
    [
        (whole, 1, 1),
        (by_words, 1, 1),
        (one_word, 1, 1),
        (typed, 0, 0),
        (typed_then_accepted, 1, 1),
        (something_else, 0, 0),
        (taken_back, 1, 0),
        (renamed, 1, 1),
        (rewritten, 1, 0),
        (closed, 1, 1),
        (told, 1, 1),
    ],
)
def test_what_becomes_of_a_suggestion(happens: Callable[[Session], None], accepted: int, kept: int) -> None:
    async def run() -> dict[str, int]:
        session = Session()
        session.show(PLACE, SAYS)
        happens(session)
        await asyncio.sleep(0.1)
        return session.taken.counts

    assert asyncio.run(run()) == {"shown": 1, "accepted": accepted, "kept": kept}


def test_counted_in_a_session(fake: Start) -> None:
    def counts(editor: Editor) -> dict[str, int]:
        return editor.ask("hirope/status")["suggestions"]  # type: ignore[no-any-return]

    with ready(fake, says="return a + b\n") as editor:
        (item,) = editor.reply(editor.inline(URI, AT))["items"]
        assert counts(editor) == {"shown": 1, "accepted": 0, "kept": 0}
        editor.change(URI, (AT, AT, item["insertText"]))
        assert counts(editor) == {"shown": 1, "accepted": 1, "kept": 0}
        editor.change_all(URI, CODE)
        editor.reply(editor.inline(URI, AT))
        editor.notify("hirope/didAccept", {"textDocument": {"uri": URI}})
        until(lambda: counts(editor)["accepted"] == 2)
