"""Has the model read a file before the first completion in it is asked for; gives way to every completion.

Only before: reading the file from its start would push out of the cache what a completion put there, and the next
keystroke needs exactly that. Belongs to the event loop.
"""

from __future__ import annotations

from concurrent.futures import Future

from hirope_ls.engine.complete import warm
from hirope_ls.model.generator import LanguageModel, StopFlag
from hirope_ls.server.backend import Backend
from hirope_ls.server.documents import Document


class Warming:
    """The warm-ups that wait or run, and the documents that need none any more."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._running: dict[str, Future[None]] = {}
        self._asked: set[str] = set()

    def start(self, document: Document) -> None:
        """Read the document when nothing else is to be done; nothing if it cannot be, or need not be, read now."""
        snapshot, kit, worker = document.snapshot, self._backend.kit, self._backend.worker
        if self._backend.state != "ready" or document.uri in self._asked:
            return
        if snapshot is None or kit is None or worker is None:
            return
        options = self._backend.options

        def job(model: LanguageModel, stop: StopFlag) -> None:
            warm(snapshot, model, kit.tokenizer, kit.card, options, stop)

        self._running[document.uri] = worker.warm(document.uri, job)

    def asked(self, uri: str) -> None:
        """A completion of this document goes to the model: its own prefill takes over."""
        self._stop(uri)
        self._asked.add(uri)

    def closed(self, uri: str) -> None:
        """The document was closed."""
        self._stop(uri)
        self._asked.discard(uri)

    def _stop(self, uri: str) -> None:
        if (running := self._running.pop(uri, None)) is not None:
            running.cancel()
