"""Lines that call something of another file: which those are, and what the command says of them, with a tiny model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from model.tiny_models import save_model

from hirope_ls.lab.eval import crossfile
from hirope_ls.lab.eval.crossing import Repository
from hirope_ls.lab.eval.sources import sources
from hirope_ls.lab.reproduce import cases, crossed
from hirope_ls.lab.reproduce.measuring import Study
from hirope_ls.lab.reproduce.page import TEMPLATE, page
from hirope_ls.lab.reproduce.plan import PLAN
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


def test_it_is_measured_and_goes_on(
    model: Path, workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--workspace", str(workspace), "--model", str(model), "--out", str(tmp_path), "--budgets", "0,200")
    assert measure(*words) == 0
    log = tmp_path / crossfile.LOG
    none, some = (json.loads(line) for line in log.read_text().splitlines())
    assert none["line"] == some["line"] == "workspace/main.py@5"
    assert none["shown"] == 0 < some["shown"] == some["prompt"] - none["prompt"]
    assert none["nll"] > 0 and none["nll"] != some["nll"] and 0 <= some["edit_similarity"] <= 1
    first = capsys.readouterr().out
    assert f"({some['nll'] - none['nll']:+.3f})" in first
    assert measure(*words) == 0
    out, err = capsys.readouterr()
    assert out == first and "2 of 2 measurements are known" in err, "nothing is measured twice"
    (workspace / "shapes.py").write_text("def area(width, height, depth):\n    return width * height * depth\n")
    assert measure(*words) == 0
    assert len(log.read_text().splitlines()) == 4, "what can be shown is another text"


def test_it_has_its_section_on_the_page(model: Path, workspace: Path, tmp_path: Path) -> None:
    study = Study(model, (workspace,), {"workspace": "1"}, tmp_path / "work", tmp_path / "results", 1, 1)
    assert page("{{crossfile}}", PLAN, {}) == "*not measured yet*"
    cases.measure(crossed, study)
    found = cases.read(crossed, study.out)
    assert found is not None and [case.budget for case in found.cases] == [0, 512, 2048]
    text = page("{{crossfile}}", PLAN, {}, {"crossfile": crossed.told(found)})
    assert "3 measurements in 1 files, of 80 planned" in text and "(level)" in text and "| 2,048 " in text
    assert TEMPLATE.read_text("utf-8").count("{{crossfile}}") == 1


def test_what_cannot_be_measured(model: Path, workspace: Path, tmp_path: Path) -> None:
    (workspace / "main.py").unlink()
    for budgets in ("0", "some"):
        with pytest.raises(InputError):
            measure("--workspace", str(workspace), "--model", str(model), "--budgets", budgets, "--out", str(tmp_path))
