"""What the word at the cursor means, looked up off the event loop, on the thread that owns the workspace's names.

Belongs to the event loop. Knows documents and files; no models, and nothing of how an answer is shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hirope_ls.engine.context import common_root
from hirope_ls.server.background import Background
from hirope_ls.server.convert import Position
from hirope_ls.server.documents import Document, Documents
from hirope_ls.server.others import OtherFiles
from hirope_ls.server.uris import file_path, path_of
from hirope_ls.syntax import LARGEST_SERVED, Parse, language_for, parse
from hirope_ls.text.buffer import Buffer

if TYPE_CHECKING:  # slow to import: that is done in the background
    from hirope_ls.engine.explain import Facts, Sight, Subject, View
    from hirope_ls.engine.explain.view import File
    from hirope_ls.engine.repository import Repository
    from hirope_ls.workspace import Workspace

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Seen:
    """What a word means, and where that is. root: left off where paths are shown."""

    sight: Sight
    subject: Subject
    own: str  # the path of the document it was asked in
    uri: str  # of that document; "" for one whose lines are not a file's
    root: str

    def shown(self, path: str) -> str:
        """A path for people."""
        return path.removeprefix(self.root).lstrip("/") if self.root else path

    def link(self, path: str) -> str:
        """The URI that a link to a file goes to, "" for none."""
        return self.uri if path == self.own else Path(path).as_uri()


@dataclass(frozen=True, eq=False)
class Told(Seen):
    """The same, with the facts."""

    facts: Facts

    def document(self, explanation: str = "", whole: bool = True) -> str:
        """As Markdown."""
        from hirope_ls.engine.explain import document

        return document(self.facts, self.shown, self.link, whole=whole, explanation=explanation)


class Lookups:
    """See above. The workspace is indexed from the first look on, whether or not the model's prompts show of it, but
    where other files are not `wanted`."""

    def __init__(
        self, documents: Documents, others: OtherFiles, background: Background, wanted: Callable[[], bool]
    ) -> None:
        self._documents = documents
        self._others = others
        self._background = background
        self._wanted = wanted
        self._own: File | None = None  # the one looked at last, for the threads that look
        self._glance = threading.Event()

    async def seen(self, uri: str, at: Position) -> Seen | None:
        """What is meant there. Whoever asks after it is answered instead: this one is told None then."""
        self._glance.set()
        self._glance = threading.Event()
        return await self._looked(uri, at, _seen, self._glance)

    async def told(self, uri: str, at: Position) -> Told | None:
        """The same with all the facts. None where nothing is known, or nothing may be told."""
        return await self._looked(uri, at, _told, threading.Event())

    async def _looked(
        self, uri: str, at: Position, job: Callable[[_Place, View, int], R | None], outdated: threading.Event
    ) -> R | None:
        document = self._documents.get(uri)
        if document is not None and not document.judged:
            await self._others.judge(uri)  # whether it may be told of is found out in the order of asking
        if document is None or not _served(document):
            return None
        if self._wanted():
            self._others.index()
        place = _Place.of(document, self._others.roots)
        offset = document.buffer.offset(*at, self._documents.encoding)

        def among(repository: Repository, workspace: Workspace) -> tuple[R | None]:
            around = repository.surroundings(workspace)
            return (self._job(job, place, place.view(repository, around.texts, outdated, self._own), offset),)

        try:
            found = await self._others.read(among, outdated)
            if found is None and not outdated.is_set():
                alone = place.alone(outdated)
                found = await self._background.run(lambda: (self._job(job, place, alone(), offset),))
        finally:
            outdated.set()
        return found[0] if found is not None and self._documents.get(uri) is document and _served(document) else None

    def _job(self, job: Callable[[_Place, View, int], R | None], place: _Place, view: View, offset: int) -> R | None:
        if view.parse.flat:
            return None
        made = job(place, view, offset)
        self._own = view.own()
        return made


@dataclass(frozen=True, eq=False)
class _Place:
    """A document as it is when it is asked about."""

    path: str
    link: str
    root: str
    buffer: Buffer
    language: str
    parsed: Parse | None

    @classmethod
    def of(cls, document: Document, roots: tuple[str, ...]) -> _Place:
        uri, snapshot = document.uri, document.snapshot
        path = document.path or file_path(uri) or path_of(uri) or uri
        parsed = snapshot.parse if snapshot is not None and snapshot.buffer is document.buffer else None
        link = "" if path.endswith(".ipynb") else uri
        return cls(path, link, common_root(roots), document.buffer, document.language_id, parsed)

    def view(
        self,
        repository: Repository | None,
        texts: Callable[[str], bytes | None],
        outdated: threading.Event,
        known: File | None = None,
    ) -> View:
        """On a thread that may work: what an explanation looks at."""
        from hirope_ls.engine.explain import View
        from hirope_ls.names import Names

        names = repository.names if repository is not None else Names()
        same = known is not None and known.path == self.path and known.buffer is self.buffer
        files = {self.path: known} if same else {}
        parsed = known.parse if same and known is not None else self.parsed
        parsed = parsed or parse(language_for(self.language, self.path, self.buffer.data[:200]), self.buffer)
        return View(self.path, self.buffer, parsed, names, texts, stopped=outdated.is_set, _files=files)

    def alone(self, outdated: threading.Event) -> Callable[[], View]:
        """The same where there is no workspace."""
        return lambda: self.view(None, lambda path: None, outdated)


def _seen(place: _Place, view: View, offset: int) -> Seen | None:
    from hirope_ls.engine.explain import sight, subject_of

    found = sight(view, offset)
    subject = subject_of(view, found.candidate) if found is not None else None
    return None if found is None or subject is None else Seen(found, subject, place.path, place.link, place.root)


def _told(place: _Place, view: View, offset: int) -> Told | None:
    from hirope_ls.engine.explain import facts_about

    seen = _seen(place, view, offset)
    facts = None if seen is None else facts_about(view, seen.sight.candidate, offset)
    if seen is None or facts is None:
        return None
    return Told(seen.sight, seen.subject, seen.own, seen.uri, seen.root, facts)


def _served(document: Document) -> bool:
    """Whether anything may be told of the document now."""
    private = not document.judged or document.rule is not None
    return not private and document.in_sync and len(document.buffer.data) <= LARGEST_SERVED
