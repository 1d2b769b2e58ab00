"""When it is chosen what a prompt shows of other files, and when that takes the place of what it showed before.

For the document in view, in a pause: never while somebody types or waits. Another choice moves all of the file's text
in the prompt, so it has to be read again; that may take a small share of the time, no more. Belongs to the event loop;
the choice itself is made on the thread that owns the names.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from hirope_ls.engine.context import Context, common_root, shown_path
from hirope_ls.engine.question import Recipe
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.server.backend import Backend
from hirope_ls.server.documents import Document
from hirope_ls.server.files import Files
from hirope_ls.server.protocol import describe
from hirope_ls.server.trail import Trail, Visit
from hirope_ls.text.buffer import Buffer
from hirope_ls.text.encoding import character_start

if TYPE_CHECKING:  # slow to import: that is done in the background
    from hirope_ls.engine.repository import Repository
    from hirope_ls.workspace import Changes, Workspace

_log = logging.getLogger(__name__)

PAUSE_S: Final = 0.7  # without an edit or a request
_SHARE: Final = 10  # a choice, and the reading after it, are not made anew before so many times as long


@dataclass(eq=False)
class _File:
    """What is known of a document. `not_before`, of time.monotonic(): no choice is made earlier."""

    path: str
    fed: Buffer | None = None  # what the workspace was told last
    chosen: tuple[Buffer, int] | None = None  # what the last choice was made for, if nothing is new since
    not_before: float = 0.0


class Choosing:
    """The choice that is being made, or will be in a moment: one at a time, for the document in view.

    place: where the cursor is; busy: whether somebody waits for an answer about a document; took: how long it takes to
    read it, in seconds, as far as that is known; adopted: called when something else is shown.
    """

    def __init__(
        self,
        backend: Backend,
        files: Files,
        *,
        place: Callable[[str], int],
        busy: Callable[[str], bool],
        took: Callable[[str], float],
        adopted: Callable[[Document], None],
    ) -> None:
        self._backend = backend
        self._files = files
        self._place = place
        self._busy = busy
        self._took = took
        self._adopted = adopted
        self._trail = Trail()
        self._known: dict[str, _File] = {}
        self._view: Document | None = None
        self._wanted = ""  # the document that is, or is to be, in view: it may not be known yet
        self._timer: asyncio.TimerHandle | None = None
        self._outdated: threading.Event | None = None

    def opening(self, uri: str) -> None:
        """The user opens this document."""
        self._wanted = uri

    def opened(self, document: Document) -> None:
        """The document can be served now."""
        if document.path is not None and document.uri not in self._known:
            self._known[document.uri] = _File(document.path, document.buffer)
            self._files.opened(document.path, document.buffer.data)
        if document.uri == self._wanted:
            self._see(document, 0.0)

    def edited(self, document: Document, place: int) -> None:
        """The user types at this byte."""
        self._trail.been(document.path, place, "edited")
        self._see(document)

    def looked(self, document: Document, place: int) -> None:
        """The user is at this byte."""
        self._trail.been(document.path, place, "visited")
        self._see(document)

    def closed(self, document: Document) -> bool:
        """The document was closed, is private, or none of the workspace; whether something was shown with it."""
        if (file := self._known.pop(document.uri, None)) is not None:
            self._files.closed(file.path)
        if self._view is document:
            self._stop()
            self._view = None
        return self._backend.contexts.pop(document.uri, None) is not None

    def news(self, changes: Changes) -> None:
        """Files changed on disk, or their names are known now. What is gone, or is private by now, is shown no more."""
        self._trail.forget(changes.removed)
        contexts, root = list(self._backend.contexts.items()), common_root(self._files.roots)
        gone = {shown_path(path, root) for path in changes.removed} if contexts else set[str]()
        for uri, context in contexts:
            kept = tuple(part for part in context.parts if part.shown.path not in gone)
            if len(kept) < len(context.parts):
                self._backend.forget(uri)
                if kept:
                    self._backend.contexts[uri] = replace(context, parts=kept)
        for file in self._known.values():
            file.chosen = None

    def known(self) -> None:
        """The names in all that changed are known."""
        if self._timer is None and self._outdated is None:
            self._later(PAUSE_S)

    def renew(self) -> None:
        """Prompts are made otherwise from now on: nothing is shown until it is chosen anew."""
        self._stop()
        self._backend.contexts.clear()
        for file in self._known.values():
            file.chosen, file.not_before = None, 0.0
        self._later(PAUSE_S)

    def in_view(self) -> Context | None:
        """What is shown to the document in view."""
        return self._backend.contexts.get(self._view.uri) if self._view is not None else None

    def close(self) -> None:
        """The session ends."""
        self._stop()

    def _see(self, document: Document, seconds: float = PAUSE_S) -> None:
        self._stop()
        self._view, self._wanted = document, document.uri
        self._later(seconds)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._outdated is not None:
            self._outdated.set()
        self._timer = self._outdated = None

    def _later(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        document, kit = self._view, self._backend.kit
        if document is None or document.path is None or document.snapshot is None or kit is None:
            return
        if (file := self._known.get(document.uri)) is None:
            return
        place = self._place(document.uri)
        if file.fed is not document.buffer:
            file.fed = document.buffer
            self._files.changed_to(document.path, document.buffer.data)
        if file.chosen is not None and file.chosen[0] is document.buffer and file.chosen[1] == place:
            return
        wait = file.not_before - time.monotonic()
        if self._busy(document.uri) or wait > 0:
            self._later(max(wait, PAUSE_S))
            return
        self._outdated = outdated = threading.Event()
        before, visits = self._backend.contexts.get(document.uri), self._trail.visits()
        file.chosen, data = (document.buffer, place), document.buffer.data
        offset = character_start(data, min(place, len(data)))
        choice = _Choice(document.snapshot, document.path, offset, kit.recipe, before, visits)
        future = self._files.read(partial(choice.made, partial(self._files.breathe, outdated)), outdated)
        future.add_done_callback(lambda made: self._made(document, file, choice, outdated, made))

    def _made(
        self,
        document: Document,
        file: _File,
        choice: _Choice,
        outdated: threading.Event,
        made: asyncio.Future[tuple[Context | None, float] | None],
    ) -> None:
        if self._outdated is outdated:
            self._outdated = None
        if (problem := made.exception()) is not None:
            _log.error("nothing of other files is shown: %s", describe(problem))
            return
        found = made.result()
        if found is None or outdated.is_set() or document.snapshot is None:
            file.chosen = None
            return
        context, seconds = found
        file.not_before = time.monotonic() + _SHARE * seconds
        if context is self._backend.contexts.get(document.uri):
            return
        if self._busy(document.uri) or self._backend.contexts.get(document.uri) is not choice.before:
            file.chosen = None
            self._later(PAUSE_S)
            return
        if context is None:
            self._backend.contexts.pop(document.uri)
        else:
            self._backend.contexts[document.uri] = context
        self._adopted(document)
        file.not_before += _SHARE * self._took(document.uri)


@dataclass(frozen=True, eq=False)
class _Choice:
    """One choice for a document as it is; made on another thread."""

    snapshot: Snapshot
    path: str
    offset: int
    recipe: Recipe
    before: Context | None
    visits: Sequence[Visit]

    def made(
        self, breathe: Callable[[], None], repository: Repository, workspace: Workspace
    ) -> tuple[Context | None, float]:
        """What is to be shown, and the seconds of work that it took."""
        from hirope_ls.engine.choosing import Place, choose

        began = time.thread_time()
        around = repository.surroundings(workspace, [Place(*visit) for visit in self.visits])

        def text(path: str) -> bytes | None:
            breathe()
            return around.texts(path)

        context = choose(self.snapshot, self.path, self.offset, replace(around, texts=text), self.recipe, self.before)
        return context, time.thread_time() - began
