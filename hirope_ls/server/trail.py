"""Where the user was at work lately, in all files of the workspace, the latest place first. Knows no documents."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

_LENGTH: Final = 32
_NEAR: Final = 1_000  # bytes: within them it is one place


class Visit(NamedTuple):
    """At byte `offset` of the file at `path`."""

    path: str
    offset: int
    what: Literal["edited", "visited"]


class Trail:
    """A few places; one that was edited stays one that was edited, whoever looks at it later."""

    def __init__(self) -> None:
        self._visits: deque[Visit] = deque(maxlen=_LENGTH)

    def been(self, path: str | None, offset: int, what: Literal["edited", "visited"]) -> None:
        """The user did this at byte `offset` of a file; documents that are none leave no trace."""
        if path is None:
            return
        same = [visit for visit in self._visits if visit.path == path and abs(visit.offset - offset) <= _NEAR]
        for visit in same:
            self._visits.remove(visit)
        edited = what == "edited" or any(visit.what == "edited" for visit in same)
        self._visits.appendleft(Visit(path, offset, "edited" if edited else "visited"))

    def visits(self) -> tuple[Visit, ...]:
        """All of them."""
        return tuple(self._visits)

    def forget(self, paths: Iterable[str]) -> None:
        """These files are gone, or are private by now."""
        gone = set(paths)
        if any(visit.path in gone for visit in self._visits):
            self._visits = deque((visit for visit in self._visits if visit.path not in gone), maxlen=_LENGTH)
