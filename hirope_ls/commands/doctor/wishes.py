"""What the doctor is asked to look at: the user's settings file, as the server reads it, and the command line."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hirope_ls.config import SETTINGS, Settings, read_settings

_LARGEST: Final = 1_000_000  # bytes of a settings file


@dataclass(frozen=True)
class UserFile:
    """The settings file: where it would be, what it gives (None: it cannot be read), and what is wrong with it."""

    path: Path
    there: bool
    given: dict[str, Any] | None
    settings: Settings
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Wishes:
    """The model's name or folder (None: the bundled one), where it runs, and what else is to be looked at."""

    file: UserFile
    model: str | None
    device: str
    workspace: Path | None = None
    source: Path | None = None

    @property
    def settings(self) -> Settings:
        """What the server would use, if the editor says nothing else."""
        return self.file.settings


def user_file_path() -> Path:
    """Where the user's settings are."""
    from platformdirs import user_config_path

    return user_config_path("hirope-ls", appauthor=False) / "config.toml"


def read_user_file(path: Path) -> UserFile:
    """What it says. Never raises."""
    if not path.exists():
        return UserFile(path, False, {}, Settings(), ())
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is larger than 1 MB")
        given = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        return UserFile(path, True, None, Settings(), (f"it cannot be read: {why}",))
    settings, problems = read_settings(given)
    return UserFile(path, True, given, settings, problems)


def known_settings(given: dict[str, Any]) -> dict[str, Any]:
    """What a report may say of them: numbers and switches as they are; of texts that they are set."""
    names = {setting.name for setting in SETTINGS}
    return {
        name: value if isinstance(value, bool | int | float) else "(set)"
        for name, value in given.items()
        if name in names
    }
