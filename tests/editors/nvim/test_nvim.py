"""The plugin in real Neovims, with the real server: what a user sees, types, takes and undoes."""

from __future__ import annotations

import re

from editors.kept import SHAPES
from editors.nvim.conftest import Session

AREA = "    def area(self):\n        re"
LINES_TYPED = ("def third(path):\n    ", "def third(path):\n    with open(path) as file:", "def third(path):")
LINES = "".join(
    f"def {name}(path):\n    with open(path) as file:\n        text = file.read()\n    return text\n\n\n"
    for name in ("first", "second")
)
"""After these a suggestion of several lines follows."""


def suggest(session: Session, text: str = SHAPES, typed: str = AREA, ending: str = "\n") -> str:
    """Type at the end of a new file; what is suggested there."""
    session.open(text, ending)
    session.nvim.command("setlocal noautoindent indentexpr=")
    session.nvim.keys("Go")
    session.nvim.type(typed)
    return session.wait_shown()


def test_ghost_text_is_shown(session: Session) -> None:
    shown = suggest(session)
    assert session.trail.suggested().endswith(shown)  # what was typed along with it is off its beginning
    assert session.nvim.text == SHAPES + AREA
    session.picture("ghost")
    session.end_insert()
    session.nvim.wait(lambda: not session.shown(), "the ghost text to go with insert mode")


def test_accepted_whole_and_undone_in_one_step(session: Session) -> None:
    shown = suggest(session)
    before = session.nvim.text
    session.nvim.keys("<Tab>")
    session.nvim.wait(lambda: session.nvim.text == before + shown, "the text")
    session.nvim.type("#")
    assert session.nvim.text == before + shown + "#"
    session.end_insert()
    session.nvim.keys("u")
    session.nvim.wait(lambda: session.nvim.text == before + shown, "what was typed after it to be undone")
    session.nvim.keys("u")
    session.nvim.wait(lambda: session.nvim.text == before, "the suggestion to be undone")
    session.nvim.keys("<C-r>")
    session.nvim.wait(lambda: session.nvim.text == before + shown, "it again")


def first_word(text: str) -> str:
    """What is taken by word."""
    found = re.match(r"\s*(?:\w+|[^\w\s]+)", text)
    return found.group() if found else text


def test_accepted_by_word_and_by_line_and_undone(session: Session) -> None:
    shown = suggest(session)
    before = session.nvim.text
    word, line = first_word(shown), shown.split("\n")[0]
    session.nvim.keys("<C-l>")
    session.nvim.wait(lambda: session.nvim.text == before + word, "the first word")
    if word != shown:
        assert session.wait_shown() == shown[len(word) :]
        session.nvim.keys("<C-j>")
        session.nvim.wait(lambda: session.nvim.text == before + line, "the rest of the line")
        session.end_insert()
        session.nvim.keys("u")
        session.nvim.wait(lambda: session.nvim.text == before + word, "the rest of the line to be undone")
    session.end_insert()
    session.nvim.keys("u")
    session.nvim.wait(lambda: session.nvim.text == before, "the word to be undone")


def test_typed_along_without_the_model(session: Session) -> None:
    """The plugin's own ghost text does not even ask the server, by the server's count."""
    shown = suggest(session)
    before, asked = session.status(), session.requests()
    for number in range(1, min(5, len(shown))):
        session.nvim.type(shown[number - 1])
        rest = shown[number:].split("\n")[0]
        session.nvim.wait(lambda rest=rest: session.shown().split("\n")[0] == rest, f"{rest!r}")  # type: ignore[misc]
    after = session.status()
    if session.ghost == "own":
        assert session.requests() == asked and after["outcomes"] == before["outcomes"]
    for made in ("shown", "deadline"):
        assert after["outcomes"].get(made, 0) == before["outcomes"].get(made, 0)
    session.end_insert()


def test_what_differs_from_it_is_asked_anew(session: Session) -> None:
    shown = suggest(session)
    session.nvim.type("#" if shown[0] != "#" else "x")
    session.nvim.wait(lambda: session.shown() != shown[1:], "the old one to go")
    session.end_insert()
    assert session.shown() == ""


def test_no_stray_characters_where_it_is_accepted_while_typing_along(session: Session) -> None:
    """Faster than the pause after which a suggestion is asked for again."""
    shown = suggest(session)
    before = session.nvim.text
    session.nvim.keys(shown[:2] + "<Tab>")
    session.nvim.wait(lambda: session.nvim.text == before + shown, "the text, once")
    session.end_insert()


def test_line_ends_of_dos(session: Session) -> None:
    before = SHAPES.replace("A square.", "A square 🟦, écarté: 𝒂².")
    shown = suggest(session, before, ending="\r\n")
    assert session.lua("return vim.bo.fileformat") == "dos" and "\r" not in shown
    session.nvim.keys("<Tab>")
    session.nvim.wait(lambda: session.nvim.text == before + AREA + shown, "the text")
    session.end_insert()
    session.nvim.command("write")
    path = session.project / session.lua("return vim.fn.expand('%:t')")
    assert path.read_bytes() == (before + AREA + shown + "\n").replace("\n", "\r\n").encode()


def suggest_lines(session: Session) -> str:
    """A suggestion of several lines, wherever the model makes one."""
    for typed in LINES_TYPED:
        shown = suggest(session, LINES, typed)
        if "\n" in shown:
            return shown
        session.end_insert()
    raise AssertionError("the model suggests nothing of several lines here")


def test_several_lines(session: Session) -> None:
    shown = suggest_lines(session)
    for line in shown.split("\n"):
        session.nvim.wait(lambda line=line: line.rstrip() in session.nvim.screen.text(), line)  # type: ignore[misc]
    session.picture("lines")
    before = session.nvim.text
    session.nvim.keys("<C-j>")
    first = "\n".join(shown.split("\n")[: 1 if shown.split("\n")[0] else 2])
    session.nvim.wait(lambda: session.nvim.text == before + first, "the first line")
    session.end_insert()
    session.nvim.keys("u")
    session.nvim.wait(lambda: session.nvim.text == before, "it to be undone")
    session.nvim.keys("A")
    whole = session.wait_shown()
    session.nvim.keys("<Tab>")
    session.nvim.wait(lambda: session.nvim.text == before + whole, "the text")
    session.end_insert()


def test_after_emoji(session: Session) -> None:
    text = SHAPES.replace("A square.", "A square 🟦, écarté: 𝒂².")
    shown = suggest(session, text, '    """🟦🟩𝒂"""; return self.si')
    session.picture("emoji")
    before = session.nvim.text
    session.nvim.keys("<Tab>")
    session.nvim.wait(lambda: session.nvim.text == before + shown, "the text")
    session.end_insert()


def test_in_the_middle_of_a_line(session: Session) -> None:
    session.open(SHAPES + "    def area(self):\n        return (self. + 1)  # 𝒂\n")
    session.nvim.keys("G$F.")
    before = session.nvim.line
    session.nvim.keys("a")
    shown = session.wait_shown()
    session.nvim.keys("<Tab>")
    after = before.replace("self.", "self." + shown, 1)
    session.nvim.wait(lambda: session.nvim.text.endswith(after), "the text")
    session.end_insert()


def test_dismissed(session: Session) -> None:
    suggest(session)
    before = session.nvim.text
    session.nvim.keys("<C-]>")
    session.nvim.wait(lambda: not session.shown(), "it to go")
    session.nvim.keys("<Tab>")
    session.nvim.wait(lambda: session.nvim.text != before, "an ordinary Tab")
    assert session.nvim.text[len(before) :].strip() == ""
    session.end_insert()


def test_asked_by_hand(session: Session) -> None:
    suggest(session)
    session.nvim.keys("<C-]>")
    session.nvim.wait(lambda: not session.shown(), "it to go")
    session.nvim.keys("<C-Space>")
    first = session.wait_shown()
    texts = [item["insertText"] for item in session.trail.items()]
    session.nvim.keys("<M-]>")
    session.nvim.wait(lambda: session.shown() == texts[1 % len(texts)], "the next one")
    session.nvim.keys("<M-[>")
    session.nvim.wait(lambda: session.shown() == first, "the first again")
    session.end_insert()


def test_switched_off_and_on(session: Session) -> None:
    suggest(session)
    session.end_insert()
    session.nvim.command("silent Hirope toggle")
    assert "hirope off" in session.lua("return require('hirope').statusline()")
    asked = session.requests()
    session.nvim.keys("A")
    session.nvim.type("t")
    assert session.lua("return vim.wait(400, function() return false end)") is False
    assert session.requests() == asked and session.shown() == ""
    session.end_insert()
    session.nvim.command("silent Hirope toggle")
    session.nvim.keys("A")
    session.nvim.type("u")
    session.wait_shown()
    session.end_insert()
