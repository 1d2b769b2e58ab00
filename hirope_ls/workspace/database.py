"""What is kept of the files of one root between starts: their states, and the records made of their contents.

One SQLite file in the platform's cache folder, for its owner alone; several processes may use it at once. Records are
found by the digest of the content, so a branch that comes back finds them. Safe to delete at any time; what is broken
is made anew, and without a place on disk everything is kept in memory. Knows bytes, no languages. Any thread may call.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from hirope_ls.workspace.reading import O_CLOEXEC, O_NOFOLLOW
from hirope_ls.workspace.values import Refusal, Stamp

_KEPT_DAYS: Final = 30  # of records that no file has now
_MOST_BYTES: Final = 512 * 2**20
_BROKEN: Final = (sqlite3.Error, ValueError, TypeError)  # the last two from names and values that are noise
_UNUSED: Final = "NOT EXISTS (SELECT 1 FROM files WHERE files.digest = records.digest)"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, size INTEGER, modified INTEGER, changed INTEGER,
    inode INTEGER, checked INTEGER, digest BLOB, refusal TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_digest ON files (digest);
CREATE TABLE IF NOT EXISTS records (digest BLOB, name BLOB, record BLOB, day INTEGER, PRIMARY KEY (digest, name));
CREATE INDEX IF NOT EXISTS by_name ON records (name);
"""


class Row(NamedTuple):
    """The state of one file when it was last read, at `checked` (ns). No digest: it could not be read."""

    stamp: Stamp
    checked: int
    digest: bytes
    refusal: Refusal | None = None


class Kept(NamedTuple):
    """A change to be kept: a file's new row and its record (None: it has one, or needs none); or it is gone."""

    path: str
    row: Row | None
    record: bytes | None = None
    forget: bool = False  # gone because it must not be used any more: its records go, too


def digest_of(data: bytes) -> bytes:
    """The digest of a content."""
    return hashlib.blake2b(data, digest_size=20).digest()


def place_of(folder: Path, root: str) -> Path:
    """Where in the cache folder the database of a root lies."""
    return folder / f"{hashlib.blake2b(os.fsencode(root), digest_size=12).hexdigest()}.sqlite"


class Database:
    """The database at `place`, or one in memory. `renewed` counts how often everything in it was lost."""

    def __init__(self, place: Path | None) -> None:
        self._lock = threading.RLock()
        self._place = place
        self.renewed = 0
        self._connection = self._open()

    def rows(self) -> dict[str, Row]:
        """All files, by path below the root."""
        with self._lock:
            try:
                found = self._connection.execute("SELECT * FROM files").fetchall()
                return {os.fsdecode(path): _row(*rest) for path, *rest in found}
            except _BROKEN:
                self._renew()
                return {}

    def record(self, digest: bytes, name: str) -> bytes | None:
        """The record made of this content under this file name."""
        with self._lock:
            try:
                query = "SELECT record FROM records WHERE digest = ? AND name = ?"
                found = self._connection.execute(query, (digest, os.fsencode(name))).fetchone()
            except _BROKEN as error:
                self._suspect(error)
                return None
            return bytes(found[0]) if found is not None else None

    def save(self, changes: Iterable[Kept]) -> bool:
        """Keep all of this, or nothing: False if another process holds the database for long."""
        with self._lock:
            try:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    for change in changes:
                        self._write(change)
                return True
            except _BROKEN as error:
                self._suspect(error)
                return False

    def close(self) -> None:
        """No more calls."""
        with self._lock:
            self._connection.close()

    def _write(self, change: Kept) -> None:
        path, name = os.fsencode(change.path), os.fsencode(change.path.rpartition("/")[2])
        run = self._connection.execute
        if change.row is None:
            run("DELETE FROM files WHERE path = ?", (path,))
            if change.forget:  # with what it said before
                run(f"DELETE FROM records WHERE name = ? AND {_UNUSED}", (name,))
            return
        stamp, checked, digest, refusal = change.row
        state = (*stamp[:4], checked, digest, refusal.name if refusal else None)
        run("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (path, *state))
        if change.record is not None:
            run("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", (digest, name, change.record, _today()))

    def _suspect(self, error: Exception) -> None:
        """A database that is only busy stays; any other that fails is made anew."""
        if getattr(error, "sqlite_errorcode", None) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            self._renew()

    def _renew(self) -> None:
        self._connection.close()
        self.renewed += 1
        if self._place is not None:
            _delete(self._place)
            if self.renewed > 1:  # the disk is full, or worse
                self._place = None
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        if self._place is not None:
            for _ in range(2):
                try:
                    return _connect(self._place)
                except (*_BROKEN, OSError):
                    _delete(self._place)
            self._place = None
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        connection.executescript(_SCHEMA)
        return connection


def _connect(place: Path) -> sqlite3.Connection:
    os.close(os.open(place, os.O_RDWR | os.O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600))
    place.chmod(0o600)  # the files that SQLite puts beside it have the same mode
    connection = sqlite3.connect(place, timeout=5, check_same_thread=False, isolation_level=None)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON", "cache_size=-2000"):
            connection.execute(f"PRAGMA {pragma}")
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("broken")
        connection.executescript(_SCHEMA)
        _tidy(connection, place)
    except BaseException:
        connection.close()
        raise
    return connection


def _tidy(connection: sqlite3.Connection, place: Path) -> None:
    oldest = _today() - _KEPT_DAYS if place.stat().st_size < _MOST_BYTES else _today() + 1
    try:
        connection.execute(f"DELETE FROM records WHERE day < ? AND {_UNUSED}", (oldest,))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise


def _delete(place: Path) -> None:
    for path in (place, Path(f"{place}-wal"), Path(f"{place}-shm")):
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue


def _row(size: int, modified: int, changed: int, inode: int, checked: int, digest: bytes, refusal: str | None) -> Row:
    stamp = Stamp(int(size), int(modified), int(changed), int(inode), 0)
    try:
        why = Refusal[refusal] if refusal is not None else None
    except KeyError as error:
        raise ValueError from error
    return Row(stamp, int(checked), bytes(digest), why)


def _today() -> int:
    return int(time.time()) // 86_400
