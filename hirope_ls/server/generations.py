"""The generations that run, at most one a document, each for one text and cursor; newer requests may take them over.

A generation that agrees with what was typed since goes on for whoever asks about the new text; one that does not is
stopped. Its answer is kept for the text it was made for, and for no other. Belongs to the event loop; the model's
thread is told through `Progress` alone. Knows no requests.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from hirope_ls.engine.ahead import NOT_AHEAD, complete_ahead
from hirope_ls.engine.complete import complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.context import Context
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.question import Question
from hirope_ls.engine.recent import Recent, typed_since
from hirope_ls.engine.worker import Closed, Superseded, Worker
from hirope_ls.model.generator import LanguageModel, StopFlag
from hirope_ls.server.backend import Backend

_FINAL = ("deadline", "error:memory", "superseded")
_LINGER_S = 0.25  # editors cancel what they are about to ask for again, a character further on
_AHEAD_S = 5.0  # what nobody has asked for is made by then, or not at all


@dataclass(eq=False)
class Generation:
    """One completion in the making, for byte `offset` of `data`; `ahead` as long as nobody has asked for it.

    `unasked` is what began so, whatever became of it. `context`: what its prompt shows of other files.
    """

    data: bytes
    offset: int
    progress: Progress
    future: Future[Completion]
    unasked: bool = False
    context: Context | None = None
    claims: int = 0  # how often it was taken over
    left: bool = False  # by whoever asked for it
    ahead: bool = field(init=False)
    done: asyncio.Future[Completion] = field(init=False)

    def __post_init__(self) -> None:
        self.ahead = self.unasked
        self.done = asyncio.wrap_future(self.future)

    @classmethod
    def of(
        cls, question: Question, progress: Progress, future: Future[Completion], unasked: bool = False
    ) -> Generation:
        """The one that answers this question."""
        return cls(question.snapshot.buffer.data, question.offset, progress, future, unasked, question.context)

    def is_for(self, data: bytes, offset: int) -> bool:
        """Whether its place is this very one."""
        return self.offset == offset and self.data == data

    def typed(self, data: bytes, offset: int) -> str | None:
        """What was typed since, if nothing else has happened."""
        new = typed_since(self.data, self.offset, data, offset)
        return None if new is None else new.decode("utf-8", "replace")

    def serves(self, data: bytes, offset: int) -> bool:
        """Whether its answer may become one for that text. What has not begun may as well begin with the newer text."""
        typed = self.typed(data, offset)
        if typed is None:
            return False
        return self.progress.agrees(typed) if self.progress.begun else not typed

    async def completion(self) -> Completion:
        """What became of it; raises what the model raised. Whoever waits may leave: it goes on."""
        await asyncio.wait([self.done])
        if self.done.cancelled():
            return Completion("", 0, 0, "superseded")
        try:
            return self.done.result()
        except (Superseded, Closed):
            return Completion("", 0, 0, "superseded")

    def seen_from(self, data: bytes, offset: int, completion: Completion) -> Completion | None:
        """Its completion as the answer for another text; None if it has none for that."""
        typed = self.typed(data, offset)
        if completion.outcome == NOT_AHEAD:
            return None
        if not typed or completion.outcome in _FINAL:
            return None if typed is None else completion
        if completion.outcome != "shown" or not completion.text.startswith(typed) or completion.text == typed:
            return None
        return replace(completion, text=completion.text[len(typed) :], start=offset, end=offset)


class Generations:
    """Those of all documents. What they say is added to `recent`."""

    def __init__(self, backend: Backend, recent: Recent) -> None:
        self._backend = backend
        self._recent = recent
        self._running: dict[str, Generation] = {}

    def start(self, worker: Worker[LanguageModel], question: Question, asked: float, deadline: float) -> Generation:
        """Begin one in the place of whatever runs for this document. The times are of time.monotonic()."""
        progress, uri = Progress(deadline), question.snapshot.uri

        def job(model: LanguageModel, stop: StopFlag) -> Completion:
            return complete(question, model, progress.begin(stop), asked=asked, progress=progress)

        for left in [uri for uri, generation in self._running.items() if generation.left]:
            self.stop(left)
        self.stop(uri)
        return self._add(uri, Generation.of(question, progress, worker.submit(uri, job)))

    def start_ahead(self, worker: Worker[LanguageModel], now: Question, then: Question) -> Generation:
        """Begin one that is not asked for yet, when nothing else is to be done: at `then`, from what is at `now`."""
        progress, uri = Progress(time.monotonic() + _AHEAD_S), then.snapshot.uri

        def job(model: LanguageModel, stop: StopFlag) -> Completion:
            return complete_ahead(now, then, model, progress.begin(stop))

        self.stop(uri)
        return self._add(uri, Generation.of(then, progress, worker.warm(("ahead", uri), job), unasked=True))

    def _add(self, uri: str, generation: Generation) -> Generation:
        self._running[uri] = generation
        generation.done.add_done_callback(lambda _: self._ended(uri, generation))
        return generation

    def take_over(self, uri: str, data: bytes, offset: int, deadline: float) -> Generation | None:
        """The generation that goes on for this text and cursor; one that cannot is stopped."""
        generation = self._running.get(uri)
        if generation is None:
            return None
        if not generation.serves(data, offset) or not self._shows_the_same(uri, generation):
            self.stop(uri)
            return None
        generation.claims, generation.left = generation.claims + 1, False
        generation.progress.deadline = deadline
        generation.progress.typed = generation.typed(data, offset) or ""
        if generation.ahead and self._backend.worker is not None:
            generation.ahead = False
            self._backend.worker.hurry(generation.future)
        return generation

    def leave(self, uri: str, data: bytes) -> None:
        """The client cancelled. If that is because its text grew to `data` along with what is said, wait a moment."""
        generation = self._running.get(uri)
        if generation is None:
            return
        offset = generation.offset + len(data) - len(generation.data)
        if data != generation.data and generation.serves(data, offset):
            generation.left, generation.progress.typed = True, generation.typed(data, offset) or ""
            asyncio.get_running_loop().call_later(_LINGER_S, self._give_up, uri, generation, generation.claims)
        else:
            self.stop(uri)

    def _give_up(self, uri: str, generation: Generation, claims: int) -> None:
        if self._running.get(uri) is generation and generation.claims == claims:
            self.stop(uri)

    def keep_ahead(self, uri: str, data: bytes, offset: int) -> None:
        """Stop what runs, unless it is made ahead for this very place."""
        generation = self._running.get(uri)
        if generation is not None and not (generation.ahead and generation.is_for(data, offset)):
            self.stop(uri)

    def stop(self, uri: str) -> None:
        """Nobody wants it any more."""
        if (generation := self._running.pop(uri, None)) is not None:
            generation.done.cancel()

    def runs(self, uri: str) -> bool:
        """Whether there is one for the document."""
        return uri in self._running

    def _shows_the_same(self, uri: str, generation: Generation) -> bool:
        """Whether a prompt made now would show the same of other files."""
        return self._backend.contexts.get(uri) is generation.context

    def _ended(self, uri: str, generation: Generation) -> None:
        if self._running.get(uri) is generation:
            del self._running[uri]
        if generation.done.cancelled() or generation.done.exception() is not None:
            return
        if not self._shows_the_same(uri, generation):
            return  # an answer to another question
        if not (generation.ahead and generation.progress.late):  # half an answer is none, if nobody waits for it
            self._recent.add(uri, generation.data, generation.done.result(), generation.ahead)
