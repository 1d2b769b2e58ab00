"""Which paths git would leave out, from the ignore files down to a folder, and which `.hiropeignore` leaves out.

Built for a walk from above: what lies in an ignored folder is never asked about. `.hiropeignore` files are read as
`.gitignore` files are, but by themselves: they can leave out more, never bring back what git ignores. That a file is
tracked although a pattern names it is not known here: the pattern counts. Frozen values; reads nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from hirope_ls.workspace.wildmatch import Pattern, parse_lines

GIT: Final = ".gitignore"
OWN: Final = ".hiropeignore"


@dataclass(frozen=True, slots=True)
class _Compiled:
    whole: re.Pattern[bytes]
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Patterns:
    """The patterns of one ignore file. The last that matches decides."""

    rows: tuple[_Compiled, ...]
    any_name: re.Pattern[bytes] | None = field(compare=False)
    any_path: re.Pattern[bytes] | None = field(compare=False)

    @classmethod
    def of(cls, data: bytes, any_case: bool = False) -> Patterns:
        """Made from the bytes of an ignore file. `any_case`: as git does under core.ignoreCase."""
        return _patterns(data, any_case)

    def decide(self, name: bytes, path: bytes, is_folder: bool) -> bool | None:
        """Whether `path`, from the ignore file's folder, is left out (True), kept (False) or not spoken of (None)."""
        by_name = self.any_name is not None and self.any_name.fullmatch(name)
        by_path = self.any_path is not None and self.any_path.fullmatch(path)
        if not by_name and not by_path:
            return None
        for row in reversed(self.rows):
            pattern = row.pattern
            if (is_folder or not pattern.folders_only) and row.whole.fullmatch(name if pattern.anywhere else path):
                return not pattern.negated
        return None


@lru_cache(maxsize=256)
def named_by(globs: tuple[str, ...], path: str) -> bool:
    """Whether these patterns leave a file out, as if they stood in a `.gitignore` of any folder above it."""
    patterns = Patterns.of("\n".join(globs).encode("utf-8", "surrogateescape"))
    parts = path.encode("utf-8", "surrogateescape").strip(b"/").split(b"/")
    spans = ((start, end) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1))
    return any(
        patterns.decide(parts[end - 1], b"/".join(parts[start:end]), end < len(parts)) is True for start, end in spans
    )


@lru_cache(maxsize=256)
def _patterns(data: bytes, any_case: bool) -> Patterns:
    flags = re.DOTALL | (re.IGNORECASE if any_case else re.NOFLAG)
    parsed = parse_lines(data)
    rows = tuple(_Compiled(re.compile(pattern.expression, flags), pattern) for pattern in parsed)
    return Patterns(rows, _any(parsed, True, flags), _any(parsed, False, flags))


def _any(patterns: tuple[Pattern, ...], anywhere: bool, flags: int) -> re.Pattern[bytes] | None:
    wanted = [b"(?:%s)" % pattern.expression for pattern in patterns if pattern.anywhere is anywhere]
    return re.compile(b"|".join(wanted), flags) if wanted else None


@dataclass(frozen=True, slots=True)
class _Level:
    skip: int  # bytes of an absolute path up to the folder of the ignore file, its slash included
    patterns: Patterns


@dataclass(frozen=True, slots=True)
class Rules:
    """All ignore files that speak about the entries of one folder, the strongest first."""

    git: tuple[_Level, ...] = ()
    own: tuple[_Level, ...] = ()
    any_case: bool = False

    def with_git(self, folder: bytes, data: bytes) -> Rules:
        """These rules and those of a `.gitignore` in `folder`, which are stronger."""
        return Rules((self._level(folder, data), *self.git), self.own, self.any_case)

    def with_own(self, folder: bytes, data: bytes) -> Rules:
        """These rules and those of a `.hiropeignore` in `folder`, which are stronger than those above it."""
        return Rules(self.git, (self._level(folder, data), *self.own), self.any_case)

    def ignored(self, path: bytes, is_folder: bool) -> bool:
        """Whether an entry of the folder, by its absolute path, is left out."""
        name = path[path.rfind(b"/") + 1 :]
        return _first(self.git, name, path, is_folder) or _first(self.own, name, path, is_folder)

    def _level(self, folder: bytes, data: bytes) -> _Level:
        return _Level(len(folder.rstrip(b"/")) + 1, Patterns.of(data, self.any_case))


def _first(levels: tuple[_Level, ...], name: bytes, path: bytes, is_folder: bool) -> bool:
    for level in levels:
        if (found := level.patterns.decide(name, path[level.skip :], is_folder)) is not None:
            return found
    return False
