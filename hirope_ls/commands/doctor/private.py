"""Takes out of a report what is the user's alone: names, folders, and where things lie on their machine."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_PUBLIC: Final = r"(?:proc|sys|etc|usr|dev)/"
_EVERYBODY: Final = ("root", "user")
_PATH: Final = re.compile(rf"(?<![\w~.*/<-])/(?!/|{_PUBLIC})[^\s'\"`,;:()]+")


class Private:
    """`named`: further paths, with the words that stand for them."""

    def __init__(self, named: Iterable[tuple[Path, str]] = ()) -> None:
        home = Path("~").expanduser()
        places = [*named, (Path(sys.prefix), "PREFIX"), (Path(__file__).parents[2], "PACKAGE"), (home, "~")]
        self._places = [
            (text, word) for path, word in places for text in {str(path), str(path.resolve())} if len(text) > 1
        ]
        self._places.sort(key=lambda place: -len(place[0]))
        self._user = _user()

    def text(self, text: str) -> str:
        """The text without them; absolute paths that are none of those named become `/…`."""
        for path, word in self._places:
            text = re.sub(rf"{re.escape(path)}(?![\w.-])", word, text)
        if self._user:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(self._user)}(?![A-Za-z0-9])", "USER", text)
        return _PATH.sub("/…", text)

    def value(self, value: Any) -> Any:
        """The same in all texts of a JSON value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(one) for key, one in value.items()}
        return [self.value(one) for one in value] if isinstance(value, list | tuple) else value


def shortened(path: Path | str) -> str:
    """A path for the terminal, with `~` for the home folder."""
    home, text = str(Path("~").expanduser()), str(path)
    return f"~{text[len(home) :]}" if len(home) > 1 and text.startswith(home + "/") else text


def _user() -> str:
    """The user's name, unless it is everybody's."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        return ""
    return "" if name in _EVERYBODY else name
