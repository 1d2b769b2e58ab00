"""`hirope-ls explain` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hirope_ls.cli import main

MAIN = "from shapes import area\nimport elsewhere\n\nprint(area(1))\nelsewhere.run()\nx = 1\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "shapes.py").write_text('def area(n: int) -> int:\n    """How `large`."""\n    return area(n - 1)\n')
    (folder / "main.py").write_text(MAIN)
    return folder / "main.py"


def test_the_facts_as_markdown(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert main(["explain", f"{source}:4:8", "--workspace", str(source.parent)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "### function `area`\n\n```python\ndef area(n: int) -> int\n```\n\nDefined in [shapes.py:1](<file:///"
    )
    assert "How `large`." in out and "- module code: [main.py:4]" in out


def test_the_facts_as_json(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert main(["explain", f"{source}:4:8", "--workspace", str(source.parent), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["line"], found["column"], found["word"], found["sure"]) == (4, 8, "area", True)
    (one,) = found["definitions"]
    assert one["spot"] == {"path": str(source.parent.resolve() / "shapes.py"), "line": 1, "column": 5}
    assert one["callers"]["sure"] == 2 and one["callers"]["found"][1]["line"] == 4 and one["evidence"] == "import"
    assert one["out_of_sight"] is True and one["lines_away"] is None


def test_the_file_alone(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert main(["explain", f"{source}:4:8"]) == 1
    assert capsys.readouterr().out == "area comes from shapes, which is not among the files looked at.\n"
    assert main(["explain", f"{source.parent / 'shapes.py'}:3:13"]) == 0
    assert "- `area`: [" in capsys.readouterr().out
    assert main(["explain", f"{source}:6:1", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["definitions"] == []


def test_the_facts_on_a_terminal(
    capsys: pytest.CaptureFixture[str], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["explain", f"{source.parent / 'shapes.py'}:3:13"]) == 0
    out = capsys.readouterr().out
    assert "\x1b[" in out and "shapes.py:1" in out and "file://" not in out and "How `large`." in out


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("main.py:3:1", "there is no name at"),
        ("notes.txt:1:1", "is in no language"),
        ("main.py:99:1", "has no line 99"),
    ],
)
def test_what_cannot_be_explained(capsys: pytest.CaptureFixture[str], source: Path, place: str, says: str) -> None:
    (source.parent / "notes.txt").write_text("words\n")
    assert main(["explain", f"{source.parent / place}"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err and err.count("\n") == 1
