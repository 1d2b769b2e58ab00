"""`hirope-ls bench workspace` runs and says what it should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hirope_ls.cli import main
from hirope_ls.lab.bench.workspace import record


@pytest.mark.parametrize("way", [[], ["--polled"]])
def test_the_bench_runs(tmp_path: Path, way: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.json"
    assert main(["bench", "workspace", "--quick", "--files", "60", "--json", str(path), *way]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [row["unit"] for row in rows] == ["s", "s", "s", "s", "MiB"]
    assert "30 files of a branch switch" in rows[3]["case"] and rows[2]["ratio"] is not None
    assert "branch switch" in capsys.readouterr().out


def test_a_record_names_the_functions() -> None:
    assert record("a.py", b"def one():\n    pass\n\n\nclass Two:\n    def three(self):\n        pass\n") is not None
    assert record("a.unknown", b"x") is None


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "workspace", "--files", "-1"]) == 2
    assert "at least 1" in capsys.readouterr().err
