"""Which documents get no suggestions because the user wants none: everywhere, in a language, in files of some name.

Unlike private ones they are still read and shown elsewhere. Knows settings and names, no texts.
"""

from __future__ import annotations

from hirope_ls.config import Settings
from hirope_ls.server.uris import file_path, path_of
from hirope_ls.server.wishes import Wishes


class Switches:
    """Asked about each request; settings count as they are then."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes

    def rule(self, uri: str, language: str) -> str | None:
        """The rule that switches a document off: `disabled`, `language` or `glob`."""
        return rule_of(self._wishes.now, uri, language)


def rule_of(settings: Settings, uri: str, language: str) -> str | None:
    """The rule by which these settings leave a document alone."""
    if not settings.enable:
        return "disabled"
    if language.lower() in (each.lower() for each in settings.disabled_languages):
        return "language"
    path = file_path(uri) or path_of(uri) or uri
    return "glob" if settings.disabled_globs and _named(settings.disabled_globs, path) else None


def _named(globs: tuple[str, ...], path: str) -> bool:
    from hirope_ls.workspace.ignore import named_by  # slow to import

    return named_by(globs, path)
