"""From measurements to figures, tables and pictures: against numbers worked out elsewhere."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hirope_ls.lab.eval import plot
from hirope_ls.lab.eval.differences import difference_table
from hirope_ls.lab.eval.figures import Measured, Row, mean_and_error, rows, student_t
from hirope_ls.lab.eval.keys import digest
from hirope_ls.lab.eval.lengths import parse_lengths
from hirope_ls.lab.eval.log import Log
from hirope_ls.lab.eval.plot import Panel, draw
from hirope_ls.lab.eval.progress import Shown
from hirope_ls.lab.eval.report import panels
from hirope_ls.lab.eval.tables import markdown, table
from hirope_ls.problems import InputError


@pytest.mark.parametrize(
    "degrees, expected",  # printed tables of Student's distribution
    [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (29, 2.045), (99, 1.984), (100_000, 1.960)],
)
def test_students_quantile(degrees: int, expected: float):
    assert student_t(degrees) == pytest.approx(expected, abs=5e-4)


def test_mean_and_error():
    assert mean_and_error([4.0]) == (4.0, None)
    mean, error = mean_and_error([1.0, 2.0, 3.0])
    assert mean == 2 and error == pytest.approx(4.30265 / math.sqrt(3), abs=1e-4)
    assert mean_and_error([0.5, 0.5]) == (0.5, 0.0)


def measured(method: str, length: int, **files: list[float]) -> list[Measured]:
    preset = "default" if method == "hirope" else ""
    return [Measured(method, preset, length, name, {"nll": value}) for name, own in files.items() for value in own]


def test_a_file_counts_once_however_many_items_it_has():
    (row,) = rows("perplexity", measured("rope", 128, a=[1.0, 1.0, 1.0, 5.0], b=[4.0]), 64)
    mean, error = mean_and_error([2.0, 4.0])
    assert (row.value, row.n, row.multiple) == (mean, 2, 2.0)
    assert error is not None and row.high == pytest.approx(mean + error) and row.low == 0.0  # no NLL is below 0


def test_a_single_file_tells_no_interval():
    (row,) = rows("perplexity", measured("hirope", 96, a=[1.0, 2.0]), 64)
    assert row == Row("perplexity", "hirope", "default", 96, 1.5, "nll", 1.5, None, None, 1)


def test_shares_stay_between_0_and_1():
    (row,) = rows(
        "symbols", [Measured("rope", "", 64, file, {"recall": v}) for file, v in (("a", 1.0), ("b", 0.9))], 64
    )
    assert row.value == 0.95 and row.low < 0.9 and row.high == 1.0


SOME = measured("rope", 32, a=[2.0], b=[3.0]) + measured("hirope", 32, a=[2.0], b=[3.0])
SOME += measured("rope", 128, a=[4.0], b=[5.5]) + measured("hirope", 128, a=[1.5], b=[2.5])


def test_the_table_has_methods_down_and_lengths_across():
    assert table(rows("perplexity", SOME[:4] + measured("hirope", 128, a=[1.5]), 64)).splitlines() == [
        "## perplexity: nll",
        "",
        "nats a token, lower is better; mean over files (1 to 2) and its 95 % interval",
        "",
        "| method |            32 (0.5x) | 128 (2x) |",
        "| ------ | -------------------: | -------: |",
        "| rope   | 2.500 [0.000, 8.853] |          |",
        "| hirope | 2.500 [0.000, 8.853] |    1.500 |",
    ]


def test_differences_are_taken_file_by_file():
    told = difference_table(SOME, 64)
    assert f"+2.750 ± {12.7062 * 0.25:.3f}" in told  # rope from hirope at 128: 2.5 and 3.0
    assert "-0.500 ± 0.000" in told  # hirope from itself at 32: twice -0.5
    assert "+0.000 ± 0.000" in told  # both alike at 32
    assert "difference from hirope at the same length" in told and "difference from itself at 32 tokens" in told


def test_columns_are_aligned():
    assert markdown(["a", "b"], [["long", "1"], ["x", "22"]]) == (
        "| a    |  b |\n| ---- | -: |\n| long |  1 |\n| x    | 22 |\n"
    )


def test_lengths():
    assert parse_lengths("4x, 512,0.5x,700", 512) == [256, 512, 700, 2048]
    assert parse_lengths("512,1x", 512) == [512]
    for wrong in ("4y", "", "1x,", "-3", "1e3", "nan", "x", "7", "0x", "0.01x"):
        with pytest.raises(InputError, match="length"):
            parse_lengths(wrong, 512)


def test_digests_tell_values_apart(texts):
    values = [None, 1, 1.5, "1", (1, 2), ((1,), 2), {"a": 1}, {"a": 2}, b"1", SOME[0], SOME[4], texts[0], texts[1]]
    assert len({digest(value) for value in values}) == len(values)
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    with pytest.raises(TypeError, match="a set has no digest"):
        digest({1, 2})


def test_a_log_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "log", tmp_path):
        with pytest.raises(InputError, match="cannot write to"):
            Log(path)


def test_the_time_left_follows_cost_and_not_count(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("hirope_ls.lab.eval.progress.time.monotonic", lambda: now[0])
    shown = Shown("task", [64] * 10 + [64 * 8], 64)
    for _ in range(10):
        now[0] += 1
        shown.step(64)
    assert shown.time_left() == f"{10 * (9**1.5) / (10 * 2**1.5):.0f} s"
    now[0] += 3 * 3600
    assert shown.time_left().endswith(" h")


def picture(tmp_path: Path, *found: Panel) -> bytes:
    draw(found, 64, tmp_path / "plot.svg")
    return (tmp_path / "plot.svg").read_bytes()


ASTRAY = {"rope": [(32, 2.0, 1.9, 2.1), (128, 5.0, 4.5, 5.5)], "hirope": [(32, 2.0, 1.9, 2.1), (128, 1.9, 1.8, 2.0)]}


def test_a_curve_astray_leaves_the_panel_and_is_named(tmp_path: Path):
    panel = Panel("nll", "nats", True, ASTRAY)
    low, high = plot._range(panel)
    assert low < 1.8 and 2.1 < high < 3
    assert plot._beyond(panel, high) == "beyond the edge (▲), at most: rope 5.00"
    assert picture(tmp_path, panel)


def test_all_of_hirope_is_shown_and_so_is_all_of_what_is_near():
    far = Panel(
        "nll", "nats", True, {"hirope": [(32, 2.0, 1.0, 9.0), (128, 2.0, 1.0, 3.0)], "rope": [(32, 8.5, 1.9, 9.9)]}
    )
    assert 9.0 < plot._range(far)[1] < 9.9
    near = Panel("nll", "nats", True, {"hirope": [(32, 2.0, 1.9, 2.1)], "rope": [(32, 2.2, 2.1, 2.3)]})
    assert plot._range(near)[1] > 2.2 and plot._beyond(near, plot._range(near)[1]) == ""
    share = Panel("recall", "share", False, {"hirope": [(32, 0.9, 0.8, 1.0)], "rope": [(32, 0.0, 0.0, 0.0)]})
    assert plot._range(share) == (0.0, 1.06)


def test_pictures_of_one_point_and_of_many_methods(tmp_path: Path):
    one = Panel("recall", "share", False, {"rope": [(32, 0.0, None, None)]})
    names = ["rope", "pi", "ntk", "hirope:window=8", "hirope:window=9", "hirope:far=running", "hirope:log=no", "hirope"]
    many = Panel("nll", "nats", True, {name: [(32, 2.0, 1.9, 2.1), (64, 2.1, 2.0, 2.2)] for name in names})
    assert picture(tmp_path, one) and picture(tmp_path, one, many, one, many)


def test_panels_are_tasks_and_metrics():
    found = panels(rows("perplexity", SOME, 64) + rows("distant", SOME[:1], 64))
    assert [(panel.title, list(panel.curves)) for panel in found] == [
        ("perplexity: nll", ["rope", "hirope"]),
        ("distant: nll", ["rope"]),
    ]
    assert found[0].lower and [point[:2] for point in found[0].curves["hirope"]] == [(32, 2.5), (128, 2.0)]
