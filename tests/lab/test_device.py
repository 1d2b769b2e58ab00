"""`hirope-ls lab device` runs on a CPU with tiny shapes; a step that fails is told and the rest goes on."""

from __future__ import annotations

import json

import pytest
import torch
from model.tiny_models import save_model

from hirope_ls.cli import main
from hirope_ls.hirope.static import StaticStep
from hirope_ls.lab.device import checks, command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def device(folder, out, *steps):
    words = ["--out", str(out), "--device", "cpu", "--quick", "--model", str(folder)]
    code = main(["lab", "device", *words, *(["--only", *steps] if steps else [])])
    return code, json.loads((out / "figures.json").read_text())


def test_checks_and_a_shape(folder, tmp_path, capsys):
    code, told = device(folder, tmp_path, "bandwidth", "checks", "shape-0.5B")
    assert code == 0 and "checks: " in capsys.readouterr().out
    assert [(step["name"], step["error"]) for step in told["steps"]] == [
        ("bandwidth", ""),
        ("checks", ""),
        ("shape-0.5B", ""),
    ]
    assert all(row["holds"] for row in told["rows"] if row["bench"] == "checks" and row["goal"])
    exact = [row for row in told["rows"] if row["case"] == "float32: tokens, cached equal to cold"]
    assert [row["ours"] for row in exact] == [1.0]
    steps = [row for row in told["rows"] if row["bench"] == "checks" and "static steps" in row["case"]]
    assert len(steps) == 2 * 3 and all(row["holds"] for row in steps)
    cases = [row["case"] for row in told["rows"] if row["bench"] == "shapes"]
    assert len([case for case in cases if case.endswith(": static steps, not recorded")]) == 2
    assert len([case for case in cases if case.endswith(": decode")]) == 3
    assert len([case for case in cases if "hierarchical" in case]) == 4
    assert len([case for case in cases if case.endswith("of the bandwidth")]) == 3


def test_a_step_that_fails_is_told_and_the_rest_goes_on(folder, tmp_path, monkeypatch, capsys):
    def broken(ground):
        raise RuntimeError("no such [kernel]")

    monkeypatch.setitem(command.STEPS, "checks", broken)
    code, told = device(folder, tmp_path, "checks", "bandwidth")
    assert code == 1
    assert [(step["name"], step["error"]) for step in told["steps"]] == [
        ("checks", "RuntimeError: no such [kernel]"),
        ("bandwidth", ""),
    ]
    assert "checks failed: RuntimeError: no such [kernel]" in capsys.readouterr().out
    assert "in broken" in (tmp_path / "errors.txt").read_text()


def test_wrong_arithmetic_is_found(folder, tmp_path, monkeypatch):
    exact = checks._exact
    monkeypatch.setattr(checks, "_exact", lambda *given: exact(*given).roll(1, dims=-1))
    monkeypatch.setattr(checks, "_FACTOR", 0.1)  # the stock model's own error is as large then
    code, told = device(folder, tmp_path, "checks")
    assert code == 1 and not told["steps"][0]["error"]
    assert any(row["holds"] is False for row in told["rows"])


def test_recorded_steps_that_are_wrong_are_found(folder, tmp_path, monkeypatch):
    """By the comparison with the usual way: the tampered step is wrong with and without recording."""
    run = StaticStep.run
    monkeypatch.setattr(StaticStep, "run", lambda self, slabs: run(self, slabs) or self.logits.mul_(1.5))
    code, told = device(folder, tmp_path, "checks")
    wrong = [row["case"] for row in told["rows"] if row["holds"] is False]
    assert code == 1 and len(wrong) == 2 and all("against the usual way" in case for case in wrong)


def test_there_is_a_step_for_all_that_a_device_is_for():
    names = set(command.STEPS)
    assert {"bandwidth", "checks", "shape-0.5B", "shape-1.5B", "shape-7B", "bench-latency", "bench-decode"} <= names
