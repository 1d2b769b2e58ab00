"""`hirope-ls explain` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hirope_ls.cli import main
from hirope_ls.engine.explain.prose import as_markdown
from hirope_ls.model.folder import bundled_folder

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
    assert main(["explain", f"{source}:4:8", "--workspace", str(source.parent), "--facts"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "### function `area`\n\n```python\ndef area(n: int) -> int\n```\n\nDefined in [shapes.py:1](<file:///"
    )
    assert "How `large`." in out and "- module code: [main.py:4]" in out


def test_the_facts_as_json(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert main(["explain", f"{source}:4:8", "--workspace", str(source.parent), "--json", "--facts"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["line"], found["column"], found["word"], found["sure"]) == (4, 8, "area", True)
    (one,) = found["definitions"]
    assert one["spot"] == {"path": str(source.parent.resolve() / "shapes.py"), "line": 1, "column": 5}
    assert one["callers"]["sure"] == 2 and one["callers"]["found"][1]["line"] == 4 and one["evidence"] == "import"
    assert one["out_of_sight"] is True and one["lines_away"] is None


def test_the_file_alone(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert main(["explain", f"{source}:4:8", "--facts"]) == 1
    assert capsys.readouterr().out == "area comes from shapes, which is not among the files looked at.\n"
    assert main(["explain", f"{source.parent / 'shapes.py'}:3:13", "--facts"]) == 0
    assert "- `area`: [" in capsys.readouterr().out
    assert main(["explain", f"{source}:6:1", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["definitions"] == []


def test_the_facts_on_a_terminal(
    capsys: pytest.CaptureFixture[str], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["explain", f"{source.parent / 'shapes.py'}:3:13", "--facts"]) == 0
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


@pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model is not there")
def test_what_the_model_writes(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    place = f"{source.parent / 'shapes.py'}:3:13"
    assert main(["explain", place, "--json", "--device", "cpu"]) == 0
    found = json.loads(capsys.readouterr().out)["explanation"]
    assert found["reason"] in ("end", "repetition", "length", "empty") and found["model"] == "bundled"
    held = found["prompt"]
    assert (held["how"], held["lines"], held["whole"], held["trained_length"]) == ("comment", [1, 3], True, 512)
    assert 0 < held["tokens"] < held["size"] == found["tokens"]["prompt"]
    assert main(["explain", place, "--explain", "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    facts, _, words = out.partition("\n---\n")
    assert facts.startswith("### function `area`") and words.startswith("\n#### Explanation, written by a model")
    assert "too few to explain code" in words and as_markdown(found["text"]) in words
    assert "area, lines 1 to 3" in words and "trained length of 512" in words


@pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model is not there")
def test_the_words_on_a_terminal(
    capsys: pytest.CaptureFixture[str], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["explain", f"{source.parent / 'shapes.py'}:3:13", "--device", "cpu", "--again", "2"]) == 0
    out = capsys.readouterr().out
    assert out.index("Explanation, written by bundled") > out.index("How `large`.") and "too few to explain" in out
