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
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType

from hirope_ls.workspace.cache import versioned
from hirope_ls.workspace.indexer import Indexer
from hirope_ls.workspace.judging import UNREAD, Judge
from hirope_ls.workspace.making import Apart, Function, Here, Maker
from hirope_ls.workspace.paths import Roots
from hirope_ls.workspace.pending import Pending
from hirope_ls.workspace.quarantine import Quarantine
from hirope_ls.workspace.rounds import POLL, Rounds
from hirope_ls.workspace.secrets import secret_name
from hirope_ls.workspace.store import Store
from hirope_ls.workspace.values import Changes, FileText, Limits, Progress, Refusal, Stamp

_log = logging.getLogger(__name__)


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
        poll: float = POLL,
        maker: Maker | None = None,
    ) -> None:
        self._limits = limits
        self._pending = Pending()
        self._store = Store()
        self._names: dict[str, str] = {}  # real paths of open buffers by the paths they were opened with
        folder = versioned(cache, version)
        self.quarantine = Quarantine(folder)
        self._indexer = Indexer(self._store, maker or _maker(make), self.quarantine, limits, folder)
        self._judge = Judge(Roots.of(roots), limits, self._indexer.refusal)
        self._rounds = Rounds(
            self._judge,
            self._store,
            self._indexer,
            self.quarantine,
            self._pending,
            limits,
            on_change=on_change,
            on_progress=on_progress,
            on_note=on_note,
            watch=watch,
            poll=poll,
        )

    def start(self) -> None:
        """Begin to look at the roots, in the background."""
        self._rounds.start()

    def close(self, timeout: float = 10.0) -> None:
        """End the background work; what was found is kept."""
        self._rounds.close(timeout)

    def paused(self) -> AbstractContextManager[None]:
        """Nothing is read meanwhile, but for the file that is being read already."""
        return self._rounds.gate.paused()

    @property
    def roots(self) -> tuple[str, ...]:
        """The real paths of the roots."""
        return self._judge.roots.folders

    def set_roots(self, roots: Iterable[str | os.PathLike[str]]) -> None:
        """These are the roots from now on."""
        self._judge.roots = Roots.of(roots)
        self._judge.doubt()
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
            if secret_name(os.path.basename(path), False) or secret_name(os.path.basename(path), True):
                self._judge.doubt()
            real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
            self._pending.tell(folder=os.path.dirname(real), file=real)

    def open(self, path: str, data: bytes) -> Refusal | None:
        """The editor opened this file, with this text. Nothing of a refused one is kept here; the answer says why."""
        refusal = self.refusal(path)
        place = self._judge.roots.locate(path)
        if place is None or refusal in UNREAD:
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
        listed = self._rounds.listing.files
        found = {path: stamp for path, stamp in listed.items() if self._indexer.refusal(path) is None}
        for path in self._store.open_paths() - found.keys():
            if self.refusal(path) is None and (data := self._store.buffer(path)) is not None:
                found[path] = Stamp(len(data), 0, 0, 0, 0)
        return MappingProxyType(dict(sorted(found.items())))

    @property
    def cut(self) -> bool:
        """Whether there are more files than the limit."""
        return self._rounds.listing.cut

    def text(self, path: str) -> FileText | None:
        """What a file says: its open buffer, else the disk; None if it may not be read, or cannot be."""
        place = self._judge.roots.locate(path)
        if place is None or self.refusal(path) in UNREAD:
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
        """Why a file is left alone, by the name it is called and by its real one; None if it is not.

        Until the first look after `start` nobody knows what is secret under another name: then it is looked for here,
        which may take as long as reading all folders does.
        """
        return self._judge.refusal(path)

    def ready(self, timeout: float | None = None) -> bool:
        """Wait until the roots were looked at once."""
        return self._rounds.ready.wait(timeout)

    def settled(self, timeout: float) -> bool:
        """Wait until nothing is left to do; False if that takes longer."""
        until = time.monotonic() + timeout
        while not self._rounds.idle:
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True


def _maker(make: str | Function | None) -> Maker:
    if isinstance(make, str):
        return Apart(make)
    return Here(make if make is not None else lambda name, data: None)
