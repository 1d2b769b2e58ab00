"""Which files may be read at all: by the name they are called, by their real one, and by what else leads to them.

What is secret under another name is known from the folders that were read last (`scan.Taint`). Where nobody reads
folders all the time, it is done when it is asked for. Opens ignore files, and no other.
Any thread may ask; one thread sets what it knows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from hirope_ls.workspace.content import generated_folder, hidden_name, refused_name
from hirope_ls.workspace.paths import Place, Roots
from hirope_ls.workspace.reading import stamp_of
from hirope_ls.workspace.scan import Taint, Tree
from hirope_ls.workspace.secrets import secret_name, secret_path, secret_place
from hirope_ls.workspace.values import Limits, Refusal

UNREAD: Final = frozenset({Refusal.OUTSIDE, Refusal.SECRET, Refusal.IGNORED})
_SHARE: Final = 10  # a file with several names is reason to look again, not before so many times as long as that takes


class Judge:
    """See above. found: what a file's content says against it, where it was read."""

    def __init__(self, roots: Roots, limits: Limits, found: Callable[[str], Refusal | None]) -> None:
        self.roots = roots
        self.tree = Tree(roots, limits)
        self.taint = Taint()
        self._limits = limits
        self._found = found
        self.kept_up = False  # whether somebody sets the taint after every change of the folders
        self._due = float("-inf")  # a file with several names is reason to look again from then on
        self._known = False

    def refusal(self, path: str) -> Refusal | None:
        """Why a file is left alone, by the name it is called and by its real one; None if it is not."""
        place = self.roots.locate(path)
        if secret_name(os.path.basename(path), False):
            return Refusal.SECRET
        if place is None:
            return Refusal.OUTSIDE
        secret = secret_path(place.relative) or (place.given is not None and secret_path(place.given))
        if secret or secret_place(place.root) or self._tainted(place.path):
            return Refusal.SECRET
        *folders, name = place.relative.split("/")
        if any(map(hidden_name, (*folders, name))):
            return Refusal.IGNORED
        if any(map(generated_folder, folders)):
            return Refusal.GENERATED
        if self._ignored(place):
            return Refusal.IGNORED
        return refused_name(name) or self._found(place.path)

    def _look(self, path: str) -> None:
        """Find out what is secret under another name, if that is not known, or this file is reason to doubt it.

        For where nobody keeps it up, or not yet: takes as long as reading all folders does.
        """
        began = time.monotonic()
        if self.kept_up or (self._known and (began < self._due or _names(path) < 2)):
            return
        tree, self._known = Tree(self.roots, self._limits), True
        tree.full()
        if not self.kept_up:
            self.taint = tree.taint()
        self._due = time.monotonic() + _SHARE * (time.monotonic() - began)

    def doubt(self) -> None:
        """What is secret under another name may have changed: nobody has looked since."""
        self._known = self.kept_up = False

    def _tainted(self, path: str) -> bool:
        self._look(path)
        if self.taint == Taint():
            return False
        try:
            return self.taint.holds(path, stamp_of(os.lstat(path)))
        except OSError:
            return self.taint.holds(path, None)

    def _ignored(self, place: Place) -> bool:
        rules = self.tree.rules_for(os.path.dirname(place.path), place.root)
        return rules is None or rules.ignored(os.fsencode(place.path), os.path.isdir(place.path))


def _names(path: str) -> int:
    """How many names a file has on its file system."""
    try:
        return os.stat(path).st_nlink
    except OSError:
        return 1
