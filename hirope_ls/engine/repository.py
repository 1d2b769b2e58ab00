"""A workspace's files and the names in them, kept together: what contexts are chosen from.

The workspace tells from its own thread which files changed; their names are taken in by whoever chooses, in slices, so
that nobody waits. Knows no editors and no models.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from hirope_ls.engine.choosing import Place, Surroundings
from hirope_ls.engine.context import common_root
from hirope_ls.names import Names
from hirope_ls.syntax.records import RECORDS, read
from hirope_ls.workspace import Changes, Workspace

MAKE = "hirope_ls.syntax.records:record"
"""What a workspace is to make records by, and `VERSION` is theirs."""
VERSION = RECORDS


class Repository:
    """Names over a workspace. `tell` is for the workspace's thread; everything else is for one thread."""

    def __init__(self) -> None:
        self.names = Names()
        self._waiting: deque[tuple[str, bool]] = deque()  # path, and whether it is gone

    def tell(self, changes: Changes) -> None:
        """Files changed or went: to be given to the workspace as its `on_change`."""
        self._waiting.extend((path, False) for path in changes.changed)
        self._waiting.extend((path, True) for path in changes.removed)

    @property
    def waiting(self) -> int:
        """How many changes are not taken in yet."""
        return len(self._waiting)

    def catch_up(self, workspace: Workspace, seconds: float = float("inf")) -> None:
        """Take in what changed, for about so long."""
        until = time.monotonic() + seconds
        while self._waiting and time.monotonic() < until:
            path, gone = self._waiting.popleft()
            found = read(None if gone else workspace.record(path))
            if found.symbols is not None:
                self.names.put(path, found.symbols)
            else:
                self.names.remove(path)
            if path.endswith(("/tsconfig.json", "/jsconfig.json")):
                self.names.modules.configure(path, found.settings)

    def surroundings(self, workspace: Workspace, places: Sequence[Place] = ()) -> Surroundings:
        """The workspace as a choice sees it."""

        def text(path: str) -> bytes | None:
            found = workspace.text(path)
            return None if found is None else found.data

        return Surroundings(self.names, text, places, common_root(workspace.roots))
