"""Roots, and the one name of each file: its real path, inside a root.

A path is looked at as it was given and as it really is. Links are resolved before anything is read, so a link that
leaves the roots leads nowhere. Where the file system does not tell cases apart, the name is the one in the folder.
Knows no ignore files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A path inside a root. `given`: how it was called, if that lies in a root as well."""

    root: str
    relative: str
    given: str | None = None

    @property
    def path(self) -> str:
        """The absolute real path: the one name of the file."""
        return join(self.root, self.relative)


@dataclass(frozen=True, slots=True)
class Roots:
    """Real paths of folders, the deepest first; a file belongs to the first that contains it."""

    folders: tuple[str, ...] = ()

    @classmethod
    def of(cls, folders: Iterable[str | os.PathLike[str]]) -> Roots:
        """Roots from paths as they were given. Those that do not exist yet are kept."""
        real = {os.path.realpath(folder) for folder in folders}
        return cls(tuple(sorted(real, key=lambda root: (-len(root), root))))

    def place(self, path: str) -> Place | None:
        """Where a real path lies; None outside of all roots."""
        for root in self.folders:
            if path.startswith(join(root, "")) and len(path) > len(join(root, "")):
                return Place(root, path[len(join(root, "")) :])
        return None

    def locate(self, path: str) -> Place | None:
        """Where a path from outside leads, by way of links, `..` and case; None if that is outside of all roots."""
        if "\0" in path or not os.path.isabs(path):
            return None
        try:
            place = self.place(os.path.realpath(path))
        except (OSError, ValueError):
            return None
        if place is None:
            return None
        given = self.place(os.path.normpath(path))
        return Place(place.root, _as_listed(place), given.relative if given else None)


def join(root: str, relative: str) -> str:
    """`root/relative`, also where the root is `/`."""
    return root + relative if root.endswith("/") else f"{root}/{relative}"


def _as_listed(place: Place) -> str:
    """The relative path with each name spelt as in its folder; names that do not exist stay as they are."""
    folder, names = place.root, place.relative.split("/")
    for at, name in enumerate(names):
        names[at] = _spelling(folder, name)
        folder = join(folder, names[at])
    return "/".join(names)


def _spelling(folder: str, name: str) -> str:
    try:
        wanted = os.lstat(join(folder, name))
        # The usual case, without reading the folder: no other case of the name is there.
        if not _is_there(folder, name.swapcase(), wanted):
            return name
        listed = os.listdir(folder)
    except OSError:
        return name
    same = (other for other in listed if other.casefold() == name.casefold() and _is_there(folder, other, wanted))
    return name if name in listed else next(same, name)


def _is_there(folder: str, name: str, wanted: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.lstat(join(folder, name)), wanted)
    except OSError:
        return False
