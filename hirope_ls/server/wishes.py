"""What the user wishes now: settings of all sources, taken up again whenever one of them says something new.

The value is frozen and replaced whole; whoever needs a setting asks `now` when it is needed. Belongs to the event loop;
the user's file is looked at on the background thread. Knows no models and no documents.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from hirope_ls.config import Settings, Sources, problem_message
from hirope_ls.config.generated import SECTION
from hirope_ls.config.userfile import Given, UserFile, user_file
from hirope_ls.server.background import Background
from hirope_ls.server.convert import announces
from hirope_ls.server.notices import Notices
from hirope_ls.server.protocol import StrictProtocol

_LOOK_S: Final = 2.0  # between two looks at the user's file
_PATIENCE_S: Final = 2.0  # for the client's first answer, before the model is loaded without it
OURS: Final = "hirope"  # in initializationOptions: what a client says of itself, no setting


class Wishes:
    """`now` is what counts. `changed` is called with the former and the new settings, if these differ."""

    def __init__(
        self,
        protocol: StrictProtocol,
        background: Background,
        notices: Notices,
        flags: Mapping[str, object] | None,
        path: Path | None = None,
    ) -> None:
        self._protocol = protocol
        self._background = background
        self._notices = notices
        self._file = UserFile(path or user_file())
        self._sources = Sources()
        self._problems = list(self._sources.take("flags", flags))
        self._pulls = self._registers = self._running = False
        self._asked = 0
        self._timer: asyncio.TimerHandle | None = None
        self.now = self._sources.settings()
        self.changed: Callable[[Settings, Settings], None] = lambda former, new: None

    def initialize(self, params: Mapping[str, Any]) -> None:
        """What there is before the client can be asked."""
        capabilities = params["capabilities"]
        self._pulls = announces(capabilities, "workspace", "configuration")
        self._registers = announces(capabilities, "workspace", "didChangeConfiguration", "dynamicRegistration")
        options = params.get("initializationOptions")
        if isinstance(options, Mapping):
            options = {name: value for name, value in options.items() if name != OURS}
        self._problems += self._sources.take("options", options)
        self._heard(self._file.news())
        self.now = self._sources.settings()

    async def begin(self) -> None:
        """The session runs: ask the client, and look at the file from time to time."""
        self._running = True
        self._tell()
        self._later()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ask(), _PATIENCE_S)
        if self._pulls and self._registers:
            options = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
            registration = types.Registration("hirope/settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION, options)
            with contextlib.suppress(JsonRpcException):
                await self._protocol.send_request_async(
                    types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams([registration])
                )

    def client_changed(self, params: Any) -> Any:
        """didChangeConfiguration: clients that can be asked are asked, others have said it. What is to be awaited."""
        if self._pulls:
            return self._ask()
        settings = params.get("settings") if isinstance(params, Mapping) else None
        if isinstance(settings, Mapping) and SECTION in settings:
            self._take_client(settings[SECTION])
        return None

    def close(self) -> None:
        """The session ends."""
        self._running = False
        if self._timer is not None:
            self._timer.cancel()

    async def _ask(self) -> None:
        if not self._pulls:
            return
        self._asked += 1
        question, params = self._asked, types.ConfigurationParams([types.ConfigurationItem(section=SECTION)])
        try:
            answer = await self._protocol.send_request_async(types.WORKSPACE_CONFIGURATION, params)
        except JsonRpcException:
            return
        if question == self._asked and isinstance(answer, list) and answer:
            self._take_client(answer[0])

    def _take_client(self, given: Any) -> None:
        self._problems += self._sources.take("client", given)
        self._renew()

    def _later(self) -> None:
        if self._running:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        self._background.run(self._file.news).add_done_callback(self._looked)

    def _looked(self, found: asyncio.Future[Given | None]) -> None:
        if not self._running or found.cancelled() or found.exception() is not None:
            return
        if (given := found.result()) is not None:
            self._heard(given)
            self._renew()
        self._later()

    def _heard(self, given: Given | None) -> None:
        if given is not None and given.problem is not None:
            self._problems.append(given.problem)
        elif given is not None:
            self._problems += [f"{each} (in {self._file.path})" for each in self._sources.take("file", given.values)]

    def _renew(self) -> None:
        former, self.now = self.now, self._sources.settings()
        self._tell()
        if former != self.now:
            self.changed(former, self.now)

    def _tell(self) -> None:
        problems, self._problems = self._notices.new(self._problems), []
        if problems:
            self._notices.warning(problem_message(problems))
