"""Between keys: requests that are given up, settings that change, several lines at once; in real Neovims."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from editors.kept import SHAPES
from editors.nvim.conftest import SUGGEST, Session
from editors.nvim.test_nvim import AREA, suggest


@contextmanager
def held(session: Session) -> Iterator[None]:
    """The server hears and says nothing meanwhile."""
    pid = session.trail.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_next_key_gives_a_request_up(session: Session) -> None:
    """The plugin cancels it; Neovim's own ghost text does not, and there the server leaves it unanswered."""
    session.open(SHAPES)
    session.nvim.keys("Go")
    session.nvim.type("    def area(self):\n        r")
    session.wait_shown()
    session.nvim.keys("<C-u>")
    session.nvim.type("x")
    session.nvim.wait(lambda: not session.trail.open(SUGGEST), "every answer")
    asked = session.requests()
    with held(session):
        session.nvim.type("y")
        session.nvim.wait(lambda: session.requests() > asked, "a request")
        given_up = session.trail.sent(SUGGEST)[-1]
        session.nvim.keys("<BS>")
        session.nvim.type("z = math.")
        session.nvim.wait(lambda: session.trail.sent(SUGGEST)[-1]["id"] != given_up["id"], "another request")
        cancelled = [message["params"]["id"] for message in session.trail.sent("$/cancelRequest")]
        assert (given_up["id"] in cancelled) == (session.ghost == "own")
    session.nvim.wait(lambda: answer_to(session, given_up), "its answer")
    assert not answer_to(session, given_up).get("result")
    session.end_insert()


def answer_to(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to it; empty while there is none."""
    return next((reply for asked, reply in session.trail.answers(SUGGEST) if asked["id"] == request["id"]), {})


def test_settings_change_while_it_runs(session: Session) -> None:
    suggest(session)
    session.nvim.keys("<C-]>")
    session.nvim.wait(lambda: not session.shown(), "it to go")
    configure(session, {"enable": False})
    session.nvim.wait(lambda: session.status()["enabled"] is False, "the server to know")
    before = session.status()["outcomes"].get("filtered:disabled", 0)
    session.nvim.keys("<C-Space>")
    session.nvim.wait(lambda: session.status()["outcomes"].get("filtered:disabled", 0) > before, "an answer")
    assert session.shown() == ""
    configure(session, {"enable": True})
    session.nvim.wait(lambda: session.status()["enabled"], "the server to know")
    session.nvim.keys("<C-Space>")
    session.wait_shown()
    session.end_insert()


def configure(session: Session, settings: dict[str, Any]) -> None:
    session.lua("require('hirope').configure(...)", settings)
    assert session.lua("return require('hirope.session').wishes.settings.maxNewTokens") == 32


def test_a_wrong_setting_is_named(session: Session) -> None:
    session.open(SHAPES)
    configure(session, {"maxLines": "many"})
    session.nvim.wait(lambda: "maxLines" in session.messages(), "a message")
    configure(session, {"maxLines": 8})


def test_in_a_block_insert(session: Session) -> None:
    """Neovim has no multiple cursors; this is what comes nearest. What is accepted counts as typed."""
    configure(session, {"maxLines": 1})
    session.open(SHAPES + "    a\n    b\n    c\n")
    session.nvim.keys("gg/^    a$<CR>02l<C-v>jjI")
    session.nvim.type("return self.")
    shown = session.wait_shown()
    session.nvim.keys("<Tab>")
    session.nvim.wait(lambda: f"  return self.{shown}  a" in session.nvim.text, "the text")
    session.end_insert()
    added = "".join(f"  return self.{shown}  {name}\n" for name in "abc")
    session.nvim.wait(lambda: session.nvim.text + "\n" == SHAPES + added, "it in all three lines")
    configure(session, {"maxLines": 8})


def test_repeated_is_what_was_typed(session: Session) -> None:
    """By `.`: what is accepted belongs to the place that it was suggested for."""
    shown = suggest(session)
    session.nvim.keys("<Tab>")
    session.nvim.wait(lambda: session.nvim.text == SHAPES + AREA + shown, "the text")
    session.nvim.type("#")
    session.end_insert()
    session.nvim.keys("G.")
    session.nvim.wait(lambda: session.nvim.text != SHAPES + AREA + shown + "#", "the repetition")
    assert session.nvim.text.count(shown) == SHAPES.count(shown) + 1


def test_ghost_text_in_two_windows_of_a_file(session: Session) -> None:
    """It stands in the window that is typed in and is gone from both afterwards."""
    shown = suggest(session)
    session.end_insert()
    session.nvim.command("split")
    session.nvim.keys("A")
    assert session.wait_shown() == shown
    session.nvim.keys("<Tab>")
    session.nvim.wait(lambda: session.nvim.text == SHAPES + AREA + shown, "the text")
    session.end_insert()
    session.nvim.command("only")
    assert session.shown() == ""
