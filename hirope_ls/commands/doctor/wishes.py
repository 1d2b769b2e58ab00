"""What the doctor is asked to look at: the user's settings file, as the server reads it, and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hirope_ls.config import SETTINGS, Settings, read_settings, userfile


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


def read_user_file(path: Path) -> UserFile:
    """What it says. Never raises."""
    found = userfile.UserFile(path).news()
    if found is None:
        return UserFile(path, path.exists(), {}, Settings(), ())
    if found.values is None:
        return UserFile(path, True, None, Settings(), ((found.problem or "").replace(str(path), "it"),))
    settings, problems = read_settings(found.values)
    return UserFile(path, True, found.values, settings, problems)


def known_settings(given: dict[str, Any]) -> dict[str, Any]:
    """What a report may say of them: numbers and switches as they are; of texts that they are set."""
    names = {setting.name for setting in SETTINGS}
    return {
        name: value if isinstance(value, bool | int | float) else "(set)"
        for name, value in given.items()
        if name in names
    }
