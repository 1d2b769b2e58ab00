"""hirope-ls in real Helixes, set up with the words of editors/helix/README.md; the server is real, with its model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from editors.helix.install import RELEASES, install
from editors.home import ROOT, environment, fenced, furnish, had
from editors.kept import SHAPES
from editors.tap import Trail

PAGE: Final = ROOT / "editors" / "helix" / "README.md"
MENU: Final = "textDocument/completion"
CHANGE: Final = "textDocument/didChange"
ESCAPE, ENTER, TAB = "\x1b", "\r", "\t"


class Helix:
    """One that edits a file, in insert mode on its last line, which is empty."""

    def __init__(self, terminal: Any, trail: Trail, file: Path) -> None:
        self.terminal, self.trail, self.file = terminal, trail, file

    def type(self, text: str) -> None:
        """As a person does, who is slower than messages are (see README.md)."""
        for character in text:
            before = len(self.trail.sent(CHANGE))
            self.terminal.type(character)
            if character != ")":  # is there already
                self.terminal.wait(lambda before=before: len(self.trail.sent(CHANGE)) > before, "it to be told")

    def offered(self) -> list[str]:
        """What the entries of the last menu put in."""
        return [item["textEdit"]["newText"] for item in self._items()]

    def labels(self) -> list[str]:
        """What they are called."""
        return [item["label"].strip() for item in self._items()]

    def _items(self) -> list[dict[str, Any]]:
        for _, reply in reversed(self.trail.answers(MENU)):
            if items := (reply.get("result") or {}).get("items"):
                return list(items)
        return []

    def saved(self) -> bytes:
        """The file, once Helix has written it."""
        self.file.unlink()
        if "INS" in self.terminal.text():
            self.terminal.keys(ESCAPE)
            self.terminal.wait_text("NOR")
        self.terminal.keys(f":w{ENTER}")
        self.terminal.wait(lambda: self.file.exists() and "[+]" not in self.terminal.text(), "it to be written")
        return self.file.read_bytes()


@pytest.fixture(params=RELEASES)
def helix(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Helix]:
    command = had(partial(install, request.param), "pyte")
    from editors.terminal import Terminal

    trail = furnish(tmp_path)
    folder = tmp_path / "config" / "helix"
    folder.mkdir(parents=True)
    (folder / "languages.toml").write_text("\n".join(fenced(PAGE, "toml")))
    file = tmp_path / "project" / "shapes.py"
    (file.parent / ".git").mkdir(parents=True)
    file.write_bytes(SHAPES.replace("A square.", "A square 🟦, écarté: 𝒂².").replace("\n", "\r\n").encode())
    with Terminal([str(command), str(file)], environment(tmp_path), file.parent) as terminal:
        terminal.wait(lambda: trail.told("hirope/ready"), "the server")
        terminal.keys("ge")
        terminal.keys("o")
        terminal.wait_text("INS")
        given = trail.sent("initialize")[0]["params"]["initializationOptions"]
        assert given == {"maxLines": 4}  # of README.md
        yield Helix(terminal, trail, file)


def test_the_menu_offers_it_and_takes_it(helix: Helix) -> None:
    before = helix.file.read_bytes().decode()
    helix.type("    def area(self):\n    re")
    helix.terminal.wait(helix.offered, "an answer")
    whole, label = helix.offered()[0], helix.labels()[0]
    helix.terminal.wait(lambda: f"{label} " in helix.terminal.text(), f"{label!r} in the menu")
    helix.terminal.keys(TAB)
    helix.terminal.wait_text("hirope-ls")  # beside what is selected
    if shots := os.environ.get("HIROPE_SHOTS"):
        (Path(shots) / "helix.txt").write_text(helix.terminal.text())
    helix.terminal.keys(ENTER)
    helix.terminal.wait(lambda: "hirope-ls" not in helix.terminal.text(), "the menu to go")
    typed = "    def area(self):\n        "
    assert helix.saved().decode() == before + (typed + whole.replace("\r\n", "\n") + "\n").replace("\n", "\r\n")
    helix.terminal.keys("u")
    helix.terminal.wait_text("[+]")
    assert helix.saved().decode() == before + (typed + "re\n").replace("\n", "\r\n")
