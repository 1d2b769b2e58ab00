"""Rows of benches: ratios, goals, what was not measured, and the file they are kept in."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from hirope_ls.cli import main
from hirope_ls.lab.bench.goals import GOALS, Goal
from hirope_ls.lab.bench.rows import markdown, missing, number, read, row, table, verdict, write
from hirope_ls.problems import InputError

FAST = row("decode", "8,192 tokens", 120.0, "tokens/s", "llama.cpp", 100.0, "decode llama.cpp", "CPU 1 against 2 ms")
SLOW = row("decode", "8,192 tokens", 90.0, "tokens/s", "llama.cpp", 100.0, "decode llama.cpp")
LATE = row("keystroke", "5,000 lines: p50", 4.2, "ms", goal="keystroke p50")
OPEN = missing("decode", "bandwidth", "no GPU", goal="decode bandwidth")
TOLD = row("latency", "one key", 3.0, "ms")


def test_the_ratio_is_ours_by_theirs_and_goals_look_at_it_or_at_ours():
    assert (FAST.ratio, FAST.holds, FAST.goal) == (1.2, True, "ratio >= 1")
    assert (SLOW.ratio, SLOW.holds) == (0.9, False)
    assert (LATE.ratio, LATE.holds, LATE.goal) == (None, False, "ours <= 2")
    assert (TOLD.goal, TOLD.holds) == (None, None)
    assert (OPEN.ours, OPEN.holds, OPEN.goal, OPEN.note) == (None, None, "ratio >= 0.7", "not measured: no GPU")


def test_a_bound_is_within_the_goal():
    assert Goal("ratio", "<=", 1.0).holds(5.0, 1.0) and Goal("ratio", ">=", 1.0).holds(5.0, 1.0)
    assert Goal("ours", "<=", 2.0).holds(2.0, None)
    assert Goal("ratio", "<=", 1.0).holds(2.0, None) is None


def test_the_verdict_names_what_does_not_hold():
    told = verdict([FAST, SLOW, LATE, OPEN, TOLD])
    assert told.splitlines()[0] == "1 of 3 goals hold; 1 were not measured"
    assert "decode: 8,192 tokens, llama.cpp: 0.90x, goal ratio >= 1" in told
    assert "keystroke: 5,000 lines: p50: 4.20 ms, goal ours <= 2" in told


def test_rows_come_back_from_their_file(tmp_path, capsys):
    found, path = [FAST, SLOW, LATE, OPEN, TOLD], tmp_path / "rows.json"
    write(path, "a machine", {"torch": "2"}, found, steps=[])
    assert read(path) == ("a machine", {"torch": "2"}, found)
    keys = {"bench", "case", "ours", "peer", "theirs", "unit", "ratio", "goal", "holds"}
    assert all(keys <= set(one) for one in json.loads(path.read_text())["rows"])
    assert main(["bench", "table", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("a machine; torch 2\n") and printed.endswith(markdown(found))
    lines = markdown(found).splitlines()
    assert len(lines) == 2 + 4  # what was not measured has no line
    assert {line.count("|") for line in lines} == {8}


@pytest.mark.parametrize(
    "text", ["no json", "{}", '{"machine": "", "versions": {}, "rows": [{"bench": "x", "odd": 1}]}']
)
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(InputError, match="not written by"):
        read(tmp_path / "odd.json")
    with pytest.raises(InputError, match="cannot read"):
        read(tmp_path / "none.json")


def test_the_table_fits_a_terminal_and_says_all():
    out = io.StringIO()
    Console(file=out, width=80).print(table("decode", [FAST, SLOW, OPEN]))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    for word in ("120", "1.20x", ">= 1x: yes", ">= 1x: NO", "CPU 1 against 2 ms", "not measured: no GPU"):
        assert word in text


@pytest.mark.parametrize(
    ("value", "told"), [(None, ""), (0, "0"), (0.012345, "0.0123"), (0.5, "0.50"), (12.34, "12.3"), (1234.5, "1,234")]
)
def test_numbers_are_short(value, told):
    assert number(value) == told


def test_every_goal_has_a_bound_that_can_fail():
    assert all(goal.bound >= 0 for goal in GOALS.values())
    assert not any(goal.holds(1e9, 1e9) for goal in GOALS.values() if goal.way == "<=")
    assert not any(goal.holds(0, 0) for goal in GOALS.values() if goal.way == ">=")
