"""The databases of all roots as one: what is known from earlier, and what waits to be written down.

What waits is found like what is written. Knows rows and records; reads no files. Belongs to one thread, but for
`record` and `damaged`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hirope_ls.workspace.database import Database, Kept, Row, place_of
from hirope_ls.workspace.paths import Roots, join

_BATCH: Final = 500  # changes that are written at once


class Ledger:
    """See above. folder: where the databases are kept; None for in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._roots = Roots()
        self._databases: dict[str, Database] = {}
        self._waiting: dict[str, list[Kept]] = {}
        self._waiting_records: dict[tuple[bytes, str], bytes] = {}
        self._renewed = 0

    def set_roots(self, roots: Roots) -> dict[str, Row]:
        """Open the databases of new roots, and close those of roots that are gone; what the new ones know, by path."""
        self.flush()
        self._roots = roots
        for root in self._databases.keys() - set(roots.folders):
            self._databases.pop(root).close()
        found: dict[str, Row] = {}
        for root in set(roots.folders) - self._databases.keys():
            database = Database(place_of(self._folder, root) if self._folder is not None else None)
            self._databases[root] = database
            found.update((join(root, relative), row) for relative, row in database.rows().items())
        return found

    def owner(self, path: str) -> str | None:
        """The root that a real path belongs to."""
        place = self._roots.place(path)
        return place.root if place is not None else None

    def record(self, digest: bytes, path: str) -> bytes | None:
        """The record made of this content under the name of this path. Any thread may ask."""
        name = path.rpartition("/")[2]
        if (waiting := self._waiting_records.get((digest, name))) is not None:
            return waiting
        database = self._databases.get(self.owner(path) or "")
        return database.record(digest, name) if database is not None else None

    def keep(self, path: str, row: Row | None, record: bytes | None = None, forget: bool = False) -> None:
        """To be written down: as in `Kept`."""
        if record is not None and row is not None:
            self._waiting_records[row.digest, path.rpartition("/")[2]] = record
        if (place := self._roots.place(path)) is not None:
            self._waiting.setdefault(place.root, []).append(Kept(place.relative, row, record, forget))

    def flush_some(self) -> None:
        """Write down what waits, where it is much."""
        if sum(map(len, self._waiting.values())) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write down what waits; what cannot be written now stays for the next time."""
        for root, changes in list(self._waiting.items()):
            database = self._databases.get(root)
            if database is None or database.save(changes):
                del self._waiting[root]
        if not self._waiting:
            self._waiting_records = {}

    @property
    def damaged(self) -> bool:
        """Whether a database had to be made anew, and nobody saw to it yet. Any thread may ask."""
        return self._count_renewed() > self._renewed

    def see_damage(self) -> bool:
        """Whether it is so; from now on somebody saw to it."""
        renewed = self._count_renewed()
        found, self._renewed = renewed > self._renewed, renewed
        return found

    def close(self) -> None:
        """Write down what waits, and let go of everything."""
        self.flush()
        for database in self._databases.values():
            database.close()

    def _count_renewed(self) -> int:
        return sum(database.renewed for database in list(self._databases.values()))
