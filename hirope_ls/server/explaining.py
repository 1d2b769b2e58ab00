"""Explanations that the model writes for this session: below completions, one at a time, kept by what they are about.

A newer one takes the place of the one that is being written. Belongs to the event loop; knows no requests and no views.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Any, Final

from hirope_ls.engine.worker import Closed, Superseded
from hirope_ls.server.backend import Backend
from hirope_ls.server.lookup import Seen, Told

if TYPE_CHECKING:  # slow to import: who has a `Told` has it imported
    from hirope_ls.engine.explain import Explanation, Known, Writing

_ENDINGS: Final = {
    "writing": "It is being written ...",
    "superseded": "It was stopped: another explanation was asked for.",
    "loading": "The model is being loaded: ask again in a moment.",
    "no-model": "There is no model to write one.",
    "error": "The model failed; the log says why.",
}
"""What became of one that did not come to an end by itself."""

Over = Callable[[str, str], None]
"""Told the reason, and the whole document."""


class Explaining:
    """See above."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._loop = asyncio.get_running_loop()
        self._known: Known | None = None
        self._running: tuple[Seen, asyncio.Future[Explanation]] | None = None

    def known(self, seen: Seen) -> Explanation | None:
        """What was written about this definition by this model, if it was."""
        kit = self._backend.kit
        if self._known is None or kit is None:
            return None
        return self._known.get(seen.subject, str(kit.card.folder))

    def document(self, told: Told, text: str = "", reason: str = "end", whole: bool = True) -> str:
        """The facts, and below them what the model wrote. reason "writing": it is being written."""
        from hirope_ls.engine.explain import explanation
        from hirope_ls.engine.explain.prose import ENDINGS

        kit = self._backend.kit
        ending = {**ENDINGS, **_ENDINGS}.get(reason, "")
        if kit is None:
            return told.document(f"*{ending}*" if ending else "", whole)
        return told.document(explanation(text, kit.card.name, kit.card.parameters, ending), whole)

    def begin(self, told: Told, again: bool, say: Callable[[str], None], over: Over) -> asyncio.Future[Any] | None:
        """Have it written; `say` is given pieces, `over` is called once. The future can be cancelled; None: it is over.

        again: in other words than the last time.
        """
        from hirope_ls.engine.explain import Known, Writing

        self._backend.used()
        kit, worker, last = self._backend.kit, self._backend.worker, self.known(told)
        if kit is None or worker is None or self._backend.state == "refused":
            reason = "no-model" if self._backend.state == "refused" else "loading"
            over(reason, self.document(told, reason=reason))
            return None
        self._known = self._known or Known()
        if last is not None and not again:
            over(last.reason, self.document(told, last.text, last.reason))
            return None
        draw = (last.draw + 1 if last is not None else 1) if again else 0
        said = _Said(self._loop, say)
        writing = Writing(told.subject, kit.recipe, kit.pipeline, draw, said)
        future = asyncio.wrap_future(worker.warm(("explain",), writing.run), loop=self._loop)
        self._running = (told, future)
        future.add_done_callback(lambda done: self._ended(told, writing, said, over, done))
        return future

    def forget(self, paths: Container[str]) -> None:
        """These files are private now."""
        if self._known is None:
            return
        self._known.forget(paths)
        if self._running is not None and self._running[0].subject.path in paths:
            self._running[1].cancel()
        self._drop()

    def _ended(self, told: Told, writing: Writing, said: _Said, over: Over, done: asyncio.Future[Explanation]) -> None:
        said.over = True
        if self._running is not None and self._running[1] is done:
            self._running = None
        kit, text, reason = self._backend.kit, writing.told, "cancelled"
        if not done.cancelled():
            problem = done.exception()
            if isinstance(problem, Closed) and self._backend.closed:
                return
            if problem is not None:
                reason = "superseded" if isinstance(problem, Superseded | Closed) else "error"
            elif self._known is not None and kit is not None:
                made = done.result()
                text, reason = made.text, made.reason
                self._known.put(told.subject, str(kit.card.folder), made)
        over(reason, self.document(told, text, reason))

    def _drop(self) -> None:
        """What the model's cache holds of explanations goes."""
        from hirope_ls.engine.explain.writing import SESSION

        self._backend.forget(SESSION)


class _Said:
    """Hands pieces from the model's thread to the loop, until it is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop, say: Callable[[str], None]) -> None:
        self._loop, self._say, self.over = loop, say, False

    def __call__(self, piece: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._tell, piece)

    def _tell(self, piece: str) -> None:
        if not self.over:
            self._say(piece)
