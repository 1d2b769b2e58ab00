"""Lines that call something of another file: which those are, and what the command says of them, with a tiny model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from model.tiny_models import save_model

from hirope_ls.lab.eval import crossfile
from hirope_ls.lab.eval.crossfile import Repository
from hirope_ls.lab.eval.sources import sources
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"), max_position_embeddings=512)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "shapes.py").write_text("def area(width, height):\n    return width * height\n")
    (folder / "main.py").write_text("from shapes import area\n\n\ndef f(x):\n    y = area(x, 2)\n    return len(y)\n")
    return folder


def measure(*words: str) -> int:
    parser = argparse.ArgumentParser()
    crossfile.add_arguments(parser)
    return crossfile.run(parser.parse_args([*words, "--device", "cpu"]))


def test_which_lines_they_are(model: Path, workspace: Path) -> None:
    found = Repository(sources([workspace], TextTokenizer.load(model), 512)).lines(9, 9, 0)
    assert [(source.name, line.number) for source, line in found] == [("workspace/main.py", 5)]


def test_it_is_measured(model: Path, workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "cases.json"
    words = ("--workspace", str(workspace), "--model", str(model), "--json", str(out), "--budgets", "0,200")
    assert measure(*words) == 0
    none, some = json.loads(out.read_text())
    assert none["line"] == some["line"] == "workspace/main.py@5"
    assert none["shown"] == 0 < some["shown"] == some["prompt"] - none["prompt"]
    assert none["nll"] > 0 and none["nll"] != some["nll"] and 0 <= some["edit_similarity"] <= 1
    assert "±" in capsys.readouterr().out


def test_what_cannot_be_measured(model: Path, workspace: Path) -> None:
    (workspace / "main.py").unlink()
    for budgets in ("0", "some"):
        with pytest.raises(InputError):
            measure("--workspace", str(workspace), "--model", str(model), "--budgets", budgets)
