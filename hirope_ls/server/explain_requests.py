"""What a client asks about explanations: code actions, commands, a hover, and `hirope/explain` of our own editors.

hirope/explain {textDocument, position, again?, token?} -> {token, markdown, name, state} or null: the facts at once;
state is "writing" where the model's words follow as `hirope/explanation` {token, text}, and at last {token, done: true,
reason, markdown}, with the whole document. A cancel of the request stops them, also after it was answered.
Belongs to the event loop. Knows messages; what is in them is for lookup.py and explaining.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from hirope_ls.server.actions import AGAIN, EXPLAIN, Abilities, offers, resolved, wanted
from hirope_ls.server.background import Background
from hirope_ls.server.convert import Position, document_uri, position_of
from hirope_ls.server.explaining import Explaining
from hirope_ls.server.lookup import Lookups, Told
from hirope_ls.server.notebooks import Notebooks
from hirope_ls.server.notices import Notices
from hirope_ls.server.pages import Pages
from hirope_ls.server.protocol import Ongoing, StrictProtocol
from hirope_ls.server.uris import file_path

_log = logging.getLogger(__name__)

_OFTEN_S: Final = 1.0  # between two states of a page that is being written
_NOTHING: Final = "no function or class whose definition is known is named here"


class ExplainRequests:
    """See above. `handlers` are the protocol's; spawn: has a coroutine run."""

    def __init__(
        self,
        protocol: StrictProtocol,
        notices: Notices,
        can: Abilities,
        lookups: Lookups,
        explaining: Explaining,
        notebooks: Notebooks,
        background: Background,
        spawn: Callable[[Any], None],
    ) -> None:
        self._protocol, self._notices, self._can, self._spawn = protocol, notices, can, spawn
        self._lookups, self._explaining = lookups, explaining
        self._notebooks, self._background = notebooks, background
        self._pages = Pages()
        self._tokens = itertools.count(1)
        self.handlers: dict[str, Callable[[Any], Any]] = {
            types.TEXT_DOCUMENT_CODE_ACTION: self._actions,
            types.CODE_ACTION_RESOLVE: lambda params: resolved(params, can),
            types.WORKSPACE_EXECUTE_COMMAND: self._execute,
            "hirope/explain": self._explain,
            **({types.TEXT_DOCUMENT_HOVER: self._hover} if can.hover_only else {}),
        }
        self.owns = self._pages.owns

    def forget(self, uri: str) -> None:
        """This document is private now: nothing stays that was told of it."""
        if (path := file_path(uri)) is not None:
            self._spawn(self._forget(path))

    async def _forget(self, path: str) -> None:
        paths = {path, await self._background.run(lambda: os.path.realpath(path))}
        self._explaining.forget(paths)
        await self._background.run(lambda: self._pages.forget(paths))

    def close(self) -> None:
        """The session ends."""
        self._pages.clear()

    # -- requests

    async def _actions(self, params: Any) -> list[types.CodeAction]:
        uri, start = document_uri(params), position_of(params, "range", "start")
        if not wanted(params):
            return []
        seen = await self._lookups.seen(*self._placed(uri, start))
        if seen is None:
            return []
        place = {"textDocument": {"uri": uri}, "position": dict(zip(("line", "character"), start, strict=True))}
        return offers(seen, place, self._can, self._explaining.known(seen) is not None)

    async def _explain(self, params: Any) -> Ongoing | None:
        uri, at = document_uri(params), position_of(params, "position")
        token = params.get("token")
        if token is None:
            token = f"hirope/explain/{next(self._tokens)}"
        elif not isinstance(token, str | int) or isinstance(token, bool):
            raise JsonRpcInvalidParams("token must be a string or an integer")
        told = await self._lookups.told(*self._placed(uri, at))
        return self._streamed(told, params.get("again") is True, token) if told is not None else None

    async def _execute(self, params: Any) -> Any:
        command = params.get("command") if isinstance(params, Mapping) else None
        if command not in (EXPLAIN, AGAIN):
            raise JsonRpcInvalidParams("there is no such command")
        arguments = params.get("arguments")
        if not isinstance(arguments, list) or not arguments:
            raise JsonRpcInvalidParams("arguments must hold {textDocument, position}")
        place = arguments[0]
        uri, at = document_uri(place), position_of(place, "position")
        again = command == AGAIN or place.get("again") is True
        told = await self._lookups.told(*self._placed(uri, at))
        if told is None:
            self._notices.answer(_NOTHING)
            return None
        if self._can.own_view:
            return self._streamed(told, again, f"hirope/explain/{next(self._tokens)}")
        return await self._paged(told, again) if self._can.shows_files else self._whispered(told, again)

    async def _hover(self, params: Any) -> types.Hover | None:
        told = await self._lookups.told(*self._placed(document_uri(params), position_of(params, "position")))
        if told is None or not told.sight.hidden():
            return None
        known = self._explaining.known(told)
        text = self._explaining.document(told, known.text, known.reason, False) if known else told.document(whole=False)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text))

    # -- views

    def _streamed(self, told: Told, again: bool, token: str | int) -> Ongoing:
        """To the client's own view, piece by piece."""
        known = None if again else self._explaining.known(told)
        state = "known" if known is not None else "writing"
        text, reason = (known.text, known.reason) if known is not None else ("", "writing")
        head = {"token": token, "name": told.facts.name, "state": state}
        reply = {**head, "markdown": self._explaining.document(told, text, reason)}

        def say(piece: str) -> None:
            self._protocol.notify("hirope/explanation", {"token": token, "text": piece})

        def over(reason: str, markdown: str) -> None:
            last = {"token": token, "done": True, "reason": reason, "markdown": markdown}
            self._protocol.notify("hirope/explanation", last)

        begin = lambda: self._explaining.begin(told, again, say, over) if known is None else None  # noqa: E731
        return Ongoing(reply, begin)

    async def _paged(self, told: Told, again: bool) -> Ongoing | None:
        """To a file that the client shows; it is written again as the text grows."""
        name, made, written = f"explain {told.subject.word}", "", 0.0

        def write(text: str) -> asyncio.Future[str]:
            return self._background.run(lambda: self._pages.write(name, text, told.subject.path))

        def say(piece: str) -> None:
            nonlocal made, written
            made += piece
            if time.monotonic() - written > _OFTEN_S:
                written = time.monotonic()
                write(self._explaining.document(told, made, "writing"))

        def over(reason: str, markdown: str) -> None:
            write(markdown)

        try:
            uri = await write(self._explaining.document(told, reason="writing"))
        except OSError as error:
            _log.warning("an explanation cannot be shown: %s", error.strerror)
            return self._whispered(told, again)

        def begin() -> asyncio.Future[Any] | None:
            self._spawn(self._show(uri))
            return self._explaining.begin(told, again, say, over)

        return Ongoing(None, begin)

    async def _show(self, uri: str) -> None:
        params = types.ShowDocumentParams(uri, external=False, take_focus=True)
        with contextlib.suppress(JsonRpcException):
            await self._protocol.send_request_async(types.WINDOW_SHOW_DOCUMENT, params)

    def _whispered(self, told: Told, again: bool) -> Ongoing:
        """To nothing but a message that it can be read by a hover."""
        name = told.subject.word

        def over(reason: str, markdown: str) -> None:
            if reason not in ("cancelled", "superseded"):
                self._notices.answer(f"hirope-ls: `{name}` is explained; hover over the name to read it")

        return Ongoing(None, lambda: self._explaining.begin(told, again, lambda piece: None, over))

    def _placed(self, uri: str, at: Position) -> tuple[str, Position]:
        """The document that is asked about, and where: of a notebook's cell the notebook."""
        asked = {"textDocument": {"uri": uri}, "position": {"line": at[0], "character": at[1]}}
        placed = self._notebooks.place(asked)
        return document_uri(placed), position_of(placed, "position")
