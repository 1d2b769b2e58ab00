"""Edits far above a cursor, and what the command that measures the splice says of them, with a tiny model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from model.tiny_models import save_model

from hirope_ls.lab.eval import splice
from hirope_ls.lab.eval.edits import Kind, assignment_before, edit
from hirope_ls.problems import InputError

TEXT = b"def f(a):\n    total = a\n    return total\n\n\ndef g(b):\n    total = f(b)\n    return total\n"
UNITS = [0, TEXT.index(b"def g")]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("insert", TEXT.replace(b"= a\n", b"= a\n    checked = True\n")),
        ("delete", TEXT.replace(b"    total = a\n", b"")),
        ("rename", TEXT.replace(b"total", b"total_new", 2)),
    ],
)
def test_edits(kind: Kind, expected: bytes) -> None:
    place = assignment_before(TEXT, UNITS[1])
    assert place is not None and place[2] == b"total"
    assert edit(TEXT, place, kind, UNITS) == expected
    assert assignment_before(TEXT, 5) is None


def measure(*words: str) -> int:
    parser = argparse.ArgumentParser()
    splice.add_arguments(parser)
    return splice.run(parser.parse_args([*words, "--device", "cpu", "--cursors", "1"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


def test_it_is_measured(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "".join(f"def function_{n}(value):\n    result = value + {n}\n    return result\n\n\n" for n in range(150))
    (tmp_path / "long.py").write_text(text)
    out = tmp_path / "cases.json"
    words = (str(tmp_path / "long.py"), "--model", str(folder), "--json", str(out), "--distances", "500")
    assert measure(*words) == 0
    cases = json.loads(out.read_text())
    assert [case["kind"] for case in cases] == ["insert", "delete", "rename"]
    for case in cases:
        assert case["rows"] < case["exact_rows"] and 0 <= case["agreement"] <= 1 and case["kl"] > -1e-6
    assert "top-1 agreement" in capsys.readouterr().out


def test_what_cannot_be_measured(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text("x = 1\n" * 9)
    for words in (["absent.py"], [str(tmp_path / "short.py")], [str(tmp_path / "short.py"), "--distances", "far"]):
        with pytest.raises(InputError):
            measure(*words, "--model", str(folder))
