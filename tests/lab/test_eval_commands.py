"""The commands `hirope-ls eval ...` from the command line to the files they leave, on a tiny model and real files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fuzz import python_files

from hirope_ls import cli
from hirope_ls.lab.eval import commands
from hirope_ls.lab.methods import METHODS
from hirope_ls.model.loader import Loaded

TASKS = {
    "perplexity": ("nll",),
    "distant": ("copy_nll", "nll", "exact_match"),
    "symbols": ("recall",),
    "completion": ("exact_match", "edit_similarity"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    for index, path in enumerate(python_files(8, smallest=8_000, largest=30_000)):
        (folder / f"file_{index}.py").write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def words(tiny: Loaded, workspace: Path, tmp_path: Path) -> list[str]:
    """Options of a small evaluation."""
    folders = ["--model", str(tiny.card.folder), "--workspace", str(workspace), "--out", str(tmp_path / "out")]
    return [*folders, "--lengths", "4x,8x", "--limit", "1", "--threads", "1", "--device", "cpu"]


@pytest.mark.parametrize("task", TASKS)
def test_each_task_from_options_to_results(task: str, words: list[str], tmp_path: Path, capsys):
    assert cli.main(["eval", task, *words, "--seed", "3"]) == 0
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert found["seed"] == 3 and {"hirope-ls", "torch", "transformers", "model", "weights"} <= set(found["versions"])
    rows = found["rows"]
    expected = {
        (method, length, metric) for method in ("rope", "hirope") for length in (256, 512) for metric in TASKS[task]
    }
    assert {(row["method"], row["length"], row["metric"]) for row in rows} == expected and len(rows) == len(expected)
    assert all(row["task"] == task and row["n"] == 1 and row["multiple"] in (4, 8) for row in rows)
    assert f"## {task}: {TASKS[task][0]}" in capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "out" / "items.jsonl").read_text().splitlines()]
    files = {line["item"].rpartition("@")[0] for line in lines}
    assert len(files) == 1 and all(file.startswith("workspace") and file.endswith(".py") for file in files)
    by_length = {length: {line["item"] for line in lines if line["length"] == length} for length in (256, 512)}
    assert by_length[256] == by_length[512]  # the same is asked at every length
    assert cli.main(["eval", task, *words, "--seed", "3"]) == 0
    assert f"{len(lines)} of {len(lines)} measurements are known" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == found


@pytest.mark.parametrize("ask", ["line", "rest"])
def test_a_copied_line_stands_beside_the_methods(ask: str, words: list[str], tmp_path: Path):
    assert cli.main(["eval", "completion", *words, "--lengths", "4x", "--methods", "hirope,copy", "--ask", ask]) == 0
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    task = {"line": "completion", "rest": "rest"}[ask]
    assert [(row["task"], row["method"]) for row in rows] == [(task, "hirope")] * 2 + [(task, "copy")] * 2
    assert rows[1]["value"] != rows[3]["value"]


def test_the_rest_of_a_line_shows_no_other_files(words: list[str], capsys):
    assert cli.main(["eval", "completion", *words, "--ask", "rest", "--context", "repo"]) == 2
    assert "--ask rest shows the file alone" in capsys.readouterr().err


def test_every_method_measures(words: list[str], tmp_path: Path):
    given = ",".join([*METHODS, "hirope:split=natural:levels=3", "hirope:longest=8:count=4"])
    assert cli.main(["eval", "perplexity", *words, "--lengths", "0.5x,4x", "--methods", given]) == 0
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    assert [row["method"] for row in rows] == given.split(",") * 2
    presets = {row["method"]: row["preset"] for row in rows}
    assert presets["hirope"] == "default" and presets["hirope-paper"] == "paper" and presets["yarn"] == ""
    short, long = ([row["value"] for row in rows if row["length"] == length] for length in (32, 256))
    assert len(set(short)) == 1  # the stock model
    # One file has no third level, and grows into no other unit; all the rest differ.
    assert len(set(long)) >= len(long) - 1


def test_ctrl_c_is_one_line_and_the_same_command_goes_on(words: list[str], tmp_path: Path, capsys, monkeypatch):
    plain = commands.perplexity_task.Perplexity.measure
    calls = []

    def interrupted(self, reader, item):
        calls.append(item.id)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(self, reader, item)

    monkeypatch.setattr(commands.perplexity_task.Perplexity, "measure", interrupted)
    assert cli.main(["eval", "perplexity", *words]) == 130
    assert (
        capsys.readouterr().err.splitlines()[-1] == "stopped with 2 of 4 measured; the same command goes on from there"
    )
    assert cli.main(["eval", "perplexity", *words]) == 0
    assert len(calls) == 3 + 2
    assert "2 of 4 measurements are known from before" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes, told",
    [
        (["--methods", "rope,yarm"], "there is no method 'yarm': choose from rope"),
        (["--methods", "hirope:window=64"], "hirope:window=64: window must be from 2 to trained_length - 1, not 64"),
        (["--lengths", "4y"], "'4y' is no length"),
        (["--lengths", "4x,9000x"], "no file "),
        (["--limit", "0"], "--limit and --threads take a number from 1 up"),
        (["--workspace", "/no/such/folder"], "there is no folder /no/such/folder"),
        (["--out", "/dev/null/out"], "cannot write to /dev/null/out"),
        (["--model", "/no/such/model"], "there is no model folder /no/such/model"),
        (["--device", "abacus"], "there is no device 'abacus'"),
        (["--dtype", "float8"], "there is no number type 'float8'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words: list[str], changes: list[str], told: str, capsys):
    assert cli.main(["eval", "perplexity", *words, *changes]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hirope-ls: {told}")


@pytest.mark.parametrize("task", TASKS)
def test_lengths_that_no_file_has(task: str, words: list[str], capsys):
    assert cli.main(["eval", task, *words, "--lengths", "256,200000"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hirope-ls: no ")


def test_a_workspace_without_code(words: list[str], tmp_path: Path, capsys):
    (tmp_path / "empty").mkdir()
    assert cli.main(["eval", "perplexity", *words, "--workspace", str(tmp_path / "empty")]) == 2
    assert "is of a known language" in capsys.readouterr().err


def test_out_and_workspace_are_asked_for(capsys):
    for given in (["--out", "x"], ["--workspace", "x"]):
        with pytest.raises(SystemExit):
            cli.main(["eval", "perplexity", *given])
        assert "required" in capsys.readouterr().err


@pytest.mark.parametrize("task", TASKS)
def test_help_names_methods_and_what_the_task_is(task: str, capsys):
    with pytest.raises(SystemExit):
        cli.main(["eval", task, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert getattr(commands, task).__doc__.splitlines()[0] in told
    assert all(f" {name} {about}" in told for name, about in METHODS.items())
