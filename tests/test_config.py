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
    Sources,
    problem_message,
    read_settings,
    settings_table,
    with_table,
)
from hirope_ls.config.generated import COMMAND, FILES, json_schema, lua_settings, renew, vscode_configuration
from hirope_ls.config.userfile import Given, UserFile

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
    assert settings == Settings(model="/m", debounce_ms=8, deadline_ms=900, device="cuda:1")


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
    ("model", "a\nb"),
    ("debounceMs", "sometimes"),
    ("enable", "maybe"),
    ("disabledLanguages", [1]),
    ("disabledGlobs", {"a": 1}),
    ("idleUnloadMinutes", -1),
    ("idleUnloadMinutes", "soon"),
    ("threads", 0),
    ("maxLines", 0),
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


@pytest.mark.parametrize("name", FILES)
def test_what_is_generated_is_in_sync(name: str) -> None:
    path = README.parent / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    assert FILES[name](text) == text, f"run: {COMMAND}"
    assert name != README.name or README_BEGIN in text


def test_renewing_writes_what_differs(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"a\n{README_BEGIN}\nold\n{README_END}\nb\n")
    assert renew(tmp_path) == list(FILES)
    assert renew(tmp_path) == []
    assert json.loads((tmp_path / "editors/settings.schema.json").read_text()) == json.loads(json.dumps(json_schema()))


def test_an_editors_defaults_hide_nothing() -> None:
    properties = vscode_configuration()["properties"]
    assert list(properties) == [f"hirope-ls.{setting.name}" for setting in SETTINGS]
    assert all(each["default"] is None and {"type": "null"} in each["anyOf"] for each in properties.values())
    json.dumps(properties)


def test_the_lua_table_names_every_setting() -> None:
    lua = lua_settings()
    assert all(f"-- {setting.name} = " in lua for setting in SETTINGS)
    assert lua.count("{") == lua.count("}")


def test_the_settings_are_about_twenty() -> None:
    assert len(SETTINGS) <= 22


def test_sources_in_order_of_strength() -> None:
    sources = Sources()
    sources.take("flags", {"maxLines": 4})
    sources.take("client", {"maxLines": 3, "maxNewTokens": 3})
    sources.take("options", {"maxLines": 2, "maxNewTokens": 2, "deadlineMs": 200})
    sources.take("file", {"maxLines": 1, "maxNewTokens": 1, "deadlineMs": 100, "threads": 1})
    found = sources.settings()
    assert (found.max_lines, found.max_new_tokens, found.deadline_ms, found.threads) == (4, 3, 200, 1)
    assert sources.take("client", {"maxNewTokens": None}) == ()
    assert sources.settings().max_new_tokens == 2, "what is not given any more does not count any more"


def test_a_wrong_value_keeps_the_last_good_one_of_its_source() -> None:
    sources = Sources()
    sources.take("file", {"maxLines": 3, "deadlineMs": 900})
    (problem,) = sources.take("file", {"maxLines": "many", "deadlineMs": 800})
    assert "`maxLines`" in problem
    assert (sources.settings().max_lines, sources.settings().deadline_ms) == (3, 800)


def test_the_users_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = UserFile(tmp_path / "none" / "config.toml")
    assert file.news() is None
    file.path.parent.mkdir()
    file.path.write_text("maxLines = 3\n")
    assert file.news() == Given({"maxLines": 3})
    assert file.news() is None
    file.path.write_text("maxLines = 4\n")
    assert file.news() == Given({"maxLines": 4})
    file.path.unlink()
    assert file.news() == Given({})
    assert file.news() is None


@pytest.mark.parametrize("data", [b"a = \nb = 2\n", b"\xff\n", b"x = [" * 50_000, b"a = 1\na = 2\n"])
def test_a_broken_file_is_one_line_and_changes_nothing(tmp_path: Path, data: bytes) -> None:
    file = UserFile(tmp_path / "config.toml")
    file.path.write_bytes(data)
    given = file.news()
    assert given is not None
    assert given.values is None
    assert given.problem is not None
    assert str(file.path) in given.problem
    assert "\n" not in given.problem
    assert file.news() is None, "it is said once"


def test_a_broken_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = UserFile(tmp_path / "config.toml")
    file.path.write_text("maxLines = 3\ndeadlineMs = \n")
    assert "line 2" in str(file.news())


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    file = UserFile(tmp_path / "config.toml")
    given = file.news()
    assert given is not None
    assert "cannot be read" in str(given.problem)
    assert file.news() is None
