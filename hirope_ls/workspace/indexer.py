"""Keeps a record of each file: made when its content is new, found in the database when it was seen before.

Compares what is on disk (stamps) with what was read (digests). Open buffers go before files and are kept in memory
only. Belongs to one thread, but for `record`, `digest`, `refusal` and `abort`. Knows no folders and no rules:
listings are given.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from hirope_ls.workspace.content import refused_content
from hirope_ls.workspace.database import Row, digest_of
from hirope_ls.workspace.gate import Stopped
from hirope_ls.workspace.ledger import Ledger
from hirope_ls.workspace.making import Died, File, Maker
from hirope_ls.workspace.paths import Roots
from hirope_ls.workspace.quarantine import Quarantine
from hirope_ls.workspace.reading import read_file
from hirope_ls.workspace.store import Store
from hirope_ls.workspace.values import Changes, Limits, Listing, Progress, Refusal, Stamp


@dataclass(frozen=True, slots=True)
class _Text:
    """What a file, or its open buffer, says."""

    path: str
    data: bytes
    row: Row
    open: bool = False

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class Indexer:
    """The records of all files of the roots."""

    def __init__(
        self, store: Store, maker: Maker, quarantine: Quarantine, limits: Limits, folder: Path | None = None
    ) -> None:
        self._store = store
        self._maker = maker
        self._quarantine = quarantine
        self._limits = limits
        self._ledger = Ledger(folder)
        self._stamps: Mapping[str, Stamp] = {}
        self._stored: dict[str, Row] = {}  # of an earlier start, not yet compared with the disk
        self._rows: dict[str, Row] = {}
        self._barred: frozenset[str] = frozenset()
        self._open: dict[str, Row] = {}
        self._open_records: dict[str, bytes | None] = {}
        self._todo: dict[str, None] = {}
        self._done = 0
        self._changed: set[str] = set()
        self._removed: set[str] = set()
        self._aborted = False
        self.notes: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether there is something to read, or to be read anew."""
        return bool(self._todo) or self.damaged

    @property
    def damaged(self) -> bool:
        """Whether a database had to be made anew, and nobody saw to it yet."""
        return self._ledger.damaged

    @property
    def progress(self) -> Progress:
        """Of the work that began when there last was none."""
        return Progress(self._done, self._done + len(self._todo))

    def set_roots(self, roots: Roots) -> None:
        """The files of these roots from now on."""
        self._stored.update(self._ledger.set_roots(roots))
        # A file may belong to another root by now.
        for path in [path for path in self._rows if self._ledger.owner(path) is None]:
            self._lose(path)

    def reconcile(
        self,
        listing: Listing,
        files: Container[str],
        doubted: Container[str] | None,
        barred: frozenset[str] = frozenset(),
    ) -> None:
        """Find what has to be read: new, changed or among `files`, or too fresh to tell in a doubted folder.

        doubted: folders whose events may have been lost; None for all. barred: open buffers that must not be used.
        """
        self._mend()
        self._stamps = listing.files
        self.touch(self._barred - barred)
        self._barred = barred
        for path in barred & self._open.keys():
            self._drop(path)
        open_paths = self._store.open_paths() - barred
        known = self._rows.keys() | self._stored.keys() | self._open.keys()
        for path in known - listing.files.keys() - open_paths:
            self._drop(path)
        for path, stamp in listing.files.items():
            if path in open_paths:
                continue
            row = self._rows.get(path)
            if row is None:
                self._recall(path, stamp)
            elif row.stamp[:4] != stamp[:4] or path in files or _doubtful(path, row, doubted):
                self._todo[path] = None

    def touch(self, paths: Iterable[str]) -> None:
        """Read these again."""
        self._todo.update(dict.fromkeys(paths))

    def step(self, seconds: float) -> Changes:
        """Work for about so long; what came of it, and what `reconcile` found gone or known."""
        self._mend()
        while self._todo and not self._make(time.monotonic() + seconds):
            continue
        self._ledger.flush_some()
        changes = Changes(tuple(sorted(self._changed)), tuple(sorted(self._removed)))
        self._changed, self._removed = set(), set()
        return changes

    def rest(self) -> None:
        """All is read: write it down."""
        self._done = 0
        self._ledger.flush()
        self._maker.rest()

    def abort(self) -> None:
        """The work is not wanted any more. Any thread may say so."""
        self._aborted = True
        self._maker.abort()

    def close(self) -> None:
        """Write down what is new, and let go of everything."""
        self._ledger.close()
        self._maker.close()

    def refusal(self, path: str) -> Refusal | None:
        """What speaks against a file that was read."""
        row = self._open.get(path) or self._rows.get(path)
        return row.refusal if row is not None else None

    def record(self, path: str) -> bytes | None:
        """The record of a file, of its open buffer if it has one. Any thread may ask."""
        if self._buffer(path) is not None:
            return self._open_records.get(path) or None
        row = self._rows.get(path)
        if row is None or row.refusal is not None:
            return None
        return self._ledger.record(row.digest, path) or None

    def digest(self, path: str) -> bytes | None:
        """The digest of what a file said when it was read last."""
        row = self._open.get(path) or self._rows.get(path)
        return row.digest if row is not None else None

    def _buffer(self, path: str) -> bytes | None:
        return self._store.buffer(path) if path not in self._barred else None

    def _make(self, until: float) -> bool:
        """Have records made until then, or there is no more to do; False where a process died over one."""
        sent = deque[_Text]()
        try:
            for record in self._maker.make_all(self._sent(until, sent)):
                text = sent.popleft()
                self._finish(text, text.row, record or b"")  # an empty record: nothing to keep
        except Died:
            if self._aborted:
                raise Stopped from None
            self._give_up(sent.popleft())
            self._done -= len(sent)
            self.touch(text.path for text in sent)
            return False
        return True

    def _sent(self, until: float, sent: deque[_Text]) -> Iterator[File]:
        """The next files that need a new record, kept in `sent`. Those that need none are done with on the way."""
        while self._todo:
            path = next(iter(self._todo))
            del self._todo[path]
            self._done += 1
            if (text := self._text(path)) is not None and self._needs_record(text):
                sent.append(text)
                shared = not self._maker.apart  # then it is made while this waits
                with self._quarantine.during(text.row.digest, path) if shared else nullcontext():
                    yield text.name, text.data
            if time.monotonic() >= until:
                return

    def _give_up(self, text: _Text) -> None:
        self._quarantine.add(text.row.digest, text.path)
        self.notes.append(f"{text.path} is left alone until it changes: a process died over it")
        self._finish(text, text.row._replace(refusal=Refusal.QUARANTINED), None)

    def _text(self, path: str) -> _Text | None:
        """What a file says now; None where there is nothing new to say."""
        if (data := self._buffer(path)) is not None:
            old, digest = self._open.get(path), digest_of(data)
            row = Row(Stamp(len(data), 0, 0, 0, 0), 0, digest)
            return _Text(path, data, row, True) if old is None or old.digest != digest else None
        was = self._open.pop(path, None)
        self._open_records.pop(path, None)
        if (stamp := self._stamps.get(path)) is None:
            self._drop(path)
            return None
        checked = time.time_ns()
        found = read_file(path, self._limits.file_bytes)
        if found is None:
            self._set(path, Row(stamp, checked, b"", Refusal.UNREADABLE))
            return None
        data, stamp = found
        row = Row(stamp, checked, digest_of(data))
        if was is not None and was.digest != row.digest:
            self._tell(path, row)  # the buffer was told last
        return _Text(path, data, row)

    def _needs_record(self, text: _Text) -> bool:
        """Whether there is none yet; else the file is done with."""
        refusal = self._refusal(text)
        known = self._ledger.record(text.row.digest, text.path) if refusal is None else None
        if refusal is None and known is None:
            return True
        self._finish(text, text.row._replace(refusal=refusal), known)
        return False

    def _refusal(self, text: _Text) -> Refusal | None:
        if len(text.data) > self._limits.file_bytes:
            return Refusal.TOO_LARGE
        return Refusal.QUARANTINED if self._quarantine.holds(text.row.digest) else refused_content(text.data)

    def _finish(self, text: _Text, row: Row, record: bytes | None) -> None:
        if not text.open:
            self._set(text.path, row, record)
            return
        self._open[text.path], self._open_records[text.path] = row, record
        self._tell(text.path, row)

    def _recall(self, path: str, stamp: Stamp) -> None:
        """A file that was not looked at since the start: its row of an earlier start serves if it fits."""
        row = self._stored.get(path)
        if row is None or row.stamp[:4] != stamp[:4] or row.stamp.fresh(row.checked):
            self._todo[path] = None
            return
        del self._stored[path]
        self._rows[path] = row
        self._tell(path, row)

    def _set(self, path: str, row: Row, record: bytes | None = None) -> None:
        old = self._rows.get(path)
        before = old or self._stored.pop(path, None)
        self._rows[path] = row
        if before is not None and before.digest == row.digest and self._ledger.record(row.digest, path) is not None:
            record = None  # it is kept as long as the row is
        self._ledger.keep(path, row, record)
        if old is None or (old.digest, old.refusal) != (row.digest, row.refusal):
            self._tell(path, row)

    def _tell(self, path: str, row: Row) -> None:
        here, there = (self._changed, self._removed) if row.refusal is None else (self._removed, self._changed)
        here.add(path)
        there.discard(path)

    def _drop(self, path: str) -> None:
        """A file that is gone, or that must not be used any more."""
        if path in self._rows or path in self._stored:
            self._ledger.keep(path, None, forget=os.path.lexists(path))
        self._lose(path)

    def _lose(self, path: str) -> None:
        for held in (self._rows, self._stored, self._open, self._open_records, self._todo):
            held.pop(path, None)
        self._removed.add(path)
        self._changed.discard(path)

    def _mend(self) -> None:
        """A database that had to be made anew knows nothing: everything in it is read again."""
        if self._ledger.see_damage():
            self.touch(self._rows.keys() | self._stored.keys())
            self._stored = {}


def _doubtful(path: str, row: Row, doubted: Container[str] | None) -> bool:
    return row.stamp.fresh(row.checked) and (doubted is None or os.path.dirname(path) in doubted)
