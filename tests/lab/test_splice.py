"""Edits far above a cursor, and what the command that measures the splice says of them, with a tiny model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from model.tiny_models import save_model

from hirope_ls.lab.eval import splice
from hirope_ls.lab.eval.edits import Kind, assignment_before, edit
from hirope_ls.lab.reproduce import cases, spliced
from hirope_ls.lab.reproduce.measuring import Study
from hirope_ls.lab.reproduce.page import TEMPLATE, page
from hirope_ls.lab.reproduce.plan import PLAN
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
    return splice.run(parser.parse_args([*words, "--device", "cpu", "--cursors", "1", "--threads", "1"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files that are long enough and one that is not."""
    workspace = tmp_path_factory.mktemp("workspace")
    for name, count in (("one", 150), ("two", 140), ("short", 3)):
        functions = (f"def {name}_{n}(value):\n    result = value + {n}\n    return result\n\n\n" for n in range(count))
        (workspace / f"{name}.py").write_text("".join(functions))
    return workspace


def test_it_is_measured_and_goes_on(
    folder: Path, workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--workspace", str(workspace), "--model", str(folder), "--out", str(tmp_path), "--distances", "500")
    assert measure(*words, "--limit", "1") == 0
    log = tmp_path / splice.LOG
    found = [json.loads(line) for line in log.read_text().splitlines()]
    assert [case["kind"] for case in found] == ["insert", "delete", "rename"]
    for case in found:
        assert case["rows"] < case["exact_rows"] and 0 <= case["agreement"] <= 1 and case["kl"] > -1e-6
    first = capsys.readouterr().out
    assert "top-1 agreement" in first
    assert measure(*words, "--limit", "1") == 0
    assert (capsys.readouterr().out, len(log.read_text().splitlines())) == (first, 3), "nothing is measured twice"
    assert measure(*words) == 0
    out, err = capsys.readouterr()
    assert "3 of 6 measurements are known" in err and "±" in out
    assert measure(*words, "--seed", "1", "--limit", "1") == 0
    assert len(log.read_text().splitlines()) == 9, "another seed asks something else"


def test_edits_too_near_for_a_splice_are_measured_too(folder: Path, workspace: Path, tmp_path: Path) -> None:
    words = ("--workspace", str(workspace), "--model", str(folder), "--out", str(tmp_path))
    assert measure(*words, "--distances", "40,70,100,150,250", "--limit", "1") == 0
    found = [json.loads(line) for line in (tmp_path / splice.LOG).read_text().splitlines()]
    assert len(found) == 15
    for case in found:
        assert case["rows"] < case["exact_rows"] or (case["agreement"], round(case["kl"], 9)) == (1, 0)


def test_what_cannot_be_measured(folder: Path, workspace: Path, tmp_path: Path) -> None:
    fine = ["--workspace", str(workspace)]
    for words in (["--workspace", "absent"], [*fine, "--distances", "9000"], [*fine, "--distances", "far"]):
        with pytest.raises(InputError):
            measure(*words, "--model", str(folder), "--out", str(tmp_path))


def test_it_has_its_section_on_the_page(folder: Path, workspace: Path, tmp_path: Path) -> None:
    study = Study(folder, (workspace,), {"workspace": "1"}, tmp_path / "work", tmp_path / "results", 1, 1)
    words = ("--distances", "500", "--cursors", "1")
    assert page("{{splice}}", PLAN, {}) == "*not measured yet*"
    cases.collect(spliced, study, words)
    assert cases.read(spliced, study.out) is None
    cases.measure(spliced, study, words)
    found = cases.read(spliced, study.out)
    assert found is not None and len(found.cases) == 3
    text = page("{{splice}}", PLAN, {}, {"splice": spliced.told(found)})
    assert "3 edits in 1 files, of 30 planned, measured by" in text and "| insert | " in text and "nats" in text
    log = study.work / "splice" / splice.LOG
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    cases.collect(spliced, study, words)
    some = cases.read(spliced, study.out)
    assert some is not None and "**Incomplete**: 2 of 3 measurements; 2 edits" in spliced.told(some)
    assert TEMPLATE.read_text("utf-8").count("{{splice}}") == 1
