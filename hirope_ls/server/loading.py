"""What the user and the documents notice of a model that is loaded, refused, loaded again or given back.

Belongs to the event loop. Knows nothing of how models are loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.server.answering import Answering
from hirope_ls.server.backend import Backend
from hirope_ls.server.documents import Documents
from hirope_ls.server.inline import InlineCompletions
from hirope_ls.server.notices import Notices
from hirope_ls.server.others import OtherFiles
from hirope_ls.server.progress import Bars, Progress
from hirope_ls.server.protocol import StrictProtocol
from hirope_ls.server.warming import Warming


class Loading:
    """Told at each step of the backend. The parts are given by `serve`, once they are all there."""

    def __init__(
        self, protocol: StrictProtocol, notices: Notices, bars: Bars, documents: Documents, spawn: Callable[[Any], None]
    ) -> None:
        self._protocol = protocol
        self._notices = notices
        self._bars = bars
        self._documents = documents
        self._spawn = spawn
        self._bar: Progress | None = None
        self._pipeline: Pipeline | None = None
        self._answers: tuple[object, ...] = ()

    def serve(
        self,
        backend: Backend,
        others: OtherFiles,
        inline: InlineCompletions,
        answering: Answering,
        warming: Warming,
        changed: Callable[[], None],
    ) -> None:
        """These are the parts; `changed` is called when all else has heard of a step."""
        self._backend, self._others, self._inline = backend, others, inline
        self._answering, self._warming, self._told = answering, warming, changed

    def begin(self) -> None:
        """The user is told that the model is being loaded."""
        if self._bar is None:
            self._bar = self._bars.new("hirope/load")
            self._spawn(self._bar.begin("loading the model"))

    def changed(self) -> None:
        """The backend took a step."""
        state = self._backend.state
        if state == "loading":
            self._loading()
        elif state == "refused":
            self._gone()
        elif state == "ready":
            self._end("ready")
            self._say_problem("hirope-ls goes on with the model it has: ")
            self._say_doubt()
            self._spawn(self._ready())
        self._told()

    def _loading(self) -> None:
        kit = self._backend.kit
        assert kit is not None
        self.begin()
        self._warming.reset()
        if self._backend.answers != self._answers:
            for document in self._documents:
                self._answering.forget(document.uri)
        if kit.pipeline is not self._pipeline:
            if self._pipeline is not None:
                self._others.renew()
            self._pipeline = kit.pipeline
            self._documents.start(kit.pipeline)
        self._answers = self._backend.answers
        if self._backend.indexes:
            self._others.index()

    def _gone(self) -> None:
        if self._backend.kit is None:
            self._documents.give_up()
        self._end("no model")
        self._say_problem("hirope-ls makes no suggestions: ")

    def _say_problem(self, what: str) -> None:
        if self._backend.problem is not None:
            self._notices.error(what + self._backend.problem)

    def _say_doubt(self) -> None:
        card = self._backend.kit.card if self._backend.kit is not None else None
        if card is not None and card.fim_doubt is not None:
            self._notices.warning(f"hirope-ls: {card.name} sees only what stands before the cursor: {card.fim_doubt}")

    def _end(self, message: str) -> None:
        if self._bar is not None:
            self._bar.end(message)
        self._bar = None

    async def _ready(self) -> None:
        await self._inline.fulfil_wishes()
        for document in self._documents:
            self._warming.start(document)
        self._protocol.notify("hirope/ready", {})
