"""textDocument/inlineCompletion and completion: one request a document and form, the newest; each has one outcome.

superseded -> null; cancelled by the client -> error -32800; nothing to suggest, still loading, out of sync -> no items.
A client that asks in both forms gets the same suggestion in both. Belongs to the event loop. Knows replies; how a
completion is come by is for answering.py to know, and what a form looks like for whoever asks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from hirope_ls.engine.completion import Completion
from hirope_ls.server.answering import Answering, Start
from hirope_ls.server.backend import Backend
from hirope_ls.server.convert import InlineParams
from hirope_ls.server.documents import Documents
from hirope_ls.server.place import Ask, Told
from hirope_ls.server.protocol import describe
from hirope_ls.server.status import Record, Status
from hirope_ls.server.switches import Switches

_log = logging.getLogger(__name__)

Form = Callable[[Told | None], Any]
"""What the client is told of a suggestion, or of none."""
Reply = asyncio.Future[Any]


class InlineCompletions:
    """The request slots of all documents."""

    def __init__(
        self, documents: Documents, backend: Backend, answering: Answering, status: Status, switches: Switches
    ) -> None:
        self._documents = documents
        self._backend = backend
        self._answering = answering
        self._status = status
        self._switches = switches
        self._slots: dict[tuple[str, Form], Reply] = {}
        self._wished: dict[str, Ask] = {}  # asked for while the model was loading

    def request(self, params: InlineParams, form: Form) -> Reply:
        """Take the document's slot for this form; the future gets the answer, whoever gives it."""
        ask = Ask.of(params, self._documents.get(params.uri), self._documents.encoding, time.monotonic())
        self._wished.pop(ask.uri, None)
        self._supersede(ask.uri, form)
        reply: Reply = asyncio.get_running_loop().create_future()
        self._slots[ask.uri, form] = reply
        # At once: the generation that runs must know whether anybody wants it before it says more.
        task = asyncio.ensure_future(self._serve(ask, form, self._start(ask), reply))
        reply.add_done_callback(partial(self._replied, ask, form, task))
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
        return any(document == uri for document, _ in self._slots)

    def forget(self, uri: str) -> None:
        """The document was closed, or is private: what runs for it is answered with nothing."""
        for document, form in list(self._slots):
            if document == uri:
                self._supersede(uri, form)
        self._wished.pop(uri, None)
        self._answering.forget(uri)
        self._status.forget(uri)

    def _supersede(self, uri: str, form: Form) -> None:
        older = self._slots.pop((uri, form), None)
        if older is not None and not older.done():
            self._status.record(uri, Record("superseded"))
            older.set_result(None)

    def _replied(self, ask: Ask, form: Form, task: asyncio.Task[None], reply: Reply) -> None:
        """However the reply came about: nobody waits any more; free the slot, unless a newer request has it."""
        task.cancel()
        if self._slots.get((ask.uri, form)) is reply:
            del self._slots[ask.uri, form]
            if reply.cancelled() and not self.busy(ask.uri):
                self._answering.cancelled(ask)
        if reply.cancelled():
            self._record(ask, Completion("", 0, 0, "cancelled"))

    async def _serve(self, ask: Ask, form: Form, start: Start, reply: Reply) -> None:
        try:
            completion, told = await self._answer(ask, start)
        except Exception as error:
            if not reply.done():
                self._record(ask, Completion("", 0, 0, f"error:{type(error).__name__}"))
                reply.set_exception(error)
            return
        if not reply.done():
            self._record(ask, completion)
            reply.set_result(form(told))
            self._answering.shown(ask, completion)

    async def _answer(self, ask: Ask, start: Start) -> tuple[Completion, Told | None]:
        if start.refusal or ask.document is None:
            return Completion("", 0, 0, start.refusal or "empty:unknown-document"), None
        completion = await self._answering.completion(ask, ask.document, start)
        if ask.document.rule is not None:  # it was not known when it was asked for
            return Completion("", 0, 0, f"filtered:{ask.document.rule}"), None
        if not completion.text:
            return completion, None
        others = await self._answering.others(ask, ask.document, completion)
        moved = self._answering.moved(ask, ask.document, completion)
        if moved is None:
            return replace(completion, outcome="empty:document-changed"), None
        return moved, Told(ask, completion, others, moved, ask.document.buffer, self._documents.encoding)

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
        if (off := self._switches.rule(ask.uri, ask.document.language_id)) is not None:
            return f"filtered:{off}"
        self._backend.used()
        if self._backend.state == "refused":
            return "error:model"
        if ask.document.refusal is not None:
            return f"empty:{ask.document.refusal}"
        if self._backend.state != "ready":
            self._wished[ask.uri] = ask
            return "loading"
        return None

    def _record(self, ask: Ask, completion: Completion) -> None:
        record = Record.of(completion, (time.monotonic() - ask.asked) * 1000)
        self._status.record(ask.uri, record)
        if ask.document is not None and ask.document.rule is not None:
            return
        _log.info(
            "completion: %s, %.0f ms, tokens %s",
            record.outcome,
            record.timings["total"],
            " ".join(f"{name}={count}" for name, count in record.tokens.items()) or "-",
        )
