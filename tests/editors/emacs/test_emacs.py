"""hirope-ls in a real Emacs, set up with the words of editors/emacs/README.md; the server is real, with its model."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from editors.emacs.install import install
from editors.home import ROOT, environment, fenced, furnish, had
from editors.kept import SHAPES
from editors.tap import Trail

GHOST, MENU = fenced(ROOT / "editors" / "emacs" / "README.md", "elisp")[:2]
QUIET: Final = """
(setq inhibit-startup-screen t make-backup-files nil create-lockfiles nil vc-handled-backends nil auto-save-default nil)
(setq native-comp-jit-compilation nil)
"""
"""Nothing but the file on the screen and on the disk, and no compiler beside it."""
SUGGEST: Final = "textDocument/inlineCompletion"
TEXT: Final = SHAPES.replace("A square.", "A square 🟦, écarté: 𝒂².")
TYPED: Final = TEXT + "def area(self):\n    re"
TAB, ENTER, UNDO, QUIT, WORD, END_OF_LINE = "\t", "\r", "\x1f", "\x07", "\x1bf", "\x05"


class Emacs:
    """One that edits a file, at its end."""

    def __init__(self, terminal: Any, trail: Trail, file: Path) -> None:
        self.terminal, self.trail, self.file = terminal, trail, file

    def text(self) -> str:
        """The file, once Emacs has written it."""
        self.file.unlink()
        self.terminal.keys("\x18\x13")  # C-x C-s
        self.terminal.wait_text("Wrote ")
        self.terminal.keys(QUIT)
        self.terminal.wait(lambda: "Quit" in self.terminal.text(), "the message to go")
        return self.file.read_bytes().decode()

    def suggest(self) -> str:
        """Type; what is suggested and shown then."""
        self.terminal.type("def area(self):\nre")
        suggested = str(self.terminal.wait(self.settled, "a suggestion"))
        self.seen("re" + suggested)
        return suggested

    def settled(self) -> str:
        """The suggestion, when it was asked for behind all that was typed, and all that was asked for is answered."""
        last = TYPED.split("\n")[-1]
        here = {"line": TYPED.count("\n"), "character": len(last)}
        asked = [message["params"]["position"] for message in self.trail.sent(SUGGEST)]
        return self.trail.suggested() if asked and asked[-1] == here and not self.trail.open(SUGGEST) else ""

    def ends(self, text: str) -> None:
        """Wait for the cursor behind this text."""
        last = text.split("\n")[-1]
        self.terminal.wait(lambda: self.terminal.before_cursor().endswith(last), f"{last!r} before the cursor")

    def dismiss(self) -> None:
        """Take what is suggested off the screen."""
        self.terminal.keys(QUIT)
        self.terminal.wait(lambda: self.terminal.cursor_line().strip() == "re", "it to go")

    def seen(self, text: str) -> None:
        """Wait for its first line at the end of the cursor's."""
        line = text.split("\n")[0].rstrip()
        self.terminal.wait(lambda: self.terminal.cursor_line().rstrip().endswith(line), f"{line!r} in the line")


Start = Callable[[str], Emacs]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    command = had(install, "pyte")
    from editors.terminal import Terminal

    terminals = []

    def start(init: str, text: str = TEXT) -> Emacs:
        trail = furnish(tmp_path)
        (tmp_path / ".emacs.d").mkdir()
        (tmp_path / ".emacs.d" / "init.el").write_text(init + QUIET)
        file = tmp_path / "project" / "shapes.py"
        (file.parent / ".git").mkdir(parents=True)
        file.write_bytes((text + "\n").encode())
        line = text.count("\n") + 1
        terminals.append(Terminal([str(command), f"+{line}:1", str(file)], environment(tmp_path), file.parent))
        terminals[0].wait(lambda: trail.told("hirope/ready"), "the server")
        return Emacs(terminals[0], trail, file)

    yield start
    for terminal in terminals:
        terminal.close()


def test_ghost_text_taken_whole_and_undone(start: Start) -> None:
    emacs = start(GHOST)
    suggested = emacs.suggest()
    if shots := os.environ.get("HIROPE_SHOTS"):
        (Path(shots) / "emacs.txt").write_text(emacs.terminal.text())
    assert emacs.terminal.before_cursor().endswith("    re")
    emacs.terminal.keys(TAB)
    emacs.terminal.wait(lambda: not emacs.terminal.before_cursor().endswith("    re"), "the cursor behind it")
    assert emacs.text() == TYPED + suggested + "\n"
    emacs.terminal.keys(UNDO)
    emacs.terminal.wait(lambda: emacs.terminal.before_cursor().endswith("    re"), "the cursor where it was")
    assert emacs.text() == TYPED + "\n"


def test_taken_by_word_and_line_and_typed_along_without_a_request(start: Start) -> None:
    emacs = start(GHOST)
    suggested = emacs.suggest()
    asked = len(emacs.trail.sent(SUGGEST))
    emacs.terminal.type(suggested[:2])
    emacs.seen("re" + suggested)
    assert len(emacs.trail.sent(SUGGEST)) == asked
    rest = suggested[2:]
    word, line = (re.match(pattern, rest) for pattern in (r"\s*(?:\w+|[^\w\s]+)", r"\n*[^\n]*"))
    emacs.terminal.keys(WORD)
    emacs.ends("re" + suggested[:2] + (word.group() if word else rest))
    emacs.terminal.keys(END_OF_LINE)
    emacs.ends("re" + suggested[:2] + (line.group() if line else rest))
    assert len(emacs.trail.sent(SUGGEST)) == asked or emacs.terminal.before_cursor().endswith(suggested)


def test_dismissed_then_keys_do_what_they_did(start: Start) -> None:
    emacs = start(GHOST)
    emacs.suggest()
    emacs.dismiss()
    emacs.terminal.keys(END_OF_LINE)
    assert emacs.text() == TYPED + "\n"
    emacs.terminal.keys(f"\x1bxhirope-trigger{ENTER}")
    emacs.seen("re" + str(emacs.terminal.wait(emacs.settled, "another one")))


def test_a_server_that_dies(start: Start) -> None:
    """Eglot starts it again."""
    emacs = start(GHOST)
    emacs.suggest()
    emacs.dismiss()
    os.kill(emacs.trail.pid, signal.SIGKILL)
    emacs.terminal.wait(lambda: len(emacs.trail.told("hirope/ready")) == 2, "another server")
    emacs.terminal.keys(f"\x1bxhirope-trigger{ENTER}")
    emacs.seen("re" + str(emacs.terminal.wait(emacs.settled, "a suggestion")))


def test_in_the_menu_of_completions(start: Start) -> None:
    """Without hirope.el, one suggestion of one line goes in at once."""
    emacs = start(MENU + "(setq-default eglot-workspace-configuration '(:hirope-ls (:maxLines 1)))")
    emacs.terminal.type("def area(self):\nre")
    emacs.terminal.keys("\x1b\t")
    reply = emacs.terminal.wait(lambda: emacs.trail.answers("textDocument/completion"), "an answer")[0][1]
    (item,) = reply["result"]["items"]
    emacs.ends(item["textEdit"]["newText"])
    assert not emacs.trail.sent(SUGGEST)
