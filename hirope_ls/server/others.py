"""What a session has of files that are not open: the workspace, contexts made of it, and what the client is told.

Wires `files` (what there is), `choosing` (what is shown) and the documents; belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from hirope_ls.server.answering import Answering
from hirope_ls.server.backend import Backend
from hirope_ls.server.background import Background
from hirope_ls.server.choosing import Choosing
from hirope_ls.server.convert import changed_files, folder_changes
from hirope_ls.server.documents import Document, Documents
from hirope_ls.server.files import Files
from hirope_ls.server.indexing import Indexing
from hirope_ls.server.inline import InlineCompletions
from hirope_ls.server.progress import Progress
from hirope_ls.server.protocol import StrictProtocol
from hirope_ls.server.warming import Warming

if TYPE_CHECKING:
    from hirope_ls.workspace import Changes


class OtherFiles:
    """See above. spawn: has a coroutine run."""

    def __init__(
        self,
        background: Background,
        protocol: StrictProtocol,
        documents: Documents,
        backend: Backend,
        warming: Warming,
        answering: Answering,
        inline: InlineCompletions,
        bar: Progress,
        spawn: Callable[[Any], None],
    ) -> None:
        self._protocol = protocol
        self._documents = documents
        self._backend = backend
        self._warming = warming
        self._answering = answering
        self._spawn = spawn
        self._indexing = Indexing(bar, spawn)
        self._files = Files(background, self._news, self._known, self._indexing.progressed)
        self._choosing = Choosing(
            backend, self._files, place=warming.place, busy=inline.busy, took=warming.took, adopted=self._adopted
        )
        self.judge = self._files.judge
        self.renew = self._choosing.renew
        self.index = self._files.index
        self.read = self._files.read

    def begin(self, roots: Iterable[str], watch: bool) -> None:
        """The session begins, in these folders. watch: the client is asked to tell which files change."""
        self._files.begin(roots)
        if watch:
            self._spawn(self._watch())

    def close(self, timeout: float) -> None:
        """End the threads and the child process; wait for that so many seconds."""
        self._choosing.close()
        self._files.close(timeout)

    # -- what the client says

    def folders_changed(self, params: Any) -> None:
        """didChangeWorkspaceFolders."""
        self._files.change_roots(*folder_changes(params))
        self._documents.judge_all()

    def files_changed(self, params: Any) -> None:
        """didChangeWatchedFiles."""
        self._files.touched(changed_files(params))
        self._documents.judge_all()

    def opening(self, uri: str) -> None:
        """The user opens this document."""
        self._choosing.opening(uri)

    def asked(self, uri: str, reply: asyncio.Future[Any]) -> None:
        """The user waits for this reply about a document."""
        self._files.wait_for(reply)
        if (document := self._documents.get(uri)) is not None:
            self.looked(document)

    def looked(self, document: Document) -> None:
        """The user is in this document."""
        if document.judged and document.rule is None:
            self._choosing.looked(document, self._warming.place(document.uri))

    # -- what became of documents

    def opened(self, document: Document) -> None:
        """It can be served now."""
        self._choosing.opened(document)

    def edited(self, document: Document) -> None:
        """Its text has changed."""
        self._choosing.edited(document, self._warming.place(document.uri))

    def closed(self, uri: str) -> None:
        """It is about to be closed."""
        if (document := self._documents.get(uri)) is not None:
            self._choosing.closed(document)

    def judged(self, document: Document) -> None:
        """The document is private from now on, or is not, and it lies in the workspace, or does not.

        Of a private one nothing is to be made, and nothing to be kept that was.
        """
        if document.rule is not None:
            self._answering.forget(document.uri)
            self._warming.closed(document.uri)
            self._choosing.closed(document)
            self._backend.forget(document.uri)
        elif document.path is None:
            if self._choosing.closed(document):
                self._adopted(document)
        elif document.snapshot is not None:
            self._choosing.opened(document)

    @property
    def roots(self) -> tuple[str, ...]:
        """The real paths of the workspace's folders."""
        return self._files.roots

    def report(self) -> dict[str, Any]:
        """For `hirope/status`."""
        context = self._choosing.in_view()
        return {
            "roots": len(self._files.roots),
            "files": self._files.indexed,
            "waiting": self._files.waiting,
            "indexing": self._indexing.as_json(),
            "contextTokens": context.cost if context is not None else 0,
        }

    def _news(self, changes: Changes) -> None:
        self._choosing.news(changes)
        self._documents.judge_all()

    def _known(self) -> None:
        self._choosing.known()

    def _adopted(self, document: Document) -> None:
        """Something else is shown of other files in this document's prompts."""
        self._answering.renewed(document.uri)
        self._warming.start(document)

    async def _watch(self) -> None:
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])
        registration = types.Registration("hirope/files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        with contextlib.suppress(JsonRpcException):
            await self._protocol.send_request_async(
                types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams([registration])
            )
