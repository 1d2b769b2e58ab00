"""The table: every setting, its default, its kind and the manual's text. All else about settings is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from hirope_ls.config.kinds import Kind, boolean, choice, either, integer, number, pattern, text, words

Auto = Literal["auto", "on", "off"]


@dataclass(frozen=True)
class Settings:
    """What the user wishes, every value already checked. Times in milliseconds, sizes in MiB (2**20 bytes)."""

    enable: bool = True
    disabled_languages: tuple[str, ...] = ()
    disabled_globs: tuple[str, ...] = ()
    model: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    threads: int | None = None
    kv_budget_mib: int = 1024
    idle_unload_minutes: float = 0.0
    debounce_ms: int | Literal["auto"] = 0
    deadline_ms: int = 5000
    max_new_tokens: int = 96
    max_lines: int = 8
    prompt_tokens: int | None = None
    look_ahead: Auto = "auto"
    approximate_splice: bool = False
    context: Auto = "auto"
    context_tokens: int | None = None
    workspace_index: Auto = "auto"
    completion_items: Auto = "auto"
    log_level: Literal["error", "warning", "info", "debug"] = "info"
    log_file: str | None = None

    def differs(self, other: Settings, names: Sequence[str]) -> bool:
        """Whether one of these fields has another value there."""
        return any(getattr(self, name) != getattr(other, name) for name in names)


@dataclass(frozen=True)
class Setting:
    """One row: its name for users, the field of `Settings`, its kind, the manual's text, and what to say in place of a
    default where there is none."""

    name: str
    field: str
    kind: Kind
    doc: str
    unset: str = ""

    @property
    def accepts(self) -> str:
        """What it takes, in words."""
        return self.kind.accepts

    @property
    def default(self) -> Any:
        """The field's."""
        return _DEFAULTS[self.field]


_DEFAULTS: Final = {field.name: field.default for field in fields(Settings)}

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("enable", "enable", boolean(), "The switch for everything. While it is off no model is loaded."),
    Setting(
        "disabledLanguages",
        "disabled_languages",
        words("list of language ids"),
        'Languages that get no suggestions, by the name that the editor gives them: `["markdown", "plaintext"]`.',
    ),
    Setting(
        "disabledGlobs",
        "disabled_globs",
        words("list of patterns"),
        'Files that get no suggestions, by patterns as in `.gitignore`: `["*.min.js", "generated/"]`. '
        "What is written in them may still be shown to the model elsewhere; `.hiropeignore` prevents that.",
    ),
    Setting(
        "model",
        "model",
        text("path of a folder, or `owner/name[@revision]`"),
        "The model: a folder with `config.json`, `tokenizer.json` and safetensors, or the name of one that lies in the "
        "Hugging Face cache; nothing is downloaded, `hirope-ls fetch` does that. `@revision` pins a branch, tag or "
        "commit.",
        unset="bundled",
    ),
    Setting(
        "device",
        "device",
        pattern(r"auto|cpu|cuda(:\d+)?", "`auto`, `cpu`, `cuda`, `cuda:N`"),
        "Where the model runs. `auto` takes a GPU if there is one.",
    ),
    Setting(
        "dtype",
        "dtype",
        choice("auto", "float32", "bfloat16", "float16"),
        "Number format of weights and KV cache. `auto`: half precision on a GPU, and for models over 100 M parameters "
        "on CPUs with instructions for it; else float32.",
    ),
    Setting(
        "threads",
        "threads",
        integer(1, 1024),
        "Threads of the processor that the model computes with.",
        unset="the physical cores",
    ),
    Setting(
        "kvBudgetMiB",
        "kv_budget_mib",
        integer(16, 1_048_576),
        "Memory for KV caches of all open files together, in MiB. The file used longest ago is dropped first.",
    ),
    Setting(
        "idleUnloadMinutes",
        "idle_unload_minutes",
        number(0, 10_080),
        "Give the model's memory back after so many minutes without an edit or a request; the next request loads it "
        "again. 0: never.",
    ),
    Setting(
        "debounceMs",
        "debounce_ms",
        either("auto", integer(0, 5000)),
        "The model starts no sooner than this after the last keystroke. `auto`: the mean gap between your keystrokes, "
        "less what the model takes. Not used when you ask by hand.",
    ),
    Setting(
        "deadlineMs",
        "deadline_ms",
        integer(50, 600_000),
        "Answer at the latest this long after the request arrived, with what there is by then.",
    ),
    Setting("maxNewTokens", "max_new_tokens", integer(1, 1024), "Longest suggestion, in tokens."),
    Setting("maxLines", "max_lines", integer(1, 64), "Longest suggestion, in lines. 1: never more than the line."),
    Setting(
        "promptTokens",
        "prompt_tokens",
        integer(64, 1_048_576),
        "How much of the file before the cursor the model sees at most, in tokens.",
        unset="16 times what the model was trained for, or 32,768",
    ),
    Setting(
        "lookAhead",
        "look_ahead",
        choice("auto", "on", "off"),
        "Make the next suggestion while idle, for when the one shown is accepted whole. "
        "Also read the rest of a file that rests for two seconds after an edit, for when the cursor jumps down in it. "
        "`auto`: not on battery, and not where a suggestion takes over a second or the rest over five.",
    ),
    Setting(
        "approximateSplice",
        "approximate_splice",
        boolean(),
        "After an edit far above the cursor, answer at once from what was computed for the functions between, not "
        "reading them again. Answers may then differ from what the model says.",
    ),
    Setting(
        "context",
        "context",
        choice("auto", "on", "off"),
        "Show the model parts of other files of the workspace: what the code at the cursor uses, and what you work on. "
        "`auto`: for models that gain by it, which the bundled one hardly does. `off`: nothing of them is "
        "shown. Secret and ignored files get no suggestions either way.",
    ),
    Setting(
        "contextTokens",
        "context_tokens",
        integer(0, 131_072),
        "How much of other files is shown at most, in tokens, unless `context` is off.",
        unset="a quarter of `promptTokens`, for models that gain by it",
    ),
    Setting(
        "workspaceIndex",
        "workspace_index",
        choice("auto", "on", "off"),
        "Read the files of the workspace, to know what names mean in them. `auto`: where the model is shown parts of "
        "them, and, unless `context` is off, once you ask after what they define. `off`: no file is read but those you "
        "open, and none is shown.",
    ),
    Setting(
        "completionItems",
        "completion_items",
        choice("auto", "on", "off"),
        "Suggestions as entries of the editor's completion menu. `auto`: where the editor has no inline completion. "
        "Counts from the next start on.",
    ),
    Setting(
        "logLevel",
        "log_level",
        choice("error", "warning", "info", "debug"),
        "What goes to the editor's log and to `logFile`. No line holds text of your files.",
    ),
    Setting(
        "logFile",
        "log_file",
        text("path of a file"),
        "Write the log to this file, too. At 4 MB it becomes `.1`, then `.2`.",
        unset="none",
    ),
)
