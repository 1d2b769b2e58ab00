"""The parts of a session, made once it is known what the client can, and told of each other.

Which message goes to which part is for `app` to know. Belongs to the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hirope_ls.config import Settings
from hirope_ls.server.actions import Abilities
from hirope_ls.server.answering import Answering
from hirope_ls.server.applying import Applying
from hirope_ls.server.backend import Backend, LoadModel
from hirope_ls.server.background import Background
from hirope_ls.server.convert import announces_progress
from hirope_ls.server.documents import Documents
from hirope_ls.server.explain_requests import ExplainRequests
from hirope_ls.server.explaining import Explaining
from hirope_ls.server.idle import Idle
from hirope_ls.server.inline import InlineCompletions
from hirope_ls.server.loading import Loading
from hirope_ls.server.logfile import LogFile
from hirope_ls.server.lookup import Lookups
from hirope_ls.server.notebooks import Notebooks
from hirope_ls.server.notices import Notices
from hirope_ls.server.others import OtherFiles
from hirope_ls.server.progress import Bars
from hirope_ls.server.protocol import StrictProtocol
from hirope_ls.server.reports import Reports
from hirope_ls.server.status import Status
from hirope_ls.server.switches import Switches
from hirope_ls.server.taken import Taken
from hirope_ls.server.telling import Telling
from hirope_ls.server.warming import Warming
from hirope_ls.server.wishes import Wishes


@dataclass(frozen=True)
class Ground:
    """What there is before: the connection, the texts, the wishes. spawn: has a coroutine run."""

    protocol: StrictProtocol
    background: Background
    documents: Documents
    notebooks: Notebooks
    wishes: Wishes
    notices: Notices
    log: LogFile
    load_model: LoadModel
    spawn: Callable[[Any], None]


@dataclass(frozen=True)
class Parts:
    """What a session consists of, as far as messages go to it."""

    backend: Backend
    loading: Loading
    warming: Warming
    taken: Taken
    answering: Answering
    inline: InlineCompletions
    others: OtherFiles
    explain: ExplainRequests
    reports: Reports
    telling: Telling
    idle: Idle
    applying: Applying


def wire(ground: Ground, params: Mapping[str, Any], can: Abilities) -> Parts:
    """Make them. params: those of `initialize`, of which the settings are known already."""
    protocol, documents, wishes, status = ground.protocol, ground.documents, ground.wishes, Status()
    bars = Bars(protocol, announces_progress(params["capabilities"]), ground.spawn)
    switches = Switches(wishes)
    loading = Loading(protocol, ground.notices, bars, documents, ground.spawn)
    backend = Backend(wishes, ground.background, ground.load_model, loading.changed)
    warming = Warming(backend, status, lambda: wishes.now.look_ahead, switches, bars)
    taken = Taken(status.told)
    answering = Answering(documents, backend, warming, status, wishes, taken)
    inline = InlineCompletions(documents, backend, answering, status, switches)
    bar, explaining = bars.new("hirope/index"), Explaining(backend)
    others = OtherFiles(ground.background, protocol, documents, backend, warming, answering, inline, bar, ground.spawn)
    lookups = Lookups(documents, others, ground.background, lambda: backend.may_index)
    explain = ExplainRequests(
        protocol, ground.notices, can, lookups, explaining, ground.notebooks, ground.background, ground.spawn
    )
    reports = Reports(wishes, documents, ground.notebooks, backend, others, status, taken)
    telling = Telling(protocol, reports.status)
    applying = Applying(documents, backend, answering, warming, others, ground.log, ground.notices)

    def wished(former: Settings, new: Settings) -> None:
        applying(former, new)
        telling.changed()

    telling.initialize(params)
    status.changed, wishes.changed = telling.changed, wished
    loading.serve(backend, others, inline, answering, warming, telling.changed)
    idle = Idle(backend, wishes)
    return Parts(backend, loading, warming, taken, answering, inline, others, explain, reports, telling, idle, applying)
