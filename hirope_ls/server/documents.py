"""The open documents: the editor's text, exactly, and the engine's view of it.

Nothing is ever guessed. A change that cannot be right (an older version, a reversed range, half a character) makes
the document *out of sync*: it answers nothing until the editor sends its full text. Belongs to the event loop.
Knows versions and changes; knows no models and sends nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.problems import InputError
from hirope_ls.server.background import Background
from hirope_ls.server.convert import Change
from hirope_ls.server.narrow import narrowed
from hirope_ls.server.uris import path_of
from hirope_ls.server.verdicts import Verdict
from hirope_ls.syntax import LARGEST_SERVED
from hirope_ls.text.buffer import Buffer, edit_for_change
from hirope_ls.text.edit import Edit
from hirope_ls.text.encoding import Encoding

_log = logging.getLogger(__name__)

_LARGE_EDIT: Final = 32_768  # bytes; tokenising more at once would keep the event loop waiting


@dataclass(eq=False)
class Document:
    """One open document. `snapshot` is None while it is being made, and where there is none (see `refusal`)."""

    uri: str
    language_id: str
    version: int
    buffer: Buffer
    in_sync: bool = True
    snapshot: Snapshot | None = None
    pending: list[Edit] = field(default_factory=list)  # made while the snapshot is being made
    making: asyncio.Future[Snapshot] | None = None
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    problem: str | None = None  # why the engine could not take it
    told: bool = False  # that it is refused
    judged: bool = False
    rule: str | None = None  # by which it is private, or nobody's to write: nothing is made of it
    path: str | None = None  # its real path, if that is in the workspace

    @property
    def refusal(self) -> str | None:
        """Why this document can have no completion now; None if it can, perhaps after a moment."""
        if self.rule is not None:
            return self.rule
        if not self.in_sync:
            return "out-of-sync"
        return "too-large" if len(self.buffer.data) > LARGEST_SERVED else self.problem


class Documents:
    """All open documents, by URI.

    `opened` is called when a document's first snapshot is there, `edited` after each change of its text. `judge` says
    whether it is private and where it lies, `judged` is called when that has changed.
    """

    def __init__(
        self,
        background: Background,
        judge: Callable[[str], asyncio.Future[Verdict]],
        opened: Callable[[Document], None] = lambda document: None,
        edited: Callable[[Document, Sequence[Edit]], None] = lambda document, edits: None,
        judged: Callable[[Document], None] = lambda document: None,
    ) -> None:
        self._background = background
        self._judge = judge
        self._when_judged = judged
        self._opened = opened
        self._edited = edited
        self._pipeline: Pipeline | None = None
        self._given_up = False
        self._documents: dict[str, Document] = {}
        self.encoding = Encoding.UTF16

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents.values())

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, uri: str) -> Document | None:
        """The open document of this URI."""
        return self._documents.get(uri)

    def start(self, pipeline: Pipeline) -> None:
        """The tokenizer is there: make the snapshots of what was opened meanwhile, or with another one."""
        self._pipeline, self._given_up = pipeline, False
        for document in self:
            self._make(document)

    def give_up(self) -> None:
        """There will be no tokenizer: whoever waits for a snapshot gets none. The texts are still kept."""
        self._given_up = True
        for document in self:
            document.problem = "no-model"
            _release(document)

    def open(self, uri: str, language_id: str, version: int, text: str) -> None:
        """didOpen. A document that is open already is replaced; text that is not Unicode leaves it out of sync."""
        if (old := self._documents.get(uri)) is not None:
            _log.warning("a document was opened twice; the newer text counts")
            _stop_making(old)
        document = Document(uri, language_id, version, Buffer.of(""))
        self._documents[uri] = document
        if old is not None:
            document.waiting = old.waiting
        try:
            document.buffer = Buffer.of(text)
        except InputError as error:
            self._distrust(document, str(error))
        self.judge(document)

    def judge(self, document: Document) -> None:
        """Have it found out, again, whether the document is private."""
        self._judge(document.uri).add_done_callback(lambda verdict: self._judged(document, verdict))

    def judge_all(self) -> None:
        """Have it found out, again, of all documents."""
        for document in self:
            self.judge(document)

    def change(self, uri: str, version: int, changes: Sequence[Change]) -> None:
        """didChange: all changes or, if one of them cannot be right, none."""
        document = self._documents.get(uri)
        if document is None:
            _log.warning("a change of a document that is not open was ignored")
            return
        if version <= document.version:
            self._distrust(document, f"version {version} came after {document.version}")
            return
        document.version = version
        full = max((at for at, change in enumerate(changes) if change.start is None), default=None)
        if not document.in_sync and full is None:
            return
        try:
            edits, buffer = self._edits(document.buffer, changes[full or 0 :])
        except InputError as error:
            self._distrust(document, str(error))
            return
        if not document.in_sync:
            _log.info("a document is in sync again (version %d)", version)
            document.in_sync = True
        self._apply(document, edits, buffer)

    def replace(self, uri: str, data: bytes) -> None:
        """The whole text of a document is this now."""
        if (document := self._documents.get(uri)) is not None and document.in_sync:
            old = document.buffer.data
            edit = narrowed(Edit(0, len(old), data), old)
            document.version += 1
            self._apply(document, [edit], document.buffer.apply(edit))

    def close(self, uri: str) -> None:
        """didClose."""
        document = self._documents.pop(uri, None)
        if document is None:
            _log.warning("a document that is not open was closed")
        else:
            _stop_making(document)
            _release(document)

    def distrust(self, uri: str, why: str) -> None:
        """Something about this document was said that could not be understood."""
        if (document := self._documents.get(uri)) is not None:
            self._distrust(document, why)

    async def snapshot(self, document: Document) -> Snapshot | None:
        """The snapshot as soon as there is one; None if the document is refused or closed meanwhile."""
        while document.snapshot is None or not document.in_sync or document.rule is not None:
            if document.refusal is not None or self._documents.get(document.uri) is not document:
                return None
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            document.waiting.append(waiter)
            await waiter
        return document.snapshot

    def _distrust(self, document: Document, why: str) -> None:
        if document.rule is None:
            _log.warning("a document is out of sync and waits for its full text: %s", why)
        document.in_sync = False
        document.snapshot = None
        _stop_making(document)
        _release(document)

    def _edits(self, buffer: Buffer, changes: Sequence[Change]) -> tuple[list[Edit], Buffer]:
        edits = []
        for change in changes:
            edit = narrowed(edit_for_change(buffer, change.start, change.end, change.text, self.encoding), buffer.data)
            buffer = buffer.apply(edit)
            edits.append(edit)
        return edits, buffer

    def _apply(self, document: Document, edits: list[Edit], buffer: Buffer) -> None:
        document.buffer = buffer
        large = sum(len(edit.new) for edit in edits) > _LARGE_EDIT
        if document.making is not None and not large:
            document.pending += edits
        elif document.snapshot is None or large or self._pipeline is None or document.refusal is not None:
            self._make(document)
        else:
            document.snapshot = self._pipeline.edit(document.snapshot, edits, document.version)
        if document.rule is None:
            self._edited(document, edits)

    def _judged(self, document: Document, found: asyncio.Future[Verdict]) -> None:
        if self._documents.get(document.uri) is not document or found.cancelled():
            return
        failed = found.exception() is not None
        verdict = Verdict("unjudged") if failed else found.result()
        before, first = (document.rule, document.path), not document.judged
        document.judged, document.rule, document.path = True, verdict.rule, verdict.path
        if document.in_sync and (first or verdict.rule != before[0]):
            self._make(document)
        elif verdict.rule is not None:
            _release(document)
        if (verdict.rule, verdict.path) != before:
            self._when_judged(document)

    def _make(self, document: Document) -> None:
        """Have the snapshot made from nothing, off the event loop; edits made meanwhile follow."""
        _stop_making(document)
        document.snapshot = None
        document.problem = "no-model" if self._given_up else None
        pipeline = self._pipeline
        if not document.judged:
            return
        if document.refusal is not None:
            if not document.told and not self._given_up and document.rule is None:
                _log.warning("a document gets no completions: %s", document.refusal)
            document.told |= document.rule is None
            _release(document)
        elif pipeline is not None:
            version, buffer, path = document.version, document.buffer, path_of(document.uri)
            document.making = self._background.run(
                lambda: pipeline.open(document.uri, version, buffer, document.language_id, path)
            )
            document.making.add_done_callback(lambda made: self._made(document, made))

    def _made(self, document: Document, made: asyncio.Future[Snapshot]) -> None:
        if made.cancelled() or document.making is not made:
            return
        document.making = None
        error = made.exception()
        if error is not None:
            document.problem = "unreadable"
            _log.error("a document gets no completions: %s", error if isinstance(error, InputError) else type(error))
        elif self._pipeline is not None:
            snapshot = made.result()
            if document.pending:
                snapshot = self._pipeline.edit(snapshot, document.pending, document.version)
            document.snapshot = snapshot
            self._opened(document)
        document.pending = []
        _release(document)


def _stop_making(document: Document) -> None:
    if document.making is not None:
        document.making.cancel()
    document.making = None
    document.pending = []


def _release(document: Document) -> None:
    waiting, document.waiting = document.waiting, []
    for waiter in waiting:
        if not waiter.done():
            waiter.set_result(None)
