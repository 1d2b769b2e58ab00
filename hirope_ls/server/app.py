"""The server's parts, wired: which message goes to whom, and what is loaded when.

One object per process, on one event loop. Knows the life of a session; knows nothing of how completions are made.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from hirope_ls.server.actions import Abilities
from hirope_ls.server.backend import Backend, LoadModel
from hirope_ls.server.background import Background
from hirope_ls.server.convert import (
    announces,
    changes,
    choose_encoding,
    document_uri,
    focused_uri,
    inline_params,
    notebook_uri,
    opened_document,
    root_uris,
)
from hirope_ls.server.documents import Document, Documents
from hirope_ls.server.explain_requests import ExplainRequests
from hirope_ls.server.framing import Fault
from hirope_ls.server.items import Items
from hirope_ls.server.logfile import LogFile
from hirope_ls.server.logs import ClientHandler
from hirope_ls.server.notebooks import Notebooks
from hirope_ls.server.notices import Notices
from hirope_ls.server.others import OtherFiles
from hirope_ls.server.place import inline_list
from hirope_ls.server.protocol import StrictProtocol, shared_converter
from hirope_ls.server.stdio import Reader, Writer
from hirope_ls.server.verdicts import Verdict
from hirope_ls.server.watch import end_by_force, watch_process
from hirope_ls.server.wiring import Ground, wire
from hirope_ls.server.wishes import Wishes
from hirope_ls.text.edit import Edit

_log = logging.getLogger(__name__)

SLOW_MS: Final = 50  # an event loop kept waiting longer than this is worth a line
_FOLDERS: Final = types.WorkspaceOptions(
    types.WorkspaceFoldersServerCapabilities(supported=True, change_notifications=True)
)

_NOTEBOOKS: Final = types.NotebookDocumentSyncOptions([types.NotebookDocumentFilterWithNotebook("*")])


@functools.cache
def package_version() -> str:
    """The installed version of hirope-ls."""
    try:
        return version("hirope-ls")
    except PackageNotFoundError:
        return "unknown"


class App:
    """A session over two file descriptors. `run` returns the process's exit code.

    `force` gets that code as soon as the end begins, on any thread: the loop, the model or the interpreter might not
    let go.
    """

    def __init__(
        self,
        overrides: Mapping[str, object] | None,
        load_model: LoadModel,
        force: Callable[[int], None] = end_by_force,
    ) -> None:
        self._force = force
        self._overrides = overrides
        self._load_model = load_model
        self._server = LanguageServer(
            "hirope-ls", package_version(), protocol_cls=StrictProtocol, converter_factory=shared_converter
        )
        protocol = self._server.protocol
        assert isinstance(protocol, StrictProtocol)
        self._protocol = protocol
        self._protocol.handlers.update(self._handlers())
        self._protocol.on_exit = self._exit
        self._protocol.on_bad = self._bad_notification
        self._notices = Notices(protocol)

    async def run(self, source: int, sink: int) -> int:
        """Serve until the client says exit, closes `source`, or dies. The descriptors are ours to use."""
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[int] = self._loop.create_future()
        self._background = Background()
        self._documents = Documents(self._background, self._judge, self._opened, self._edited, self._judged)
        self._notebooks = Notebooks(self._documents)
        self._tasks: set[asyncio.Task[None]] = set()
        self._backend: Backend | None = None
        self._others: OtherFiles | None = None
        self._explain: ExplainRequests | None = None
        writer = Writer(sink)
        self._protocol.set_writer(writer)
        handler = ClientHandler(self._log_to_client)
        logging.getLogger("hirope_ls").addHandler(handler)
        self._log = LogFile(handler)
        self._wishes = Wishes(self._protocol, self._background, self._notices, self._overrides)
        Reader(source, self._deliver, self._source_ended).start()
        code = await self._over
        logging.getLogger("hirope_ls").removeHandler(handler)
        self._protocol.abandon()
        for task in self._tasks:
            task.cancel()
        self._wishes.close()
        if self._others is not None:
            self._others.close(0.4)
        if self._explain is not None:
            self._explain.close()
        self._background.close()
        writer.close()
        writer.flush(0.5)
        if self._backend is not None:
            self._parts.idle.close()
            self._parts.telling.close()
            self._backend.close(0.5)
        self._log.close()
        return code

    # -- threads hand over to the loop

    def _deliver(self, message: bytes | Fault) -> None:
        self._hand_over(self._receive, message)

    def _source_ended(self) -> None:
        self._leave("the client closed our stdin")

    def _leave(self, why: str) -> None:
        """End without an `exit`, from any thread."""
        _log.info("leaving: %s", why)
        self._force(self._code)
        self._hand_over(lambda: self._end(self._code))  # what was read before may still be a shutdown

    def _exit(self, code: int) -> None:
        """The client says exit."""
        self._force(code)
        self._end(code)

    @property
    def _code(self) -> int:
        """The exit code for an end without `exit`."""
        return 0 if self._protocol.state == "down" else 1

    def _log_to_client(self, params: types.LogMessageParams) -> None:
        self._hand_over(self._protocol.notify, types.WINDOW_LOG_MESSAGE, params)

    def _hand_over(self, call: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: it is all over
            self._loop.call_soon_threadsafe(call, *args)

    # -- on the loop

    def _receive(self, message: bytes | Fault) -> None:
        if self._over.done():
            return
        began = time.perf_counter()
        self._protocol.receive(message)
        took = (time.perf_counter() - began) * 1000
        if took > SLOW_MS:
            _log.info("the event loop was kept waiting for %.0f ms by one message", took)

    def _end(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Have it run as long as the session lasts."""
        if self._over.done():  # a timer was late
            work.close()
            return
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _handlers(self) -> dict[str, Any]:
        return {
            types.INITIALIZE: self._initialize,
            types.INITIALIZED: self._initialized,
            types.TEXT_DOCUMENT_DID_OPEN: self._open,
            types.TEXT_DOCUMENT_DID_CHANGE: lambda params: self._documents.change(*changes(params)),
            types.TEXT_DOCUMENT_DID_CLOSE: self._close,
            types.TEXT_DOCUMENT_INLINE_COMPLETION: self._complete,
            types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: lambda params: self._running_others.folders_changed(params),
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES: lambda params: self._running_others.files_changed(params),
            types.SHUTDOWN: lambda params: self._running_others.close(0.0),
            types.NOTEBOOK_DOCUMENT_DID_OPEN: self._open_notebook,
            types.NOTEBOOK_DOCUMENT_DID_CHANGE: lambda params: self._notebooks.change(params),
            types.NOTEBOOK_DOCUMENT_DID_CLOSE: self._close_notebook,
            types.WORKSPACE_DID_CHANGE_CONFIGURATION: self._configured,
            "hirope/didFocus": self._focused,
            "hirope/didAccept": lambda params: self._parts.taken.told(self._notebooks.document(document_uri(params))),
            "hirope/inspect": lambda params: self._parts.reports.inspect(params),
            "hirope/status": lambda params: self._parts.reports.status(params),
            "hirope/lastCompletion": lambda params: self._parts.reports.last_completion(params),
        }

    def _initialize(self, params: Any) -> types.InitializeResult:
        if not isinstance(params, Mapping) or not isinstance(params.get("capabilities"), Mapping):
            raise JsonRpcInvalidParams("capabilities is missing")
        capabilities = params["capabilities"]
        self._wishes.initialize(params)
        self._documents.encoding = choose_encoding(capabilities)
        self._roots = root_uris(params)
        self._items = Items.of(capabilities, self._wishes.now.completion_items)
        if self._items is not None:
            self._protocol.handlers[types.TEXT_DOCUMENT_COMPLETION] = self._complete_items
        self._watches_files = announces(capabilities, "workspace", "didChangeWatchedFiles", "dynamicRegistration")
        can = Abilities.of(capabilities)
        self._start_parts(params, can)
        parent = params.get("processId")
        if isinstance(parent, int) and not isinstance(parent, bool):
            watch_process(parent, lambda: self._leave("the editor's process is gone"))
        return types.InitializeResult(
            capabilities=types.ServerCapabilities(
                position_encoding=types.PositionEncodingKind(self._documents.encoding.value),
                text_document_sync=types.TextDocumentSyncOptions(
                    open_close=True, change=types.TextDocumentSyncKind.Incremental
                ),
                inline_completion_provider=types.InlineCompletionOptions(),
                completion_provider=self._items.options() if self._items is not None else None,
                code_action_provider=can.actions(),
                execute_command_provider=can.execution(),
                hover_provider=can.hover_only or None,
                notebook_document_sync=_NOTEBOOKS if announces(capabilities, "notebookDocument") else None,
                workspace=_FOLDERS if announces(capabilities, "workspace", "workspaceFolders") else None,
            ),
            server_info=types.ServerInfo(name="hirope-ls", version=package_version()),
        )

    def _start_parts(self, params: Mapping[str, Any], can: Abilities) -> None:
        ground = Ground(
            self._protocol,
            self._background,
            self._documents,
            self._notebooks,
            self._wishes,
            self._notices,
            self._log,
            self._load_model,
            self._spawn,
        )
        self._parts = parts = wire(ground, params, can)
        self._backend, self._others, self._explain = parts.backend, parts.others, parts.explain
        self._protocol.handlers.update(parts.explain.handlers)

    def _initialized(self, params: Any) -> None:
        backend = self._backend
        if backend is not None and self._others is not None and backend.state == "starting" and not self._tasks:
            self._others.begin(self._roots, self._watches_files)
            self._spawn(self._begin(backend))

    async def _begin(self, backend: Backend) -> None:
        await self._wishes.begin()
        self._parts.applying.log(self._wishes.now)
        if self._wishes.now.enable:
            self._parts.loading.begin()
        self._parts.idle.begin()
        await backend.start()

    def _configured(self, params: Any) -> None:
        if (asking := self._wishes.client_changed(params)) is not None:
            self._spawn(asking)

    @property
    def _running_others(self) -> OtherFiles:
        assert self._others is not None  # made before any other message is handled
        return self._others

    def _open(self, params: Any) -> None:
        document = opened_document(params)
        self._running_others.opening(document[0])
        self._documents.open(*document)

    def _judge(self, uri: str) -> asyncio.Future[Verdict]:
        if self._explain is not None and self._explain.owns(uri):
            return self._background.run(lambda: Verdict("read-only"))
        return self._running_others.judge(uri)

    def _judged(self, document: Document) -> None:
        if self._explain is not None and document.rule in ("secret", "ignored"):
            self._explain.forget(document.uri)
        if document.rule is not None:
            self._parts.taken.closed(document.uri)
        self._running_others.judged(document)

    def _opened(self, document: Document) -> None:
        if self._others is not None:
            self._parts.warming.start(document)
            self._others.opened(document)

    def _edited(self, document: Document, edits: Sequence[Edit]) -> None:
        if self._others is not None:
            self._parts.idle.active()
            self._parts.answering.rhythm.edited(time.monotonic())
            self._parts.taken.edited(document.uri, document.buffer.data, edits)
            self._parts.warming.edited(document, edits)
            self._others.edited(document)

    def _complete(self, params: Any) -> Awaitable[Any]:
        placed = self._notebooks.place(params)
        return self._answered(params, self._parts.inline.request(inline_params(placed), inline_list))

    def _complete_items(self, params: Any) -> Awaitable[Any]:
        assert self._items is not None  # else this is not called
        asked = self._items.read(self._notebooks.place(params), self._documents)
        return self._answered(params, self._parts.inline.request(asked, self._items.answer))

    def _answered(self, params: Any, reply: asyncio.Future[Any]) -> Awaitable[Any]:
        uri = document_uri(params)
        document = self._notebooks.document(uri)
        self._running_others.asked(document, reply)
        return reply if document == uri else self._answer_cell(uri, reply)

    async def _answer_cell(self, uri: str, reply: Awaitable[Any]) -> Any:
        return self._notebooks.answer(uri, await reply)

    def _open_notebook(self, params: Any) -> None:
        self._running_others.opening(notebook_uri(params))
        self._notebooks.open(params)

    def _close_notebook(self, params: Any) -> None:
        uri = notebook_uri(params)
        self._notebooks.close(uri)
        self._close({"textDocument": {"uri": uri}})

    def _focused(self, params: Any) -> None:
        document = self._documents.get(self._notebooks.document(focused_uri(params)))
        if self._others is not None and document is not None:
            self._parts.warming.focus(document)
            self._others.looked(document)

    def _close(self, params: Any) -> None:
        uri = document_uri(params)
        if self._others is not None:
            self._parts.taken.closed(uri)
            self._parts.inline.forget(uri)
            self._parts.warming.closed(uri)
            self._others.closed(uri)
        self._documents.close(uri)

    def _bad_notification(self, method: str, params: Any) -> None:
        """Something was said about a document that could not be understood: its text is not known any more."""
        if method in (types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_OPEN):
            read = document_uri
        elif method == types.NOTEBOOK_DOCUMENT_DID_CHANGE:
            read = notebook_uri
        else:
            return
        with contextlib.suppress(JsonRpcInvalidParams):
            self._documents.distrust(read(params), "a notification about it was malformed")
