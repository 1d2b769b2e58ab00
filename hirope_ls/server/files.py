"""The workspace of a session: its roots, what the editor says of files, and the names in them.

The workspace does its work on a thread of its own and in a child process; whatever is asked of it may touch the disk,
so that is done on the background thread, in order. Belongs to the event loop. Knows no models and sends nothing.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hirope_ls.server.background import Background
from hirope_ls.server.uris import file_path
from hirope_ls.server.verdicts import Verdict, judge

if TYPE_CHECKING:  # slow to import: that is done in the background
    from hirope_ls.engine.repository import Repository
    from hirope_ls.workspace import Changes, Progress, Workspace

R = TypeVar("R")

_SLICE: Final = 0.02  # seconds of taking in names between two looks at what is more urgent
_PATIENCE: Final = 10.0  # seconds that something less urgent waits at most


class Outdated(Exception):
    """Nobody waits for this any more."""


class Files:
    """The workspace, once there is one. `changed`, `known` and `progressed` are called on the loop.

    known: the names in all that changed are known. Files that are not open are read from `index` on, if ever.
    """

    def __init__(
        self,
        background: Background,
        changed: Callable[[Changes], None],
        known: Callable[[], None],
        progressed: Callable[[Progress], None],
    ) -> None:
        self._background = background
        self._indexing = False
        self._changed = changed
        self._known = known
        self._progressed = progressed
        self._loop = asyncio.get_running_loop()
        self._reading: Background | None = None
        self._calm = threading.Event()
        self._calm.set()
        self._urgent = 0
        self._pause: AbstractContextManager[None] | None = None
        self._workspace: Workspace | None = None
        self._repository: Repository | None = None
        self._taking: asyncio.Future[None] | None = None
        self._closed = False

    # -- what the editor says, in order

    def begin(self, roots: Iterable[str]) -> None:
        """The folders of the session are known, by URI."""
        self._background.run(lambda: self._begin(_paths(roots)))

    def index(self) -> None:
        """Find out what is in the files of the roots, and keep it up."""
        if self._reading is None and not self._closed:
            self._reading = Background("hirope-context")
            self._background.run(self._index)

    def change_roots(self, added: Iterable[str], removed: Iterable[str]) -> None:
        """Folders were added and removed, by URI."""
        self._background.run(lambda: self._change_roots(_paths(added), _paths(removed)))

    def judge(self, uri: str) -> asyncio.Future[Verdict]:
        """Whether the document may be served."""
        return self._background.run(lambda: judge(uri, self._workspace))

    def opened(self, path: str, data: bytes) -> None:
        """The editor has this text for the file at a real path, whatever the disk says."""
        self._tell(lambda workspace: workspace.open(path, data))

    def changed_to(self, path: str, data: bytes) -> None:
        """The same of a file that was opened before."""
        self._tell(lambda workspace: workspace.change(path, data))

    def closed(self, path: str) -> None:
        """The disk counts again."""
        self._tell(lambda workspace: workspace.closed(path))

    def touched(self, uris: Iterable[str]) -> None:
        """The editor says that these were made, changed or deleted on disk."""
        self._tell(lambda workspace: workspace.changed(_paths(uris)))

    # -- what is more urgent

    def wait_for(self, reply: asyncio.Future[Any]) -> None:
        """Nothing is read or chosen until there is this reply."""
        if reply.done():
            return
        self._urgent += 1
        if self._urgent == 1:
            self._calm.clear()
            if self._workspace is not None:
                self._pause = self._workspace.paused()
                self._pause.__enter__()
        reply.add_done_callback(self._replied)

    def _replied(self, _: asyncio.Future[Any]) -> None:
        self._urgent -= 1
        if self._urgent == 0:
            self._calm.set()
            pause, self._pause = self._pause, None
            if pause is not None:
                pause.__exit__(None, None, None)

    # -- names, on the thread that owns them

    def read(self, job: Callable[[Repository, Workspace], R], outdated: threading.Event) -> asyncio.Future[R | None]:
        """Run this with all that is known, on the thread for it; None where nothing is, or somebody says: outdated."""
        if self._reading is None:
            future: asyncio.Future[R | None] = self._loop.create_future()
            future.set_result(None)
            return future
        return self._reading.run(lambda: self._read(job, outdated))

    def breathe(self, outdated: threading.Event) -> None:
        """On that thread: wait while something more urgent runs. Raises Outdated."""
        self._calm.wait(_PATIENCE)
        if outdated.is_set() or self._closed:
            raise Outdated

    def _read(self, job: Callable[[Repository, Workspace], R], outdated: threading.Event) -> R | None:
        repository, workspace = self._repository, self._workspace
        if repository is None or workspace is None:
            return None
        try:
            self.breathe(outdated)
            return job(repository, workspace)
        except Outdated:
            return None

    def _news(self, changes: Changes) -> None:
        """On the loop: files have changed."""
        if not self._closed:
            self._changed(changes)
            self._take_in()

    def _take_in(self) -> None:
        if self._reading is not None and self._taking is None and not self._closed:
            self._taking = self._reading.run(self._slice)
            self._taking.add_done_callback(lambda _: self._taken())

    def _slice(self) -> None:
        self._calm.wait(_PATIENCE)
        if self._repository is not None and self._workspace is not None and not self._closed:
            self._repository.catch_up(self._workspace, _SLICE)

    def _taken(self) -> None:
        self._taking = None
        if self.waiting:
            self._loop.call_later(_SLICE / 4, self._take_in)
        elif not self._closed:
            self._known()

    # -- what is known

    @property
    def roots(self) -> tuple[str, ...]:
        """The real paths of the roots."""
        return self._workspace.roots if self._workspace is not None else ()

    @property
    def indexed(self) -> int:
        """Files whose names are known."""
        return len(self._repository.names) if self._repository is not None else 0

    @property
    def waiting(self) -> int:
        """Files whose names are about to be known."""
        return self._repository.waiting if self._repository is not None else 0

    def close(self, timeout: float) -> None:
        """End the workspace's thread and its child process; wait for that so many seconds."""
        self._closed = True
        self._calm.set()
        if self._reading is not None:
            self._reading.close()
        if self._workspace is not None:
            self._workspace.close(timeout)

    # -- on the background thread

    def _begin(self, roots: list[str]) -> None:
        from hirope_ls.engine.repository import MAKE, VERSION, Repository
        from hirope_ls.workspace import Workspace, default_folder

        if self._closed:
            return
        if not roots:
            self._workspace = Workspace()
            return
        repository = Repository()

        def changed(changes: Changes) -> None:
            repository.tell(changes)
            self._hand_over(self._news, changes)

        def progressed(progress: Progress) -> None:
            self._hand_over(self._progressed, progress)

        told = {"on_change": changed, "on_progress": progressed}
        workspace = Workspace(roots, MAKE, VERSION, cache=default_folder(), **told)  # type: ignore[arg-type]
        self._repository, self._workspace = repository, workspace
        if self._indexing:
            workspace.start()

    def _index(self) -> None:
        self._indexing = True
        if self._workspace is not None and self._workspace.roots:
            self._workspace.start()

    def _change_roots(self, added: list[str], removed: list[str]) -> None:
        workspace = self._workspace
        if workspace is None or not workspace.roots:
            self._begin(added)
            return
        gone = {os.path.realpath(path) for path in removed}
        workspace.set_roots([*(root for root in workspace.roots if root not in gone), *added])

    def _tell(self, what: Callable[[Workspace], object]) -> None:
        def tell() -> None:
            if self._workspace is not None:
                what(self._workspace)

        self._background.run(tell)

    def _hand_over(self, call: Callable[..., None], *args: Any) -> None:
        """From the workspace's thread."""
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:  # the loop is closed
            return


def _paths(uris: Iterable[str]) -> list[str]:
    return [path for uri in uris if (path := file_path(uri))]
