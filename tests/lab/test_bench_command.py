"""`hirope-ls bench`: every bench runs, with tiny sizes, and its rows say what they should."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace

import pytest
import torch
from model.tiny_models import save_model

from hirope_ls.cli import main
from hirope_ls.lab.bench import about, command
from hirope_ls.lab.bench.goals import GOALS

SMALL = {
    "keystroke": {"lines": (300, 600), "keystrokes": 12},
    "latency": {"contexts": (200,), "keys": 2, "line": 3},
    "decode": {"contexts": (200,), "tokens": 3},
    "attention": {"prefills": (160, 200), "chunk": 16, "steps": 3},
    "memory": {"context": 200, "files": 5, "file_tokens": 80, "held": 2},
    "jump": {"context": 300},
    "many": {"files": (1, 3), "file_tokens": 80},
}
LLAMA = all(importlib.util.find_spec(name) for name in ("gguf", "llama_cpp"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module", autouse=True)
def threads():
    """The command sets them for good."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def told(folder, tmp_path_factory):
    """What `bench all` writes."""
    path = tmp_path_factory.mktemp("out") / "rows.json"
    with pytest.MonkeyPatch.context() as patch:
        for name, sizes in SMALL.items():
            module = command.BENCHES[name]
            patch.setattr(module, "QUICK", replace(module.QUICK, **sizes))
        words = ["--quick", "--threads", "1", "--peers", "llama.cpp", "--device", "cpu"]
        assert main(["bench", "all", "--model", str(folder), "--json", str(path), *words]) == 0
    return json.loads(path.read_text())


def of(told, bench, text=""):
    return [row for row in told["rows"] if row["bench"] == bench and text in row["case"]]


def test_all_seven_write_one_format(told):
    assert set(told) == {"machine", "versions", "rows"}
    assert "1 thread" in told["machine"] and {"torch", "transformers", "model"} <= set(told["versions"])
    assert {row["bench"] for row in told["rows"]} == set(command.BENCHES)
    for row in told["rows"]:
        assert row["ours"] is not None or row["note"].startswith("not measured: "), row
        if row["theirs"]:
            assert row["ratio"] == row["ours"] / row["theirs"]
        assert row["goal"] is None or row["goal"] in set(map(str, GOALS.values()))


def test_each_peer_is_measured_or_the_reason_told(told):
    for bench in ("latency", "decode", "jump"):
        peers = {row["peer"]: row["ours"] is not None for row in of(told, bench)}
        assert peers["llama.cpp"] == LLAMA
        assert not {"generate", "loop"} & set(peers)  # they were not asked for
    if not LLAMA:
        assert all("hirope-ls[lab]" in row["note"] for row in told["rows"] if row["peer"] == "llama.cpp")


def test_a_jump_up_computes_nothing_above_the_cursor(told):
    (row,) = of(told, "jump", "rows of the file")
    assert row["ours"] == 0 and row["holds"]


def test_the_budget_holds_and_a_token_costs_what_slabs_cost(told):
    (budget,) = of(told, "memory", "budget")
    assert 0 < budget["ours"] <= budget["theirs"] and budget["holds"]
    read, typed = (of(told, "memory", text)[0] for text in ("as read", "typed on"))
    assert read["theirs"] == typed["theirs"] == 3 * 2 * 2 * 12 * 4  # layers, k and v, heads, size, bytes
    assert read["ratio"] >= 1.5  # keys, turned keys, values, and room
    unturned, *_ = of(told, "memory", "no turned keys")
    assert unturned["ours"] is None


def test_what_there_is_not_is_told(told):
    missing = [row["case"] for row in told["rows"] if row["ours"] is None]
    assert sum("team server" in case for case in missing) == 4
    assert any("bandwidth" in case for case in missing)


def test_goals_for_long_files_are_not_held_against_short_ones(told):
    assert all(row["goal"] is None for row in of(told, "decode", "decode") if row["ours"] is not None)
    assert of(told, "latency", "first token, warm")[0]["goal"] is None


def test_sizes_are_options(folder, tmp_path, capsys):
    path, options = tmp_path / "rows.json", ["--model", str(folder), "--device", "cpu", "--threads", "1", "--peers"]
    sizes = ["--files", "1", "2", "--file-tokens", "70", "--keys", "1"]
    assert main(["bench", "many", *options, *sizes, "--json", str(path)]) == 0
    found = [row["case"] for row in json.loads(path.read_text())["rows"] if row["ours"] is not None]
    assert found == ["1 file of 70: first token"] * 2 + ["2 files of 70: first token"] * 2
    printed = capsys.readouterr().out
    assert "2 files of 70" in printed and "goals hold" in printed and "torch" in printed


def test_generate_takes_part(folder, tmp_path):
    path, options = tmp_path / "rows.json", ["--model", str(folder), "--device", "cpu", "--threads", "1"]
    sizes = ["--contexts", "150", "--tokens", "2", "--rounds", "1", "--peers", "generate"]
    assert main(["bench", "decode", *options, *sizes, "--json", str(path)]) == 0
    decode, prefill, _bandwidth = json.loads(path.read_text())["rows"]
    assert decode["peer"] == prefill["peer"] == "generate"
    assert all(row["ours"] > 0 and row["theirs"] > 0 and row["unit"] for row in (decode, prefill))


@pytest.mark.parametrize(("load", "warns"), [(0.2, False), (3.5, True)])
def test_a_busy_machine_is_told_of(monkeypatch, load, warns):
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    assert ("busy (load 3.5)" in about.busy()) == warns


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["decode", "--contexts", "0"], "--contexts must be at least 1"),
        (["many", "--file-tokens", "-3"], "--file-tokens must be at least 1"),
        (["all", "--threads", "0"], "--threads must be at least 1"),
        (["latency", "--contexts", "9000000", "--peers"], "ask for fewer"),
        (["table", "/no/such/file.json"], "cannot read"),
    ],
)
def test_nonsense_is_refused(folder, words, says, capsys):
    model = [] if words[0] == "table" else ["--model", str(folder), "--device", "cpu"]
    assert main(["bench", *words, *model]) == 2
    assert says in capsys.readouterr().err
