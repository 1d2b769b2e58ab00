"""The settings a user may give: one documented table, from which everything else about them is made.

A setting comes from the editor's `initializationOptions` or from the command line (which wins). Nothing here is
ever fatal: what is unknown or wrong is named in one message and the default is used. Knows no LSP; lower layers
never see `Settings`, they get plain arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

README_BEGIN: Final = "<!-- settings:begin -->"
README_END: Final = "<!-- settings:end -->"
_UNSET: Final = {"model": "bundled", "contextTokens": "by the model"}  # what the table says of those without a value


@dataclass(frozen=True)
class Settings:
    """What the user wishes, every value already checked. Times in milliseconds, sizes in MiB (2**20 bytes)."""

    model: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    debounce_ms: int = 0
    deadline_ms: int = 5000
    max_new_tokens: int = 96
    kv_budget_mib: int = 1024
    look_ahead: Literal["auto", "on", "off"] = "auto"
    approximate_splice: bool = False
    context: Literal["auto", "on", "off"] = "auto"
    context_tokens: int | None = None
    completion_items: Literal["auto", "on", "off"] = "auto"


@dataclass(frozen=True)
class Setting:
    """One row of the table: its name for users, the field of `Settings`, how a value is read, and the manual's text."""

    name: str
    field: str
    read: Callable[[object], Any]
    accepts: str
    doc: str


def _integer(low: int, high: int) -> tuple[Callable[[object], int], str]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return read, f"whole number, {low} to {high}"


def _choice(pattern: str, accepts: str) -> tuple[Callable[[object], str], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
            raise ValueError
        return value

    return read, accepts


def _boolean() -> tuple[Callable[[object], bool], str]:
    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):  # on the command line
            return value == "true"
        raise ValueError

    return read, "`true` or `false`"


def _folder() -> tuple[Callable[[object], Path], str]:
    def read(value: object) -> Path:
        if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
            raise ValueError
        return Path(value).expanduser()

    return read, "path of a folder"


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "model",
        "model",
        *_folder(),
        "Folder of the model: `config.json`, `tokenizer.json` and safetensors. The bundled model without it.",
    ),
    Setting(
        "device",
        "device",
        *_choice(r"auto|cpu|cuda(:\d+)?", "`auto`, `cpu`, `cuda`, `cuda:N`"),
        "Where the model runs. `auto` takes a GPU if there is one.",
    ),
    Setting(
        "dtype",
        "dtype",
        *_choice(r"auto|float32|bfloat16|float16", "`auto`, `float32`, `bfloat16`, `float16`"),
        "Number format of weights and KV cache. `auto`: half precision on a GPU, and for models over 100 M parameters "
        "on CPUs with instructions for it; else float32.",
    ),
    Setting(
        "debounceMs",
        "debounce_ms",
        *_integer(0, 5000),
        "Wait this long after a keystroke before the model starts. Not used when you ask by hand.",
    ),
    Setting(
        "deadlineMs",
        "deadline_ms",
        *_integer(50, 600_000),
        "Answer at the latest this long after the request arrived, with what there is by then.",
    ),
    Setting("maxNewTokens", "max_new_tokens", *_integer(1, 1024), "Longest suggestion, in tokens."),
    Setting(
        "kvBudgetMiB",
        "kv_budget_mib",
        *_integer(16, 1_048_576),
        "Memory for KV caches of all open files together, in MiB. The file used longest ago is dropped first.",
    ),
    Setting(
        "lookAhead",
        "look_ahead",
        *_choice(r"auto|on|off", "`auto`, `on`, `off`"),
        "Make the next suggestion while idle, for when the one shown is accepted whole. "
        "Also read the rest of a file that rests for two seconds after an edit, for when the cursor jumps down in it. "
        "`auto`: not on battery, and not where a suggestion takes over a second or the rest over five.",
    ),
    Setting(
        "approximateSplice",
        "approximate_splice",
        *_boolean(),
        "After an edit far above the cursor, answer at once from what was computed for the functions between, not "
        "reading them again. Answers may then differ from what the model says.",
    ),
    Setting(
        "context",
        "context",
        *_choice(r"auto|on|off", "`auto`, `on`, `off`"),
        "Show the model parts of other files of the workspace: what the code at the cursor uses, and what you work on. "
        "`auto`: for models that gain by it, which the bundled one does not. Where it is off no file is read but those "
        "you open. Secret and ignored files get no suggestions either way.",
    ),
    Setting(
        "contextTokens",
        "context_tokens",
        *_integer(0, 131_072),
        "How much of other files is shown at most, in tokens, unless `context` is off. Without it a quarter of what "
        "the model sees of the file itself.",
    ),
    Setting(
        "completionItems",
        "completion_items",
        *_choice(r"auto|on|off", "`auto`, `on`, `off`"),
        "Suggestions as entries of the editor's completion menu. `auto`: where the editor has no inline completion.",
    ),
)


def read_settings(options: object, overrides: Mapping[str, object] | None = None) -> tuple[Settings, tuple[str, ...]]:
    """Settings from `initializationOptions` (any JSON value) and the command line's overrides, which win.

    Both are keyed by the names users see (`debounceMs`); null means the default. Never raises. The second value
    says what could not be honoured, one phrase a setting, fit to be shown to the user.
    """
    given: dict[str, object] = {}
    problems: list[str] = []
    for source in (options, overrides):
        if isinstance(source, Mapping):
            given.update(source)
        elif source is not None:
            problems.append("the settings must be one object of names and values")
    values, told = _checked(given)
    return Settings(**values), (*problems, *told)


def _checked(given: Mapping[str, object]) -> tuple[dict[str, Any], list[str]]:
    table = {setting.name: setting for setting in SETTINGS}
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in given.items():
        setting = table.get(name)
        if setting is None:
            problems.append(f"`{_shorten(name)}` is not a setting")
        elif value is not None:
            try:
                values[setting.field] = setting.read(value)
            except (ValueError, RuntimeError):  # RuntimeError: a `~user` whose home folder is unknown
                problems.append(f"`{name}` must be {setting.accepts.replace('`', '')}, not {_shorten(repr(value))}")
    return values, problems


def problem_message(problems: tuple[str, ...]) -> str:
    """One line for the user about all problems (at least one) of `read_settings`."""
    return "hirope-ls uses the default where a setting cannot be honoured: " + "; ".join(problems) + "."


def settings_table() -> str:
    """The settings as a Markdown table: what stands between the two marker lines of the README."""
    defaults = {field.name: field.default for field in fields(Settings)}
    rows = ["| setting | accepts | default | what it does |", "|---|---|---|---|"]
    for setting in SETTINGS:
        default = defaults[setting.field]
        shown = _UNSET.get(setting.name, "") if default is None else f"`{default}`"
        rows.append(f"| `{setting.name}` | {setting.accepts} | {shown} | {setting.doc} |")
    return "\n".join(rows)


def with_table(readme: str) -> str:
    """`readme` with a fresh table between the markers; unchanged where it has none."""
    pattern = re.compile(re.escape(README_BEGIN) + r"\n.*?" + re.escape(README_END), re.DOTALL)
    return pattern.sub(lambda _: f"{README_BEGIN}\n{settings_table()}\n{README_END}", readme)


def _shorten(text: object, limit: int = 40) -> str:
    shown = str(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


if __name__ == "__main__":  # python -m hirope_ls.config README.md ...: renew the tables
    import sys

    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
