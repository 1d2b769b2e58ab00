"""textDocument/inlineCompletion: one request a document at a time, the newest; each answered once, with an outcome.

superseded -> null; cancelled by the client -> error -32800; nothing to suggest, still loading, out of sync ->
{items: []}. Belongs to the event loop; the model is only ever reached through the worker. Knows neither torch nor how
a prompt is made.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lsprotocol import types

from hirope_ls.config import Settings
from hirope_ls.engine.complete import Completion, complete
from hirope_ls.engine.recent import Recent
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.engine.worker import Closed, Superseded
from hirope_ls.model.generator import LanguageModel, StopFlag
from hirope_ls.server.backend import Backend, Kit
from hirope_ls.server.convert import InlineParams, Selected, inline_params, lsp_range
from hirope_ls.server.documents import Document, Documents
from hirope_ls.server.protocol import describe
from hirope_ls.server.status import Record, Status
from hirope_ls.server.warming import Warming
from hirope_ls.text.buffer import Buffer
from hirope_ls.text.edit import Edit

_log = logging.getLogger(__name__)

Answer = types.InlineCompletionList | None


@dataclass(frozen=True)
class Ask:
    """One request, pinned to the text it was asked about. `asked` is of time.monotonic()."""

    uri: str
    document: Document | None
    buffer: Buffer
    snapshot: Snapshot | None  # of that text, if it was there already
    params: InlineParams
    asked: float


@dataclass(frozen=True)
class Place:
    """Where the model is asked to go on: a snapshot, perhaps with the selected suggestion put in, and a byte offset."""

    snapshot: Snapshot
    offset: int
    selected: Selected | None


class InlineCompletions:
    """The request slots of all documents."""

    def __init__(
        self, documents: Documents, backend: Backend, warming: Warming, status: Status, settings: Settings
    ) -> None:
        self._documents = documents
        self._backend = backend
        self._warming = warming
        self._status = status
        self._settings = settings
        self._recent = Recent()
        self._slots: dict[str, asyncio.Future[Answer]] = {}
        self._wished: dict[str, Ask] = {}  # asked for while the model was loading

    def request(self, params: Any) -> asyncio.Future[Answer]:
        """Take the document's slot; the future gets the answer, whoever gives it. Raises JsonRpcInvalidParams."""
        asked = time.monotonic()
        parsed = inline_params(params)
        document = self._documents.get(parsed.uri)
        buffer, snapshot = (Buffer.of(""), None) if document is None else (document.buffer, document.snapshot)
        ask = Ask(parsed.uri, document, buffer, snapshot, parsed, asked)
        self._wished.pop(ask.uri, None)
        self._supersede(ask.uri)
        reply: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._slots[ask.uri] = reply
        task = asyncio.ensure_future(self._serve(ask, reply))
        reply.add_done_callback(partial(self._replied, ask, task))
        return reply

    async def fulfil_wishes(self) -> None:
        """The model is ready: compute what was asked for while it loaded, so that asking again is answered at once."""
        wished, self._wished = list(self._wished.values()), {}
        for ask in wished:
            if ask.document is None or ask.document.buffer != ask.buffer:
                continue
            try:
                await self._completion(replace(ask, asked=time.monotonic()), ask.document)
            except Exception as error:  # nobody waits for it: whoever asks again is told
                _log.error("a completion asked for while loading failed: %s", describe(error))

    def forget(self, uri: str) -> None:
        """The document was closed: what runs for it is answered with nothing."""
        self._supersede(uri)
        self._wished.pop(uri, None)
        self._recent.forget(uri)
        self._status.forget(uri)

    def _supersede(self, uri: str) -> None:
        older = self._slots.pop(uri, None)
        if older is not None and not older.done():
            self._status.record(uri, Record("superseded"))
            older.set_result(None)

    def _replied(self, ask: Ask, task: asyncio.Task[None], reply: asyncio.Future[Answer]) -> None:
        """However the reply came about: stop working for it, free the slot."""
        task.cancel()
        if self._slots.get(ask.uri) is reply:
            del self._slots[ask.uri]
        if reply.cancelled():
            self._record(ask, Completion("", 0, 0, "cancelled"))

    async def _serve(self, ask: Ask, reply: asyncio.Future[Answer]) -> None:
        try:
            completion, answer = await self._answer(ask)
        except Exception as error:
            if not reply.done():
                self._record(ask, Completion("", 0, 0, f"error:{type(error).__name__}"))
                reply.set_exception(error)
            return
        if not reply.done():
            self._record(ask, completion)
            reply.set_result(answer)

    async def _answer(self, ask: Ask) -> tuple[Completion, types.InlineCompletionList]:
        nothing = types.InlineCompletionList(items=[])
        refusal = self._refusal(ask)
        if refusal is not None or ask.document is None:
            return Completion("", 0, 0, refusal or "empty:unknown-document"), nothing
        completion = await self._completion(ask, ask.document)
        if not completion.text:
            return completion, nothing
        moved = self._moved(ask, ask.document, completion)
        if moved is None:
            return replace(completion, outcome="empty:document-changed"), nothing
        return moved, types.InlineCompletionList(items=[self._item(ask, ask.document, moved)])

    def _refusal(self, ask: Ask) -> str | None:
        """The outcome of a request that cannot be served now."""
        if ask.document is None:
            return "empty:unknown-document"
        if self._backend.state == "refused":
            return "error:model"
        if ask.document.refusal is not None:
            return f"empty:{ask.document.refusal}"
        if self._backend.state != "ready":
            self._wished[ask.uri] = ask
            return "loading"
        return None

    async def _completion(self, ask: Ask, document: Document) -> Completion:
        """The completion, from memory or from the model."""
        snapshot = ask.snapshot or await self._documents.snapshot(document)
        if snapshot is None or snapshot.buffer != ask.buffer or self._backend.kit is None:
            return Completion("", 0, 0, "empty:document-changed")
        place = self._place(self._backend.kit, snapshot, ask.params)
        if place is None:
            return Completion("", 0, 0, "filtered:selected-suggestion")
        known = self._recent.find(ask.uri, place.snapshot.buffer.data, place.offset)
        if known is not None:
            return known
        await self._debounce(ask)
        completion = await self._compute(place, ask.asked)
        self._recent.add(ask.uri, place.snapshot.buffer.data, completion)
        return completion

    def _place(self, kit: Kit, snapshot: Snapshot, params: InlineParams) -> Place | None:
        """None if the selected suggestion does not end where the cursor is: nothing shown could extend it."""
        encoding, buffer, selected = self._documents.encoding, snapshot.buffer, params.selected
        cursor = buffer.offset(*params.at, encoding)
        if selected is None:
            return Place(snapshot, cursor, None)
        start, end = (buffer.offset(*at, encoding) for at in (selected.start, selected.end))
        if end != cursor or start > end or buffer.line_of(start) != buffer.line_of(end):
            return None
        edit = Edit(start, end, selected.text.encode("utf-8", "ignore"))
        return Place(kit.pipeline.edit(snapshot, [edit], snapshot.version), edit.new_end, selected)

    async def _debounce(self, ask: Ask) -> None:
        wait = ask.asked + self._settings.debounce_ms / 1000 - time.monotonic()
        if wait > 0 and not ask.params.manual:
            await asyncio.sleep(wait)

    async def _compute(self, place: Place, asked: float) -> Completion:
        kit, worker = self._backend.kit, self._backend.worker
        if kit is None or worker is None:
            return Completion("", 0, 0, "loading")
        deadline = asked + self._settings.deadline_ms / 1000

        def job(model: LanguageModel, stop: StopFlag) -> Completion:
            where = (place.snapshot, place.offset, model, kit.tokenizer, kit.card, self._backend.options, stop)
            return complete(*where, deadline=deadline, asked=asked)

        self._warming.asked(place.snapshot.uri)
        future: Future[Completion] = worker.submit(place.snapshot.uri, job)
        try:
            return await asyncio.wrap_future(future)
        except (Superseded, Closed):
            return Completion("", 0, 0, "superseded")

    def _moved(self, ask: Ask, document: Document, completion: Completion) -> Completion | None:
        """What is left of the completion if its beginning was typed meanwhile; None if something else was."""
        if document.buffer == ask.buffer:
            return completion
        if ask.params.selected is not None or not document.in_sync:
            return None
        typed = len(document.buffer.data) - len(ask.buffer.data)
        rest = self._recent.find(ask.uri, document.buffer.data, completion.start + typed)
        return rest and replace(completion, text=rest.text, start=rest.start, end=rest.end)

    def _item(self, ask: Ask, document: Document, completion: Completion) -> types.InlineCompletionItem:
        """An empty range for plain insertions: editors draw those inline."""
        selected = ask.params.selected
        if selected is not None:
            place = types.Range(types.Position(*selected.start), types.Position(*selected.end))
            return types.InlineCompletionItem(selected.text + completion.text, range=place)
        place = lsp_range(document.buffer, completion.start, completion.end, self._documents.encoding)
        return types.InlineCompletionItem(completion.text, range=place)

    def _record(self, ask: Ask, completion: Completion) -> None:
        timings = {**completion.timings, "total": (time.monotonic() - ask.asked) * 1000}
        counts = completion.tokens, completion.kind, completion.units, completion.mentions
        record = Record(completion.outcome, timings, *counts)
        self._status.record(ask.uri, record)
        _log.info(
            "completion: %s, %.0f ms, tokens %s",
            record.outcome,
            timings["total"],
            " ".join(f"{name}={count}" for name, count in record.tokens.items()) or "-",
        )
