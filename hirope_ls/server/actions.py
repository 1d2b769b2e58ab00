"""The offer to explain what one cannot see, as a code action, as far as the client knows such things.

Pure: LSP values in and out. Knows no documents and no threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lsprotocol import types

from hirope_ls.server.convert import announces, lists
from hirope_ls.server.lookup import Seen

KIND: Final = "hirope.explain"
EXPLAIN: Final = "hirope.explain"
AGAIN: Final = "hirope.explainAgain"
SHOW: Final = "hirope.showExplanation"
"""The command of a client that has a view of its own, which then asks for `hirope/explain`."""


@dataclass(frozen=True)
class Abilities:
    """What a client can do. own_view: it asks for explanations itself (`experimental.hirope.explain`)."""

    own_view: bool
    shows_files: bool
    hovers: bool
    acts: bool
    commands: bool
    resolves: bool
    tags: bool

    @classmethod
    def of(cls, capabilities: Mapping[str, Any]) -> Abilities:
        """By what it announced at initialize."""
        action = ("textDocument", "codeAction")
        resolves = lists(capabilities, "command", *action, "resolveSupport", "properties")
        return cls(
            own_view=announces(capabilities, "experimental", "hirope", "explain"),
            shows_files=announces(capabilities, "window", "showDocument", "support"),
            hovers=announces(capabilities, "textDocument", "hover"),
            acts=announces(capabilities, *action, "codeActionLiteralSupport"),
            commands=announces(capabilities, "workspace", "executeCommand"),
            resolves=resolves and announces(capabilities, *action, "dataSupport"),
            tags=lists(capabilities, types.CodeActionTag.LlmGenerated, *action, "tagSupport", "valueSet"),
        )

    @property
    def hover_only(self) -> bool:
        """Whether a hover is the only place where it can show a text."""
        return self.hovers and not self.own_view and not self.shows_files

    def actions(self) -> types.CodeActionOptions | None:
        """What is offered as code actions."""
        return types.CodeActionOptions(code_action_kinds=[KIND], resolve_provider=self.resolves) if self.acts else None

    def execution(self) -> types.ExecuteCommandOptions | None:
        """What can be executed."""
        return types.ExecuteCommandOptions(commands=[EXPLAIN, AGAIN]) if self.commands or self.acts else None


def wanted(params: Any) -> bool:
    """Whether the request for code actions is one for ours, too."""
    context = params.get("context") if isinstance(params, Mapping) else None
    only = context.get("only") if isinstance(context, Mapping) else None
    if not isinstance(only, list):
        return True
    return any(isinstance(kind, str) and (not kind or f"{KIND}.".startswith(f"{kind}.")) for kind in only)


def offers(seen: Seen, place: Mapping[str, Any], can: Abilities, known: bool) -> list[types.CodeAction]:
    """The actions for a word at `place` ({textDocument, position}). known: it was explained before."""
    if not seen.sight.hidden():
        return []
    name = " ".join(seen.subject.word.split())
    titles = [(f"Explain `{name}` ({_where(seen)})", KIND, False)]
    if known:
        titles.append((f"Explain `{name}` again, in other words", f"{KIND}.again", True))
    return [_offer(title, kind, {**place, "again": again}, can) for title, kind, again in titles]


def resolved(action: Any, can: Abilities) -> Any:
    """The action, with its command."""
    data = action.get("data") if isinstance(action, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(action, Mapping):
        return action
    return {**action, "command": _command(str(action.get("title", "")), data, can)}


def _offer(title: str, kind: str, data: dict[str, Any], can: Abilities) -> types.CodeAction:
    action = types.CodeAction(title, kind=kind, tags=[types.CodeActionTag.LlmGenerated] if can.tags else None)
    if can.resolves:
        action.data = data
    else:
        action.command = _command(title, data, can)
    return action


def _command(title: str, data: Mapping[str, Any], can: Abilities) -> types.Command:
    name = SHOW if can.own_view else AGAIN if data.get("again") is True else EXPLAIN
    return types.Command(title, name, arguments=[dict(data)])


def _where(seen: Seen) -> str:
    away, spot = seen.sight.lines_away, seen.sight.spot
    if away is None:
        return f"defined in {seen.shown(spot.path)}:{spot.line + 1}"
    return f"defined {abs(away)} lines {'below' if away > 0 else 'above'}"
