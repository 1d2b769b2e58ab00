"""From a request to a completion: known already, from the generation that runs, or from one of its own.

Belongs to the event loop. Knows no replies: who was superseded, and who is told what, is not decided here.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Final

from hirope_ls.engine.complete import alternatives
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.question import Question
from hirope_ls.engine.recent import Recent
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.engine.worker import Closed, Superseded
from hirope_ls.model.generator import LanguageModel, StopFlag
from hirope_ls.server.ahead import Ahead
from hirope_ls.server.backend import Backend, Kit
from hirope_ls.server.documents import Document, Documents
from hirope_ls.server.generations import Generation, Generations
from hirope_ls.server.narrow import narrowed
from hirope_ls.server.place import Ask, Place
from hirope_ls.server.rhythm import Rhythm
from hirope_ls.server.status import Status
from hirope_ls.server.taken import Taken
from hirope_ls.server.warming import Warming
from hirope_ls.server.wishes import Wishes
from hirope_ls.text.edit import Edit

_AT_ONCE: Final = 3  # suggestions for whoever asks by hand
_SMALL_EDIT: Final = 4096  # bytes; more would keep the event loop waiting for a text that is gone already


@dataclass(frozen=True)
class Start:
    """What a request begins with: why it is refused, a known answer, or a generation that may become its own."""

    refusal: str = ""
    known: Completion | None = None
    running: Generation | None = None


class Answering:
    """Makes completions for requests; whoever awaits one may be cancelled at any time."""

    def __init__(
        self,
        documents: Documents,
        backend: Backend,
        warming: Warming,
        status: Status,
        wishes: Wishes,
        taken: Taken,
    ) -> None:
        self._documents = documents
        self._backend = backend
        self._warming = warming
        self._status = status
        self._wishes = wishes
        self._taken = taken
        self.rhythm = Rhythm()
        self._recent = Recent()
        self._warming.read = self._recent.forget_approximate
        self._generations = Generations(backend, self._recent)
        self._ahead = Ahead(backend, self._generations, self._recent, status, lambda: wishes.now.look_ahead)

    def begin(self, ask: Ask) -> Start:
        """What is there for this request already; a generation that is of no use for it is stopped."""
        place = ask.place
        self._ahead.wait()
        if place is None or ask.document is None:
            self._generations.stop(ask.uri)
            return Start()
        self._warming.asked(ask.document, place.offset)
        known = self._recent.known(ask.uri, place.data, place.offset)
        if known is None:
            return Start(running=self._generations.take_over(ask.uri, place.data, place.offset, self._deadline(ask)))
        if known.ahead:
            self._status.count("foreseen")
        text = known.rest(place.data, place.offset) or b""
        accepted = Edit(place.offset, place.offset, text)
        self._generations.keep_ahead(ask.uri, accepted.apply(place.data), accepted.new_end)
        return Start(known=self._recent.find(ask.uri, place.data, place.offset))

    def shown(self, ask: Ask, completion: Completion) -> None:
        """The editor was told so."""
        if completion.approximate is not None and ask.document is not None:
            self._warming.refresh(ask.document)
        if completion.text and ask.document is not None and ask.params.selected is None:
            self._taken.shown(ask.uri, ask.document.buffer.data, completion.start, completion.text)
            self._ahead.shown(ask.document, completion)

    def refuse(self, uri: str) -> None:
        """Nothing can be made for this document now."""
        self._generations.stop(uri)

    def cancelled(self, ask: Ask) -> None:
        """The client does not want it any more: perhaps as it is about to ask again."""
        if ask.document is None or ask.params.selected is not None:
            self._generations.stop(ask.uri)
        else:
            self._generations.leave(ask.uri, ask.document.buffer.data)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._ahead.wait()
        self._generations.stop(uri)
        self._recent.forget(uri)

    def renewed(self, uri: str) -> None:
        """Something else is shown of other files from now on: what is made without a request is made anew."""
        self._ahead.wait()
        self._generations.stop(uri)
        self._recent.renew(uri)

    async def completion(self, ask: Ask, document: Document, start: Start) -> Completion:
        """The completion: from memory, from the running generation that was taken over, or from a new one."""
        place = ask.place
        if place is None:
            return Completion("", 0, 0, "filtered:selected-suggestion")
        if start.known is not None:
            return start.known
        if start.running is not None and (found := await self._shared(start.running, place)) is not None:
            return found
        kit = self._backend.kit
        snapshot = ask.snapshot or self._pinned(ask, await self._documents.snapshot(document))
        if snapshot is None:
            return Completion("", 0, 0, "empty:document-changed")
        await self._debounce(ask)
        if kit is None or self._backend.kit is None or self._backend.kit.pipeline is not kit.pipeline:
            return Completion("", 0, 0, "loading")  # the snapshot's tokens are another model's
        return await self._compute(ask, place, snapshot)

    async def others(self, ask: Ask, document: Document, first: Completion) -> list[Completion]:
        """Further completions at the same place for whoever asked by hand, as far as there is time; they give way to
        whatever else is asked for."""
        kit, worker, place = self._backend.kit, self._backend.worker, ask.place
        snapshot = document.snapshot
        if not ask.params.manual or kit is None or worker is None or place is None or snapshot is None:
            return []
        if snapshot.buffer != ask.buffer:
            return []
        question, deadline = self._question(kit, place, snapshot), self._deadline(ask)

        def job(model: LanguageModel, stop: StopFlag) -> list[Completion]:
            return alternatives(question, model, stop, first, count=_AT_ONCE - 1, deadline=deadline)

        future = worker.warm(("others", ask.uri), job)
        try:
            return await asyncio.wrap_future(future)
        except (Superseded, Closed):
            return []
        finally:
            future.cancel()

    def moved(self, ask: Ask, document: Document, completion: Completion) -> Completion | None:
        """What is left of the completion if its beginning was typed meanwhile; None if something else was."""
        if document.buffer == ask.buffer:
            return completion
        if ask.params.selected is not None or not document.in_sync:
            return None
        typed = len(document.buffer.data) - len(ask.buffer.data)
        rest = self._recent.find(ask.uri, document.buffer.data, completion.start + typed)
        return rest and replace(completion, text=rest.text, start=rest.start, end=rest.end)

    def _pinned(self, ask: Ask, snapshot: Snapshot | None) -> Snapshot | None:
        """That of the text that was asked about: it may have been edited while its first snapshot was made."""
        kit = self._backend.kit
        if snapshot is None or snapshot.buffer == ask.buffer:
            return snapshot
        data = snapshot.buffer.data
        edit = narrowed(Edit(0, len(data), ask.buffer.data), data)
        if kit is None or max(len(edit.new), edit.old_end - edit.start) > _SMALL_EDIT:
            return None
        return kit.pipeline.edit(snapshot, [edit], snapshot.version)

    async def _shared(self, running: Generation, place: Place) -> Completion | None:
        """The answer of a generation that was begun for an earlier text; None if it is none for this one."""
        found = running.seen_from(place.data, place.offset, await running.completion())
        if found is not None and (running.unasked or running.offset != place.offset):
            self._status.count("foreseen" if running.unasked else "continued")
        return found

    async def _debounce(self, ask: Ask) -> None:
        wait = self.rhythm.start(self._wishes.now.debounce_ms) - time.monotonic()
        if wait > 0 and not ask.params.manual:
            await asyncio.sleep(wait)

    async def _compute(self, ask: Ask, place: Place, snapshot: Snapshot) -> Completion:
        kit, worker = self._backend.kit, self._backend.worker
        if kit is None or worker is None:
            return Completion("", 0, 0, "loading")
        running = self._generations.take_over(ask.uri, place.data, place.offset, self._deadline(ask))
        if running is not None and (found := await self._shared(running, place)) is not None:
            return found  # it was begun while this request waited
        self._warming.computed(ask.uri)
        question = self._question(kit, place, snapshot)
        made = await self._generations.start(worker, question, ask.asked, self._deadline(ask)).completion()
        if made.text:
            self.rhythm.computed(sum(made.timings.get(phase, 0.0) for phase in ("prefill", "decode")) / 1000)
        return made

    def _question(self, kit: Kit, place: Place, snapshot: Snapshot) -> Question:
        return kit.question(
            place.snapshot(kit.pipeline, snapshot), place.offset, self._backend.contexts.get(snapshot.uri)
        )

    def _deadline(self, ask: Ask) -> float:
        return ask.asked + self._wishes.now.deadline_ms / 1000
