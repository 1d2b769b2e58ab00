"""Where the user was at work lately, in all files of the workspace, the latest place first. Knows no documents."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

from hirope_ls.engine.choosing import Place

_LENGTH: Final = 32
_NEAR: Final = 1_000  # bytes: within them it is one place


class Trail:
    """A few places; one that was edited stays one that was edited, whoever looks at it later."""

    def __init__(self) -> None:
        self._places: deque[Place] = deque(maxlen=_LENGTH)

    def been(self, path: str | None, offset: int, what: Literal["edited", "visited"]) -> None:
        """The user did this at byte `offset` of a file; documents that are none leave no trace."""
        if path is None:
            return
        same = [place for place in self._places if place.path == path and abs(place.offset - offset) <= _NEAR]
        for place in same:
            self._places.remove(place)
        edited = what == "edited" or any(place.what == "edited" for place in same)
        self._places.appendleft(Place(path, offset, "edited" if edited else "visited"))

    def places(self) -> tuple[Place, ...]:
        """All of them."""
        return tuple(self._places)

    def forget(self, paths: Iterable[str]) -> None:
        """These files are gone, or are private by now."""
        gone = set(paths)
        if any(place.path in gone for place in self._places):
            self._places = deque((place for place in self._places if place.path not in gone), maxlen=_LENGTH)
