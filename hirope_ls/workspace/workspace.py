"""The workspace: roots, open buffers, the files that may be read, and a record of each, kept up in the background.

    workspace = Workspace(["/repo"], make="package.module:function", version="1", on_change=...)
    workspace.start()
    workspace.open(path, data); workspace.change(path, data); workspace.closed(path)
    workspace.changed(paths)          # what the editor says changed on disk
    workspace.files(); workspace.record(path); workspace.text(path); workspace.refusal(path)
    with workspace.paused(): ...      # something urgent runs
    workspace.close()

One thread of its own looks at folders and has records made; its callbacks come from that thread, must be quick, and
must not raise. All methods may be called from any thread. Paths are absolute; those that are handed out are real.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hirope_ls.problems import never
from hirope_ls.workspace.cache import default_folder, versioned
from hirope_ls.workspace.content import generated_folder, hidden_name, refused_name
from hirope_ls.workspace.gate import Gate, Stopped
from hirope_ls.workspace.indexer import Indexer
from hirope_ls.workspace.making import Apart, Function, Here, Maker
from hirope_ls.workspace.paths import Place, Roots, join
from hirope_ls.workspace.pending import Batch, Pending
from hirope_ls.workspace.quarantine import Quarantine
from hirope_ls.workspace.reading import stamp_of
from hirope_ls.workspace.scan import Taint, Tree
from hirope_ls.workspace.secrets import secret_name, secret_path, secret_place
from hirope_ls.workspace.store import Store
from hirope_ls.workspace.values import Changes, FileText, Limits, Listing, Progress, Refusal, Stamp
from hirope_ls.workspace.watch import Watches

_log = logging.getLogger(__name__)

_SLICE: Final = 0.05  # seconds of indexing between two looks at the news
_POLL: Final = 1.0  # seconds between two looks at folders that nobody tells about
_POLL_SHARE: Final = 10  # a look that takes long is taken as much more seldom
_AFTER_FAILURE: Final = 1.0  # seconds
_SWEEP: Final = 300.0  # seconds after which everything is looked at once more, whatever was told


class Workspace:
    """See above.

    make: what records are made by, a function or, to have it run in a process of its own, its name.
    cache: the folder between starts, for instance `default_folder()`; None for none.
    watch: whether the kernel is asked to tell of changes; else, and where it cannot, folders are looked at every
    `poll` seconds, or more seldom where that takes long.
    """

    def __init__(
        self,
        roots: Iterable[str | os.PathLike[str]] = (),
        make: str | Function | None = None,
        version: str = "",
        *,
        cache: Path | None = None,
        limits: Limits = Limits(),  # noqa: B008
        on_change: Callable[[Changes], None] = lambda changes: None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        on_note: Callable[[str], None] = _log.warning,
        watch: bool = True,
        poll: float = _POLL,
        maker: Maker | None = None,
    ) -> None:
        self._limits = limits
        self._on_change = on_change
        self._on_progress = on_progress
        self._on_note = on_note
        self._watch = watch
        self._poll = poll
        self._roots = Roots.of(roots)
        self._gate = Gate()
        self._pending = Pending()
        self._store = Store()
        self._names: dict[str, str] = {}  # real paths of open buffers by the paths they were opened with
        self._listing = Listing()
        self._taint = Taint()
        self._ready = threading.Event()
        self._at_work = True
        folder = versioned(cache, version)
        self.quarantine = Quarantine(folder)
        self._indexer = Indexer(self._store, maker or _maker(make), self.quarantine, limits, folder)
        self._tree = Tree(self._roots, limits)
        self._watches: Watches | None = None
        self._poll_at = self._sweep_at = 0.0
        self._cut_told = False
        self._thread = threading.Thread(target=self._run, name="hirope-workspace", daemon=True)

    def start(self) -> None:
        """Begin to look at the roots, in the background."""
        self._thread.start()

    def close(self, timeout: float = 10.0) -> None:
        """End the background work; what was found is kept."""
        self._gate.stop()
        self._pending.wake()
        self._indexer.abort()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        else:
            self._indexer.close()
            self.quarantine.close()

    def paused(self) -> AbstractContextManager[None]:
        """Nothing is read meanwhile, but for the file that is being read already."""
        return self._gate.paused()

    @property
    def roots(self) -> tuple[str, ...]:
        """The real paths of the roots."""
        return self._roots.folders

    def set_roots(self, roots: Iterable[str | os.PathLike[str]]) -> None:
        """These are the roots from now on."""
        self._roots = Roots.of(roots)
        self._pending.tell(everything=True)

    def add_root(self, root: str | os.PathLike[str]) -> None:
        """One root more."""
        self.set_roots([*self.roots, root])

    def remove_root(self, root: str | os.PathLike[str]) -> None:
        """One root less. Its files are not read any more, and are told as removed."""
        gone = os.path.realpath(root)
        self.set_roots(folder for folder in self.roots if folder != gone)

    def changed(self, paths: Iterable[str]) -> None:
        """The editor says that these were made, changed or deleted on disk."""
        for path in paths:
            real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
            self._pending.tell(folder=os.path.dirname(real), file=real)

    def open(self, path: str, data: bytes) -> Refusal | None:
        """The editor opened this file, with this text. Nothing of a refused one is kept here; the answer says why."""
        refusal = self.refusal(path)
        place = self._roots.locate(path)
        if place is None or refusal in _UNREAD:
            return refusal
        self._names[path] = place.path
        self._store.put(place.path, data)
        self._pending.tell(file=place.path)
        return refusal

    def change(self, path: str, data: bytes) -> None:
        """The editor has this text for an open file now."""
        if (real := self._names.get(path)) is not None:
            self._store.put(real, data)
            self._pending.type(real)

    def closed(self, path: str) -> None:
        """The editor closed this file: the disk counts again."""
        real = self._names.pop(path, None)
        if real is not None and real not in self._names.values():
            self._store.close(real)
            self._pending.tell(folder=os.path.dirname(real), file=real)

    def files(self) -> Mapping[str, Stamp]:
        """The files that may be read and are worth it, as far as they are known by now, in order."""
        found = {path: stamp for path, stamp in self._listing.files.items() if self._indexer.refusal(path) is None}
        for path in self._store.open_paths() - found.keys():
            if self.refusal(path) is None and (data := self._store.buffer(path)) is not None:
                found[path] = Stamp(len(data), 0, 0, 0, 0)
        return MappingProxyType(dict(sorted(found.items())))

    @property
    def cut(self) -> bool:
        """Whether there are more files than the limit."""
        return self._listing.cut

    def text(self, path: str) -> FileText | None:
        """What a file says: its open buffer, else the disk; None if it may not be read, or cannot be."""
        place = self._roots.locate(path)
        if place is None or self.refusal(path) in _UNREAD:
            return None
        return self._store.text(place.path, self._limits.file_bytes)

    def record(self, path: str) -> bytes | None:
        """The record of a file, by its real path: of the open buffer as it was a moment ago, else of the file."""
        found = self._indexer.record(path)
        if found is None and self._indexer.damaged:
            self._pending.wake()
        return found

    def digest(self, path: str) -> bytes | None:
        """The digest of the text that the record was made of."""
        return self._indexer.digest(path)

    def refusal(self, path: str) -> Refusal | None:
        """Why a file is left alone, by the name it is called and by its real one; None if it is not."""
        place = self._roots.locate(path)
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
        return refused_name(name) or self._indexer.refusal(place.path)

    def ready(self, timeout: float | None = None) -> bool:
        """Wait until the roots were looked at once."""
        return self._ready.wait(timeout)

    def settled(self, timeout: float) -> bool:
        """Wait until nothing is left to do; False if that takes longer."""
        until = time.monotonic() + timeout
        while self._at_work or not self._pending.empty:
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def _tainted(self, path: str) -> bool:
        if self._taint == Taint():
            return False
        try:
            return self._taint.holds(path, stamp_of(os.lstat(path)))
        except OSError:
            return self._taint.holds(path, None)

    def _ignored(self, place: Place) -> bool:
        rules = self._tree.rules_for(os.path.dirname(place.path), place.root)
        return rules is None or rules.ignored(os.fsencode(place.path), os.path.isdir(place.path))

    def _run(self) -> None:
        try:
            self._watches = Watches(self._heard, lambda: self._pending.tell(everything=True), self._watch)
            for path in self.quarantine.found:
                self._on_note(f"{path} is left alone until it changes: a process died over it")
            while True:
                self._try_round()
        except Stopped:
            pass
        finally:
            self._indexer.close()
            self.quarantine.close()
            if self._watches is not None:
                self._watches.close()

    def _heard(self, folder: str, name: str | None) -> None:
        self._pending.tell(folder=folder, file=join(folder, name) if name is not None else None)

    def _try_round(self) -> None:
        """A round that fails is told, and everything is looked at anew a little later."""
        try:
            self._round()
        except Stopped:
            raise
        except Exception as error:
            never("the workspace failed", kind=type(error).__name__)
            self._pending.tell(everything=True)
            self._gate.sleep(_AFTER_FAILURE)

    def _round(self) -> None:
        """One look at the news, and one slice of work."""
        self._gate.breathe()
        batch = self._pending.take(0.0 if self._indexer.busy else self._leisure())
        self._gate.breathe()
        self._at_work = True
        now = time.monotonic()
        batch.everything |= now >= self._sweep_at
        polled = self._unwatched() if now >= self._poll_at else frozenset()
        if batch.everything or batch.folders or polled:
            self._look(batch, polled)
        elif batch.files:  # of open buffers alone
            self._indexer.touch(self._store.open_paths() & batch.files)
        self._indexer.mend()
        changes = self._indexer.step(_SLICE)
        self._report(changes)
        if not self._indexer.busy:
            self._indexer.rest()
        self._at_work = self._indexer.busy
        self._pending.done()

    def _look(self, batch: Batch, polled: frozenset[str]) -> None:
        began = time.monotonic()
        if batch.everything:
            if self._tree.roots != self._roots or self._sweep_at == 0.0:
                self._tree = self._planted()
                self._indexer.set_roots(self._roots)
            self._tree.full()
            self._sweep_at = time.monotonic() + _SWEEP
        else:
            self._tree.refresh(batch.folders | polled)
        self._taint = self._tree.taint()
        self._listing = self._tree.listing()
        open_paths = self._store.open_paths()
        barred = frozenset(path for path in open_paths if self.refusal(path) in _UNREAD)
        self._indexer.reconcile(self._listing, batch.files, None if batch.everything else polled, barred)
        self._indexer.touch((open_paths & batch.files) - barred)
        self._poll_at = time.monotonic() + max(self._poll, _POLL_SHARE * (time.monotonic() - began))
        self._ready.set()

    def _planted(self) -> Tree:
        """A tree for the roots of now; watches of folders that it does not reach are given back."""
        assert self._watches is not None
        tree = Tree(self._roots, self._limits, self._watches.watch, self._watches.unwatch, self._gate.breathe)
        tree.folders = self._tree.folders
        return tree

    def _unwatched(self) -> frozenset[str]:
        assert self._watches is not None
        return self._watches.unwatched() | (set(self._roots.folders) - self._tree.folders.keys())

    def _leisure(self) -> float:
        """Seconds until something has to be looked at untold."""
        due = min(self._sweep_at, self._poll_at) if self._unwatched() else self._sweep_at
        return max(0.0, min(due - time.monotonic(), 60.0))

    def _report(self, changes: Changes) -> None:
        if changes.changed or changes.removed:
            self._on_change(changes)
        if (progress := self._indexer.progress).total:
            self._on_progress(progress)
        notes, self._indexer.notes = self._indexer.notes, []
        if self._listing.cut and not self._cut_told:
            self._cut_told = True
            notes.append(f"the workspace has more than {self._limits.files:,} files; the rest is left out")
        for note in notes:
            self._on_note(note)


_UNREAD: Final = frozenset({Refusal.OUTSIDE, Refusal.SECRET, Refusal.IGNORED})


def _maker(make: str | Function | None) -> Maker:
    if isinstance(make, str):
        return Apart(make)
    return Here(make if make is not None else lambda name, data: None)


__all__ = ["Workspace", "default_folder"]
