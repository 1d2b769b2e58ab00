"""What is done when the user's wishes change in a running session; what is only asked for when needed is not here.

Belongs to the event loop.
"""

from __future__ import annotations

from typing import Final

from hirope_ls.config import Settings
from hirope_ls.server.answering import Answering
from hirope_ls.server.backend import LOADED_BY, Backend
from hirope_ls.server.documents import Documents
from hirope_ls.server.logfile import LogFile
from hirope_ls.server.notices import Notices
from hirope_ls.server.others import OtherFiles
from hirope_ls.server.switches import rule_of
from hirope_ls.server.warming import Warming

_ASKED_BY: Final = (
    "max_new_tokens",
    "max_lines",
    "prompt_tokens",
    "approximate_splice",
    "context",
    "context_tokens",
    "workspace_index",
)
"""Settings by which the model is asked: what it has said under others does not count any more."""


class Applying:
    """Called with the former and the new settings."""

    def __init__(
        self,
        documents: Documents,
        backend: Backend,
        answering: Answering,
        warming: Warming,
        others: OtherFiles,
        log: LogFile,
        notices: Notices,
    ) -> None:
        self._documents = documents
        self._backend = backend
        self._answering = answering
        self._warming = warming
        self._others = others
        self._log = log
        self._notices = notices

    def __call__(self, former: Settings, new: Settings) -> None:
        """Take it all up."""
        self.log(new)
        if former.differs(new, _ASKED_BY):
            self._ask_anew()
        if former.differs(new, LOADED_BY):
            self._backend.reload()
        if new.enable and not former.enable and len(self._documents):
            self._backend.used()
        for document in self._documents:
            before, after = (rule_of(each, document.uri, document.language_id) for each in (former, new))
            if after is not None and before is None:
                self._answering.forget(document.uri)
            elif before is not None and after is None:
                self._warming.start(document)

    def log(self, settings: Settings) -> None:
        """Log as is wished."""
        if (problem := self._log.wish(settings.log_level, settings.log_file)) is not None:
            self._notices.warning(f"hirope-ls: {problem}")

    def _ask_anew(self) -> None:
        self._backend.renew_options()
        for document in self._documents:
            self._answering.forget(document.uri)
        self._others.renew()
        if self._backend.indexes:
            self._others.index()
