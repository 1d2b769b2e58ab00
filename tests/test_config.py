"""Settings: read leniently, told about in one message, and the README's table made from the same rows."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from hirope_ls.config import (
    README_BEGIN,
    README_END,
    SETTINGS,
    Settings,
    problem_message,
    read_settings,
    settings_table,
    with_table,
)

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("options", [None, {}, {"model": None, "debounceMs": None}])
def test_nothing_given_is_the_default(options: object) -> None:
    assert read_settings(options) == (Settings(), ())


def test_every_field_has_exactly_one_row() -> None:
    assert [setting.field for setting in SETTINGS] == [field.name for field in fields(Settings)]


def test_every_default_is_itself_acceptable() -> None:
    for setting in SETTINGS:
        default = getattr(Settings(), setting.field)
        if default is not None:
            assert read_settings({setting.name: default}) == (Settings(), ()), setting.name


def test_values_are_taken_and_the_command_line_wins() -> None:
    settings, problems = read_settings(
        {"model": "/m", "debounceMs": 7, "deadlineMs": 900, "device": "cuda:1"}, {"debounceMs": 8}
    )
    assert problems == ()
    assert settings == Settings(model=Path("/m"), debounce_ms=8, deadline_ms=900, device="cuda:1")


WRONG = [
    ("debounceMs", -1),
    ("debounceMs", True),
    ("debounceMs", "5"),
    ("debounceMs", 1.5),
    ("deadlineMs", 0),
    ("maxNewTokens", 10**9),
    ("kvBudgetMiB", []),
    ("device", "gpu"),
    ("device", 3),
    ("dtype", "int8"),
    ("model", 5),
    ("approximateSplice", 1),
    ("approximateSplice", "yes"),
    ("model", ""),
    ("model", "~no-such-user-here/m"),
    ("model", "a\0b"),
    ("modell", "x"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_named_and_defaulted(name: str, value: object) -> None:
    settings, problems = read_settings({name: value, "maxNewTokens": 9} if name != "maxNewTokens" else {name: value})
    assert settings in (Settings(), Settings(max_new_tokens=9))
    assert len(problems) == 1
    assert f"`{name}`" in problems[0]


@pytest.mark.parametrize("options", [5, "x", [1], True])
def test_options_that_are_no_object(options: object) -> None:
    settings, problems = read_settings(options)
    assert settings == Settings()
    assert len(problems) == 1


def test_all_problems_make_one_short_line() -> None:
    _, problems = read_settings({"a" * 500: 1, "debounceMs": "x" * 10_000})
    message = problem_message(problems)
    assert "\n" not in message
    assert len(message) < 300


def test_the_table_names_every_setting_once() -> None:
    table = settings_table()
    assert len(table.splitlines()) == len(SETTINGS) + 2
    for setting in SETTINGS:
        assert table.count(f"| `{setting.name}` |") == 1


def test_markers_are_filled_and_filling_again_changes_nothing() -> None:
    once = with_table(f"a\n{README_BEGIN}\nold\n{README_END}\nb\n")
    assert once == f"a\n{README_BEGIN}\n{settings_table()}\n{README_END}\nb\n"
    assert with_table(once) == once
    assert with_table("no markers") == "no markers"


def test_readme_is_in_sync() -> None:
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    if README_BEGIN not in text:
        pytest.skip("the README has no settings table")
    assert with_table(text) == text, f"run: python -m hirope_ls.config {json.dumps(README.name)}"
