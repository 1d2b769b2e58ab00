"""The facts as a Markdown document, safe to show: code and documentation in fences, names in code spans, links.

Nothing of a source file becomes markup: no HTML, no images, no links, no character that steers a terminal or turns
the direction of text. Knows facts; no trees, no disks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath
from urllib.parse import quote

from hirope_ls.engine.explain.calls import Call, Use
from hirope_ls.engine.explain.facts import Facts, Member
from hirope_ls.text.markdown import code, fenced, plain

_FIRST = 12  # lines of documentation that a short document has
_WHY = {
    "unique": "Told by the name alone.",
    "ambiguous": "Not sure: several definitions have this name.",
}


def document(
    facts: Facts,
    shown: Callable[[str], str] = str,
    uri: Callable[[str], str] = lambda path: PurePath(path).as_uri(),
    *,
    whole: bool = True,
    explanation: str = "",
) -> str:
    """Markdown. shown: a path for people. uri: what a link to a file goes to, "" for no link.

    whole: all of the documentation, not its first lines.
    explanation: Markdown that a model wrote, put below the facts as it is.
    """
    write = _Writer(shown, uri)
    parts = [*write.head(facts, whole), *write.lists(facts)]
    if explanation:
        parts.append(f"---\n\n{explanation}")
    return "\n\n".join(parts) + "\n"


class _Writer:
    def __init__(self, shown: Callable[[str], str], uri: Callable[[str], str]) -> None:
        self.shown, self.uri = shown, uri

    def head(self, facts: Facts, whole: bool) -> Iterator[str]:
        yield f"### {facts.kind} {code(facts.name)}"
        yield fenced("\n".join([*facts.decorators, facts.signature]), _FENCES.get(facts.language, facts.language))
        yield f"Defined in {self.link(facts.spot.path, facts.spot.line)}{_distance(facts)}"
        if facts.evidence in _WHY:
            yield f"*{_WHY[facts.evidence]}*"
        if facts.documentation.strip():
            lines = facts.documentation.splitlines()
            kept = lines if whole else lines[:_FIRST]
            yield fenced("\n".join([*kept, *(["..."] if len(kept) < len(lines) else [])]), "text")

    def lists(self, facts: Facts) -> Iterator[str]:
        if facts.also:
            yield self._list("Also defined as", [self.member(one) for one in facts.also], len(facts.also))
        if facts.bases:
            yield self._list("Bases", [self.member(one) for one in facts.bases], len(facts.bases))
        if facts.members:
            yield self._list("Members", [self.member(one) for one in facts.members], facts.num_members)
        if facts.calls:
            yield self._list("Calls", [self.call(one) for one in facts.calls], facts.num_calls)
        found = facts.callers
        if found.found:
            yield self._list("Called by", [self.use(one) for one in found.found], found.sure + found.perhaps)
        elif found.complete and facts.kind != "class":
            yield "No calls of it are known."
        if not found.complete:
            yield "There may be more calls: not all files were looked at."

    def link(self, path: str, line: int) -> str:
        goal, words = quote(self.uri(path), safe="/:%?&=+,;@!$~*'-._"), plain(f"{self.shown(path)}:{line + 1}")
        return f"[{words}](<{goal}#L{line + 1}>)" if goal else words

    def member(self, one: Member) -> str:
        head = code(one.signature if len(one.signature) <= 200 else one.name)
        return f"{head}: {self.link(one.spot.path, one.spot.line)}" if one.spot else head

    def call(self, one: Call) -> str:
        if one.evidence is None:
            return code(one.text)
        if one.choices > 1:
            return f"{code(one.text)}: one of {one.choices} of that name"
        sure = "" if one.evidence not in _WHY else " (by name)"
        return f"{code(one.text)}: {self.link(one.path, one.line)}{sure}" if one.path else code(one.text)

    def use(self, one: Use) -> str:
        sure = "" if one.evidence not in _WHY else " (by name)"
        return f"{code(one.within) if one.within else 'module code'}: {self.link(one.path, one.line)}{sure}"

    def _list(self, head: str, lines: list[str], count: int) -> str:
        more = [f"- ... and {count - len(lines)} more"] if count > len(lines) else []
        return "\n".join([f"**{head}**\n", *(f"- {line}" for line in lines), *more])


_FENCES = {"c++": "cpp", "c#": "csharp"}


def _distance(facts: Facts) -> str:
    if facts.lines_away is None or not facts.out_of_sight:
        return ""
    return f", {abs(facts.lines_away)} lines {'below' if facts.lines_away > 0 else 'above'}"
