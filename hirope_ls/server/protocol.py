"""JSON-RPC and the LSP lifecycle, strictly: every request gets exactly one reply, whatever it holds.

Built over pygls' protocol class: its way out (typed notifications and requests to the client) is kept, its way in is
replaced. Bad parameters and requests after shutdown are answered, requests before `initialize` are refused, what LSP
sends as a notification is never taken for a request, nor the other way round, nothing is sent after shutdown but
refusals, and no message text reaches a log. Knows no documents and no models.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, default_converter

from hirope_ls.problems import HiropeError
from hirope_ls.server.framing import Fault
from hirope_ls.server.messages import MsgId, encoded, is_id, is_notification, parse
from hirope_ls.server.tracing import Tracing

_log = logging.getLogger(__name__)

REQUEST_FAILED: Final = -32803


shared_converter = functools.cache(default_converter)
"""Of all connections: to make it costs a tenth of a second."""


class RequestFailed(JsonRpcException):
    """A valid request that could not be fulfilled."""

    CODE = REQUEST_FAILED
    MESSAGE = "Request Failed"


@dataclass(frozen=True)
class Ongoing:
    """A result that is sent at once, and what goes on after that: `begin` starts it and gives its future, if any.

    A cancel of the request that was answered so cancels the future.
    """

    result: Any
    begin: Callable[[], asyncio.Future[Any] | None]


class StrictProtocol(LanguageServerProtocol):
    """The state of one connection: `new`, then `running` after initialize, then `down` after shutdown.

    `handlers` are called with `params` as parsed JSON, at once and in the order of arrival; a request's handler
    returns its result, or an awaitable of it, which a cancel from the client cancels. It raises JsonRpcException
    (InvalidParams, RequestFailed) for an error reply. `on_exit` gets the process's exit code when the client says so;
    `on_bad` gets (method, params) of a notification whose handler failed.
    """

    def __init__(self, server: Any, converter: Any) -> None:
        super().__init__(server, converter)
        self._state = "new"
        self._running: dict[MsgId, asyncio.Future[Any]] = {}
        self._tracing = Tracing(functools.partial(self.notify, types.LOG_TRACE))
        self._traced: dict[MsgId, tuple[str, float]] = {}  # method of a request, and when it came
        self._ongoing: dict[MsgId, asyncio.Future[Any]] = {}  # of requests that are answered
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        self.on_exit: Callable[[int], None] = lambda code: None
        self.on_bad: Callable[[str, Any], None] = lambda method, params: None

    def _register_builtin_features(self) -> None:
        """None of pygls' own: its workspace counts lines in its own way."""

    @property
    def state(self) -> str:
        return self._state

    # -- in

    def receive(self, message: bytes | Fault) -> None:
        """Handle one message body; never raises."""
        try:
            if isinstance(message, Fault):
                raise JsonRpcParseError(f"not a message: {message.reason}")
            self._dispatch(parse(message))
        except JsonRpcException as error:
            _log.warning("a message was refused: %s", error)
            self._reply_error(None, error)
        except Exception as error:
            _log.error("a message could not be handled: %s", describe(error))

    def _dispatch(self, message: Any) -> None:
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            raise JsonRpcInvalidRequest("not a JSON-RPC 2.0 message")
        method, params = message.get("method"), message.get("params")
        if "method" not in message and ("result" in message or "error" in message):
            self._answered(message)
        elif not isinstance(method, str):
            self._refuse(message, JsonRpcInvalidRequest("a message without a method"))
        elif "id" not in message:
            self._notified(method, params)
        elif not is_id(message["id"]):
            raise JsonRpcInvalidRequest("the id of a request must be an integer or a string")
        else:
            self._requested(message["id"], method, params)

    def _refuse(self, message: dict[str, Any], error: JsonRpcException) -> None:
        msg_id = message.get("id")
        self._reply_error(msg_id if is_id(msg_id) else None, error)

    def _requested(self, msg_id: MsgId, method: str, params: Any) -> None:
        try:
            handler = self._handler_of_request(msg_id, method)
        except JsonRpcException as error:
            self._reply_error(msg_id, error)
            return
        if method == types.SHUTDOWN:
            self._state = "down"
        if self._tracing.on:
            self._traced[msg_id] = method, time.perf_counter()
        try:
            result = handler(params)
        except Exception as error:
            self._reply_failure(msg_id, error)
            return
        if method == types.INITIALIZE:
            self._state = "running"
            with contextlib.suppress(JsonRpcInvalidParams):
                self._tracing.set(params, "trace")
        if not inspect.isawaitable(result):
            self._reply(msg_id, result)
            return
        task = asyncio.ensure_future(result)
        self._running[msg_id] = task
        task.add_done_callback(functools.partial(self._finished, msg_id))

    def _handler_of_request(self, msg_id: MsgId, method: str) -> Callable[[Any], Any]:
        if self._state == "down":
            raise JsonRpcInvalidRequest("the server is shut down")
        if self._state == "new" and method != types.INITIALIZE:
            raise JsonRpcServerNotInitialized("the first request must be initialize")
        if self._state == "running" and method == types.INITIALIZE:
            raise JsonRpcInvalidRequest("initialize may be sent only once")
        if msg_id in self._running:
            raise JsonRpcInvalidRequest("a request with this id is still being answered")
        if method == types.SHUTDOWN:
            return functools.partial(self._shut_down, msg_id)
        if method not in self.handlers or is_notification(method):
            raise JsonRpcMethodNotFound(f"unknown method: {method[:100]}")
        return self.handlers[method]

    def _notified(self, method: str, params: Any) -> None:
        if method == types.EXIT:
            self.on_exit(0 if self._state == "down" else 1)
        elif self._state != "running":
            _log.info("ignored outside of a running session: %s", method[:100])
        elif method == types.CANCEL_REQUEST:
            self._cancel(params)
        elif method == types.SET_TRACE:
            self._run_notification(method, self._tracing.set, params)
        elif (handler := self.handlers.get(method)) is None or not is_notification(method):
            _log.debug("ignored: %s", method[:100])
        else:
            self._run_notification(method, handler, params)

    def _run_notification(self, method: str, handler: Callable[[Any], Any], params: Any) -> None:
        began = time.perf_counter()
        try:
            handler(params)
        except Exception as error:
            _log.warning("%s was ignored: %s", method, describe(error))
            self.on_bad(method, params)
        self._tracing.taken(method, time.perf_counter() - began)

    def _cancel(self, params: Any) -> None:
        msg_id = params.get("id") if isinstance(params, dict) else None
        task = (self._running.get(msg_id) or self._ongoing.get(msg_id)) if is_id(msg_id) else None
        if task is not None:  # else it was answered meanwhile
            task.cancel()

    async def _shut_down(self, msg_id: MsgId, params: Any) -> None:
        """Cancel what is being answered, and answer it, before shutdown itself is answered."""
        tasks = {key: task for key, task in self._running.items() if key != msg_id}
        for task in (*tasks.values(), *self._ongoing.values()):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks.values(), timeout=1)
            await asyncio.sleep(0)  # their replies are sent by callbacks
        for key in tasks.keys() & self._running.keys():  # they do not let go
            del self._running[key]
            self._reply_error(key, JsonRpcRequestCancelled("cancelled"))
        if (handler := self.handlers.get(types.SHUTDOWN)) is not None:
            handler(params)

    def abandon(self) -> None:
        """The connection is over: nobody waits for what is still being answered."""
        running, self._running = self._running, {}
        for task in running.values():
            task.cancel()

    def _answered(self, message: dict[str, Any]) -> None:
        """A reply to a request of ours: its future gets the raw result, or the error."""
        msg_id = message.get("id")
        future = self._request_futures.pop(msg_id, None) if is_id(msg_id) else None
        if not isinstance(future, Future) or future.done():
            _log.debug("a reply to no request")
        elif "error" in message:
            future.set_exception(RequestFailed("the client answered with an error"))
        else:
            future.set_result(message.get("result"))

    # -- out

    def _finished(self, msg_id: MsgId, task: asyncio.Future[Any]) -> None:
        if self._running.get(msg_id) is not task:  # it was answered by the shutdown
            return
        del self._running[msg_id]
        if task.cancelled():
            self._reply_error(msg_id, JsonRpcRequestCancelled("cancelled"))
        elif (problem := task.exception()) is not None:
            self._reply_failure(msg_id, problem)
        elif isinstance(result := task.result(), Ongoing):
            self._reply(msg_id, result.result)
            self._go_on(msg_id, result)
        else:
            self._reply(msg_id, result)

    def _go_on(self, msg_id: MsgId, answered: Ongoing) -> None:
        future = answered.begin() if self._state == "running" else None
        if future is not None and not future.done():
            self._ongoing[msg_id] = future
            future.add_done_callback(lambda _: self._ongoing.pop(msg_id, None))

    def _reply_failure(self, msg_id: MsgId, problem: BaseException) -> None:
        if isinstance(problem, JsonRpcException):
            self._reply_error(msg_id, problem)
        else:
            _log.error("a request failed: %s", describe(problem))
            self._reply_error(msg_id, RequestFailed(describe(problem)))

    def _reply_error(self, msg_id: MsgId | None, error: JsonRpcException) -> None:
        self._write({"jsonrpc": self.VERSION, "id": msg_id, "error": {"code": error.code, "message": error.message}})

    def _reply(self, msg_id: MsgId, result: Any) -> None:
        try:
            self._write({"jsonrpc": self.VERSION, "id": msg_id, "result": self._converter.unstructure(result)})
        except Exception as error:  # no JSON: a fault of ours, and still one reply
            self._reply_failure(msg_id, error)

    def _send_data(self, data: Any) -> None:
        """pygls' way out for notifications and requests to the client: only while the session runs."""
        if self._state == "running":
            self._write(self._converter.unstructure(data))

    def _write(self, message: dict[str, Any]) -> None:
        body = encoded(message)
        if self.writer is not None:
            self.writer.write(body)
        if "method" not in message and (traced := self._traced.pop(message["id"], None)) is not None:
            method, began = traced
            code = message["error"]["code"] if "error" in message else 0
            self._tracing.answered(method, message["id"], time.perf_counter() - began, code, len(body))


def describe(error: BaseException) -> str:
    """An error without any of the user's text: our own errors' line; of others the type and the place."""
    if isinstance(error, HiropeError | JsonRpcException):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"internal error: {type(error).__name__}{where}"
