"""The thread of a workspace: it takes what was heard, looks at folders, and has records made, a slice at a time.

Callbacks come from it. Whoever hears something tells `Pending`; what is known of the folders is set at the `Judge`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from hirope_ls.problems import never
from hirope_ls.workspace.gate import Gate, Stopped
from hirope_ls.workspace.indexer import Indexer
from hirope_ls.workspace.judging import UNREAD, Judge
from hirope_ls.workspace.paths import join
from hirope_ls.workspace.pending import Batch, Pending
from hirope_ls.workspace.quarantine import Quarantine
from hirope_ls.workspace.scan import Tree
from hirope_ls.workspace.store import Store
from hirope_ls.workspace.values import Changes, Limits, Listing, Progress
from hirope_ls.workspace.watch import Watches

_log = logging.getLogger(__name__)

POLL: Final = 1.0  # seconds between two looks at folders that nobody tells about
_SLICE: Final = 0.05  # seconds of indexing between two looks at the news
_POLL_SHARE: Final = 10  # a look that takes long is taken as much more seldom
_GLANCE: Final = 0.5  # seconds between two glances at what git writes last
_GIT: Final = (".git/index", ".git/HEAD")
_AFTER_FAILURE: Final = 1.0  # seconds
_SWEEP: Final = 300.0  # seconds after which everything is looked at once more, whatever was told


def _nothing(told: Changes | Progress) -> None:
    pass


class Rounds:
    """See above. watch, poll and the callbacks are as in `Workspace`."""

    def __init__(
        self,
        judge: Judge,
        store: Store,
        indexer: Indexer,
        quarantine: Quarantine,
        pending: Pending,
        limits: Limits,
        *,
        on_change: Callable[[Changes], None] = _nothing,
        on_progress: Callable[[Progress], None] = _nothing,
        on_note: Callable[[str], None] = _log.warning,
        watch: bool = True,
        poll: float = POLL,
    ) -> None:
        self._judge = judge
        self._store = store
        self._indexer = indexer
        self._quarantine = quarantine
        self._pending = pending
        self._limits = limits
        self._on_change = on_change
        self._on_progress = on_progress
        self._on_note = on_note
        self._watch = watch
        self._poll = poll
        self.gate = Gate()
        self.ready = threading.Event()
        self.listing = Listing()
        self.poll_at = self._sweep_at = 0.0
        self.watches: Watches | None = None
        self._git: dict[str, int] = {}
        self._at_work = True
        self._cut_told = False
        self._thread = threading.Thread(target=self._run, name="hirope-workspace", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def started(self) -> bool:
        """Whether it ever began."""
        return self._thread.ident is not None

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do."""
        return not self._at_work and self._pending.empty

    def close(self, timeout: float) -> None:
        """End; what was found is kept."""
        self.gate.stop()
        self._pending.wake()
        self._indexer.abort()
        if self.started:
            self._thread.join(timeout)
        else:
            self._let_go()

    def _let_go(self) -> None:
        self._indexer.close()
        self._quarantine.close()
        if self.watches is not None:
            self.watches.close()

    def _run(self) -> None:
        try:
            self.watches = Watches(self._heard, lambda: self._pending.tell(everything=True), self._watch)
            for path in self._quarantine.found:
                self._on_note(f"{path} is left alone until it changes: a process died over it")
            while True:
                self._try_round()
        except Stopped:
            pass
        finally:
            self._let_go()

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
            self.gate.sleep(_AFTER_FAILURE)

    def _round(self) -> None:
        """One look at the news, and one slice of work."""
        self.gate.breathe()
        batch = self._pending.take(0.0 if self._indexer.busy else self._leisure())
        self.gate.breathe()
        self._at_work = True
        now = time.monotonic()
        batch.everything |= now >= self._sweep_at
        polled = self._unwatched() if self._switched() or now >= self.poll_at else frozenset()
        if batch.everything or batch.folders or polled:
            self._look(batch, polled)
        elif batch.files:  # of open buffers alone
            self._indexer.touch(self._store.open_paths() & batch.files)
        changes = self._indexer.step(_SLICE)
        self._report(changes)
        if not self._indexer.busy:
            self._indexer.rest()
        self._at_work = self._indexer.busy
        self._pending.done()

    def _look(self, batch: Batch, polled: frozenset[str]) -> None:
        began = time.monotonic()
        if batch.everything:
            if self._judge.tree.roots != self._judge.roots or self._sweep_at == 0.0:
                self._judge.tree = self._planted()
                self._indexer.set_roots(self._judge.roots)
            self._judge.tree.full()
            self._sweep_at = time.monotonic() + _SWEEP
        else:
            self._judge.tree.refresh(batch.folders | polled)
        self._judge.kept_up = True
        self._judge.taint = self._judge.tree.taint()
        self.listing = self._judge.tree.listing()
        open_paths = self._store.open_paths()
        barred = frozenset(path for path in open_paths if self._judge.refusal(path) in UNREAD)
        self._indexer.reconcile(self.listing, batch.files, None if batch.everything else polled, barred)
        self._indexer.touch((open_paths & batch.files) - barred)
        self.poll_at = time.monotonic() + max(self._poll, _POLL_SHARE * (time.monotonic() - began))
        self.ready.set()

    def _planted(self) -> Tree:
        """A tree for the roots of now; watches of folders that it does not reach are given back."""
        assert self.watches is not None
        tree = Tree(self._judge.roots, self._limits, self.watches.watch, self.watches.unwatch, self.gate.breathe)
        tree.folders = self._judge.tree.folders
        return tree

    def _unwatched(self) -> frozenset[str]:
        assert self.watches is not None
        return self.watches.unwatched() | (set(self._judge.roots.folders) - self._judge.tree.folders.keys())

    def _switched(self) -> bool:
        """Whether git wrote something since the last glance: after a change of branches that is due at once."""
        paths = [join(root, name) for root in self._judge.roots.folders for name in _GIT]
        stamps = {path: _stamp(path) for path in paths}
        former, self._git = self._git, stamps
        return former != stamps and former.keys() == stamps.keys()

    def _leisure(self) -> float:
        """Seconds until something has to be looked at untold."""
        unwatched = self._unwatched()
        due = min(self._sweep_at, self.poll_at) if unwatched else self._sweep_at
        return max(0.0, min(due - time.monotonic(), _GLANCE if unwatched else 60.0))

    def _report(self, changes: Changes) -> None:
        if changes.changed or changes.removed:
            self._on_change(changes)
        if (progress := self._indexer.progress).total:
            self._on_progress(progress)
        notes, self._indexer.notes = self._indexer.notes, []
        if self.listing.cut and not self._cut_told:
            self._cut_told = True
            notes.append(f"the workspace has more than {self._limits.files:,} files; the rest is left out")
        for note in notes:
            self._on_note(note)


def _stamp(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
