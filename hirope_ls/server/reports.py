"""What the server tells of itself: `hirope/status`, `hirope/lastCompletion`, `hirope/inspect`. No text of any file."""

from __future__ import annotations

import asyncio
from typing import Any

import psutil  # type: ignore[import-untyped]

from hirope_ls.server.backend import Backend
from hirope_ls.server.convert import document_uri
from hirope_ls.server.documents import Documents
from hirope_ls.server.inspect import inspection
from hirope_ls.server.notebooks import Notebooks
from hirope_ls.server.others import OtherFiles
from hirope_ls.server.protocol import RequestFailed
from hirope_ls.server.status import Status
from hirope_ls.server.taken import Taken
from hirope_ls.server.wishes import Wishes


class Reports:
    """Asks the parts; each answer is JSON."""

    def __init__(
        self,
        wishes: Wishes,
        documents: Documents,
        notebooks: Notebooks,
        backend: Backend,
        others: OtherFiles,
        status: Status,
        taken: Taken,
    ) -> None:
        self._wishes = wishes
        self._documents = documents
        self._notebooks = notebooks
        self._backend = backend
        self._others = others
        self._status = status
        self._taken = taken
        self._process = psutil.Process()

    def status(self, params: Any = None) -> dict[str, Any]:
        """How the server is, and how it was so far."""
        backend, kit, worker = self._backend, self._backend.kit, self._backend.worker
        urgent, warming = worker.queue if worker is not None else (0, 0)
        return {
            "state": backend.state,
            "enabled": self._wishes.now.enable,
            "problem": backend.problem,
            "model": kit.card.name if kit is not None else None,
            "device": backend.device,
            "memory": self._memory(),
            "documents": len(self._documents),
            "workspace": self._others.report(),
            "busy": urgent + warming > 0,
            "queue": {"requests": urgent, "warmups": warming},
            "suggestions": dict(self._taken.counts),
            **self._status.as_json(),
        }

    def last_completion(self, params: Any) -> dict[str, Any] | None:
        """What became of the last request about a document."""
        record = self._status.last(self._notebooks.document(document_uri(params)))
        return record.as_json() if record is not None else None

    async def inspect(self, params: Any) -> dict[str, Any]:
        """The server's view of a document. Raises RequestFailed where it has none."""
        uri = self._notebooks.document(document_uri(params))
        document, backend = self._documents.get(uri), self._backend
        snapshot = await self._documents.snapshot(document) if document is not None else None
        if document is None or snapshot is None or backend.kit is None:
            raise RequestFailed("the document is not open" if document is None else "the document cannot be read now")
        cached = (0, 0)
        if backend.state == "ready" and backend.worker is not None:
            future = backend.worker.submit(object(), lambda model, stop: model.cached(uri))
            cached = await asyncio.wrap_future(future)
        context = backend.contexts.get(uri)
        return inspection(snapshot, backend.kit.card.trained_length, cached, context, self._documents.encoding)

    def _memory(self) -> dict[str, Any]:
        used = self._backend.kv_bytes
        return {
            "kvUsedMiB": round(used / 2**20, 1) if used is not None else None,
            "kvBudgetMiB": self._wishes.now.kv_budget_mib,
            "rssMiB": round(self._process.memory_info().rss / 2**20),
        }
