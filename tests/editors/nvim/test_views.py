"""What the plugin shows beside ghost text, and how it gets over a server that dies, in real Neovims."""

from __future__ import annotations

import os
import signal

from editors.kept import SHAPES
from editors.nvim.conftest import PLUGIN, Session

TOTALS = "".join(
    f"\n\ndef {name}_{part}(shapes):\n    return {name}(shape.{part}() for shape in shapes)\n"
    for name in ("sum", "max", "min", "list", "sorted")
    for part in ("area", "perimeter")
)
USE = SHAPES + "    def area(self):\n        return self.side ** 2\n" + TOTALS + "\n\nprint(Square(3).area())\n"

ANOTHER = "local id = require('hirope.session').client_id return id and id ~= ... or false"


def wait_screen(session: Session, *words: str) -> str:
    session.nvim.wait(lambda: all(word in session.nvim.screen.text() for word in words), f"{words} on the screen")
    return session.nvim.screen.text()


def test_status(session: Session) -> None:
    session.open(SHAPES)
    session.nvim.command("Hirope status")
    wait_screen(session, "state        ready", "model", "documents")
    session.picture("status")
    session.nvim.keys("q")
    session.nvim.wait(lambda: "documents" not in session.nvim.screen.text(), "the float to close")
    assert session.lua("return require('hirope').statusline()").startswith("hirope")


def test_positions(session: Session) -> None:
    session.open(SHAPES)
    session.nvim.keys("G")
    session.nvim.command("Hirope positions")
    wait_screen(session, "units; trained for", "Square")
    session.picture("positions")
    marked = session.nvim.line
    assert marked.startswith(" >") and "Square" in marked
    session.nvim.keys("gg3jj<CR>")
    session.nvim.wait(lambda: session.lua("return vim.bo.buftype") == "", "the file's window")
    session.nvim.command("only")


def test_explain(session: Session) -> None:
    session.open(USE)
    session.nvim.keys("G$F.")
    session.nvim.keys("b")
    session.nvim.command("call search('Square', 'bc')")
    session.nvim.command("Hirope explain")
    wait_screen(session, "Square", "hirope: ")
    ended = "return not table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'):find('It is being written')"
    session.nvim.wait(lambda: session.lua(ended), "the explanation's end")
    assert "# " not in wait_screen(session, "Called by")
    session.picture("explain")
    session.nvim.keys("q")
    session.nvim.wait(lambda: session.lua("return vim.bo.buftype") == "", "the float to close")


def test_doctor(session: Session) -> None:
    session.open(SHAPES)
    session.nvim.command("Hirope doctor")
    session.nvim.wait(lambda: "Suggestions work" in session.nvim.text, "the doctor's last line")
    assert "--stdio" not in session.nvim.text
    session.nvim.keys("q")


def test_log(session: Session) -> None:
    session.open(SHAPES)
    session.nvim.command("Hirope log")
    wait_screen(session, "What the server wrote to stderr")
    session.nvim.keys("q")


def test_health(session: Session) -> None:
    session.open(SHAPES)
    session.nvim.command("checkhealth hirope")
    text = session.nvim.wait(lambda: "A server runs" in session.nvim.text and session.nvim.text, "the report")
    assert "ERROR" not in text and "WARNING" not in text, text
    session.nvim.command("bwipeout!")


def test_help(session: Session) -> None:
    session.nvim.command(f"helptags {PLUGIN}/doc")
    session.nvim.command("help hirope")
    assert session.lua("return vim.fn.expand('%:t')") == "hirope.txt"
    session.nvim.command("help :Hirope")
    session.nvim.command("help hirope-keys")
    session.nvim.command("bwipeout!")


def test_a_server_that_dies_is_started_again_but_not_for_ever(session: Session) -> None:
    session.open(SHAPES)
    limit = session.lua("return require('hirope.session').wishes.restarts")
    for number in range(limit + 1):
        old = session.lua("return require('hirope.session').client_id")
        os.kill(session.trail.pid, signal.SIGKILL)
        if number < limit:
            session.nvim.wait(lambda old=old: session.lua(ANOTHER, old), "another server")  # type: ignore[misc]
            session.nvim.wait(session.ready, "it to be ready")
    session.nvim.wait(lambda: session.lua("return require('hirope.session').state") == "dead", "it to give up")
    told = session.messages()
    assert told.count("is started again") == 1 and told.count("times in five minutes") == 1
    session.nvim.command("Hirope restart")
    session.nvim.wait(session.ready, "the server")
    session.nvim.keys("Go")
    session.nvim.type("    def area(self):\n        re")
    session.wait_shown()
    session.end_insert()
