"""textDocument/inlineCompletion: one request a document at a time, the newest; each answered once, with an outcome.

superseded -> null; cancelled by the client -> error -32800; nothing to suggest, still loading, out of sync ->
{items: []}. Belongs to the event loop. Knows replies; how a completion is come by is for answering.py to know.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial
from typing import Any

from lsprotocol import types

from hirope_ls.engine.completion import Completion
from hirope_ls.server.answering import Answering, Start
from hirope_ls.server.backend import Backend
from hirope_ls.server.convert import inline_params
from hirope_ls.server.documents import Documents
from hirope_ls.server.place import Ask, item
from hirope_ls.server.protocol import describe
from hirope_ls.server.status import Record, Status

_log = logging.getLogger(__name__)

Answer = types.InlineCompletionList | None


class InlineCompletions:
    """The request slots of all documents."""

    def __init__(self, documents: Documents, backend: Backend, answering: Answering, status: Status) -> None:
        self._documents = documents
        self._backend = backend
        self._answering = answering
        self._status = status
        self._slots: dict[str, asyncio.Future[Answer]] = {}
        self._wished: dict[str, Ask] = {}  # asked for while the model was loading

    def request(self, params: Any) -> asyncio.Future[Answer]:
        """Take the document's slot; the future gets the answer, whoever gives it. Raises JsonRpcInvalidParams."""
        asked = time.monotonic()
        parsed = inline_params(params)
        ask = Ask.of(parsed, self._documents.get(parsed.uri), self._documents.encoding, asked)
        self._wished.pop(ask.uri, None)
        self._supersede(ask.uri)
        reply: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._slots[ask.uri] = reply
        # At once: the generation that runs must know whether anybody wants it before it says more.
        task = asyncio.ensure_future(self._serve(ask, self._start(ask), reply))
        reply.add_done_callback(partial(self._replied, ask, task))
        return reply

    async def fulfil_wishes(self) -> None:
        """The model is ready: compute what was asked for while it loaded, so that asking again is answered at once."""
        wished, self._wished = list(self._wished.values()), {}
        for ask in wished:
            if ask.document is None or ask.document.buffer != ask.buffer:
                continue
            try:
                await self._answering.completion(replace(ask, asked=time.monotonic()), ask.document, Start())
            except Exception as error:  # nobody waits for it: whoever asks again is told
                _log.error("a completion asked for while loading failed: %s", describe(error))

    def busy(self, uri: str) -> bool:
        """Whether somebody waits for an answer about the document."""
        return uri in self._slots

    def forget(self, uri: str) -> None:
        """The document was closed, or is private: what runs for it is answered with nothing."""
        self._supersede(uri)
        self._wished.pop(uri, None)
        self._answering.forget(uri)
        self._status.forget(uri)

    def _supersede(self, uri: str) -> None:
        older = self._slots.pop(uri, None)
        if older is not None and not older.done():
            self._status.record(uri, Record("superseded"))
            older.set_result(None)

    def _replied(self, ask: Ask, task: asyncio.Task[None], reply: asyncio.Future[Answer]) -> None:
        """However the reply came about: nobody waits any more; free the slot, unless a newer request has it."""
        task.cancel()
        if self._slots.get(ask.uri) is reply:
            del self._slots[ask.uri]
            if reply.cancelled():
                self._answering.cancelled(ask)
        if reply.cancelled():
            self._record(ask, Completion("", 0, 0, "cancelled"))

    async def _serve(self, ask: Ask, start: Start, reply: asyncio.Future[Answer]) -> None:
        try:
            completion, answer = await self._answer(ask, start)
        except Exception as error:
            if not reply.done():
                self._record(ask, Completion("", 0, 0, f"error:{type(error).__name__}"))
                reply.set_exception(error)
            return
        if not reply.done():
            self._record(ask, completion)
            reply.set_result(answer)
            self._answering.shown(ask, completion)

    async def _answer(self, ask: Ask, start: Start) -> tuple[Completion, types.InlineCompletionList]:
        nothing = types.InlineCompletionList(items=[])
        if start.refusal or ask.document is None:
            return Completion("", 0, 0, start.refusal or "empty:unknown-document"), nothing
        completion = await self._answering.completion(ask, ask.document, start)
        if ask.document.rule is not None:  # it was not known when it was asked for
            return Completion("", 0, 0, f"filtered:{ask.document.rule}"), nothing
        if not completion.text:
            return completion, nothing
        others = await self._answering.others(ask, ask.document, completion)
        moved = self._answering.moved(ask, ask.document, completion)
        if moved is None:
            return replace(completion, outcome="empty:document-changed"), nothing
        told = [moved, *others] if ask.document.buffer == ask.buffer else [moved]
        how = ask.params.selected, ask.document.buffer, self._documents.encoding
        return moved, types.InlineCompletionList(items=[item(each, *how) for each in told])

    def _start(self, ask: Ask) -> Start:
        refusal = self._refusal(ask)
        if refusal is None:
            return self._answering.begin(ask)
        self._answering.refuse(ask.uri)
        return Start(refusal)

    def _refusal(self, ask: Ask) -> str | None:
        """The outcome of a request that cannot be served now."""
        if ask.document is None:
            return "empty:unknown-document"
        if ask.document.rule is not None:
            return f"filtered:{ask.document.rule}"
        if self._backend.state == "refused":
            return "error:model"
        if ask.document.refusal is not None:
            return f"empty:{ask.document.refusal}"
        if self._backend.state != "ready":
            self._wished[ask.uri] = ask
            return "loading"
        return None

    def _record(self, ask: Ask, completion: Completion) -> None:
        timings = {**completion.timings, "total": (time.monotonic() - ask.asked) * 1000}
        counts = completion.tokens, completion.kind, completion.units, completion.mentions, completion.approximate
        nearly = completion.approximate is not None and completion.text
        record = Record(completion.outcome + (":approximate" if nearly else ""), timings, *counts)
        self._status.record(ask.uri, record)
        if ask.document is not None and ask.document.rule is not None:
            return
        _log.info(
            "completion: %s, %.0f ms, tokens %s",
            record.outcome,
            timings["total"],
            " ".join(f"{name}={count}" for name, count in record.tokens.items()) or "-",
        )
