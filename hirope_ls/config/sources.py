"""Where settings come from, and which of them count: defaults, the user's file, what the editor says, the command line.

A wrong value changes nothing in its source: the last good one there counts, or else the next source's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from hirope_ls.config.table import SETTINGS, Settings

Source = Literal["file", "options", "client", "flags"]
_ORDER: Final[tuple[Source, ...]] = ("file", "options", "client", "flags")
_TABLE: Final = {setting.name: setting for setting in SETTINGS}


class Sources:
    """The values of each source; later ones win: the user's file, `initializationOptions`, the client's configuration,
    the command line. All are keyed by the names users see (`debounceMs`); null means that nothing is given."""

    def __init__(self) -> None:
        self._values: dict[Source, dict[str, Any]] = {source: {} for source in _ORDER}

    def take(self, source: Source, given: object) -> tuple[str, ...]:
        """This is all that the source gives now, any JSON or TOML value. Never raises.

        What cannot be honoured is returned, a phrase a setting, fit to be shown to the user.
        """
        if given is None:
            given = {}
        if not isinstance(given, Mapping):
            return ("the settings must be one object of names and values",)
        former, values, problems = self._values[source], {}, []
        for name, value in given.items():
            setting = _TABLE.get(name)
            if setting is None:
                problems.append(f"`{_shorten(name)}` is not a setting")
            elif value is not None:
                try:
                    values[setting.field] = setting.kind.read(value)
                except (ValueError, OverflowError):
                    wanted = setting.accepts.replace("`", "")
                    problems.append(f"`{name}` must be {wanted}, not {_shorten(repr(value))}")
                    if setting.field in former:
                        values[setting.field] = former[setting.field]
        self._values[source] = values
        return tuple(problems)

    def settings(self) -> Settings:
        """What counts now."""
        return Settings(**{field: value for source in _ORDER for field, value in self._values[source].items()})


def read_settings(options: object, overrides: Mapping[str, object] | None = None) -> tuple[Settings, tuple[str, ...]]:
    """Settings from `initializationOptions` (any JSON value) and the command line alone, and what is wrong in them."""
    sources = Sources()
    problems = (*sources.take("options", options), *sources.take("flags", overrides))
    return sources.settings(), problems


def problem_message(problems: tuple[str, ...]) -> str:
    """One line for the user about problems (at least one)."""
    return "hirope-ls keeps its default or the last good value where a setting is wrong: " + "; ".join(problems) + "."


def _shorten(text: object, limit: int = 40) -> str:
    shown = str(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
