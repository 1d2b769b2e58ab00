"""What a definition calls, and who calls it: in its file and in the files of the workspace, within bounds.

A file is looked through for the name before it is parsed. Knows uses and definitions; no markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hirope_ls.engine.explain.target import candidates
from hirope_ls.engine.explain.view import File, View
from hirope_ls.names import Candidate, Evidence
from hirope_ls.syntax.declared import name_start
from hirope_ls.syntax.languages.meanings import QUERIES
from hirope_ls.syntax.symbols import Definition, Reference
from hirope_ls.text import Encoding

_SURE = frozenset({"scope", "object", "import", "type"})


@dataclass(frozen=True)
class Call:
    """Something called, as it is called; path and line (from 0) of its definition, "" and -1 where that is not known.

    evidence: as of a `Candidate`; None where there is no definition. choices: how many it may be.
    """

    text: str
    path: str = ""
    line: int = -1
    evidence: Evidence | None = None
    choices: int = 0


@dataclass(frozen=True)
class Use:
    """A call at line and column (from 0) of a file, within the definition `within` ("" outside of all)."""

    path: str
    line: int
    column: int
    within: str
    evidence: Evidence


@dataclass(frozen=True)
class Uses:
    """Calls, those that are sure first; `sure` and `perhaps` (told by the name alone) count all that were found.

    complete: whether all files and all uses were looked at.
    """

    found: tuple[Use, ...] = ()
    sure: int = 0
    perhaps: int = 0
    complete: bool = True


def calls_of(view: View, file: File, at: int) -> tuple[Call, ...]:
    """What is called in the body of definition number `at`, each thing once, in the order of the text."""
    one = file.symbols.definitions[at]
    seen: dict[str, Call] = {}
    for use in file.symbols.references:
        if one.body <= use.start < one.end and is_call(file, use):
            text = f"{use.receiver}.{use.name}" if use.receiver else use.name
            if text not in seen and len(seen) < view.bounds.lookups:
                seen[text] = _call(view, file, use, text)
    return tuple(seen.values())


def called_by(view: View, file: File, at: int) -> Uses:
    """The calls of definition number `at` of a file."""
    search = _Search(view, file.path, file.symbols.definitions[at], file.symbols.dotted(at))
    search.look(file)
    for other in _elsewhere(view, file, search):
        search.look(other)
    ordered = sorted(search.found, key=lambda use: use.evidence not in _SURE)
    sure = sum(use.evidence in _SURE for use in ordered)
    return Uses(tuple(ordered[: view.bounds.shown]), sure, len(ordered) - sure, search.complete)


def is_call(file: File, use: Reference) -> bool:
    """Whether a use is a call: languages that tell no more than names tell it by the bracket behind."""
    if use.kind != "call":
        return False
    if file.symbols.language in QUERIES or file.language is None or not file.language.parameters_field:
        return True
    behind = file.buffer.data[use.start + len(use.name.encode()) :][:80].lstrip(b" \t!?")
    return behind[:1] in (b"(", b"<")


def _call(view: View, file: File, use: Reference, text: str) -> Call:
    found = candidates(view, file, file.symbols, use)
    if not found:
        return Call(text)
    held = view.file(found[0].path) if len(found) == 1 else None
    if held is None:
        return Call(text, evidence=found[0].evidence, choices=len(found))
    line = _line(held, found[0])
    return Call(text, held.path, line, found[0].evidence, 1)


def _line(file: File, found: Candidate) -> int:
    """The line of a definition's name in its file as that is now."""
    known = file.symbols.definitions
    same = found.at < len(known) and known[found.at][:3] == found.definition[:3]
    named = (one for one in known if one[:2] == found.definition[:2])
    one = known[found.at] if same else next(named, found.definition)
    at = name_start(file.parse, one)
    return file.buffer.line_of(one.start if at is None else at)


def _elsewhere(view: View, file: File, search: _Search) -> Iterator[File]:
    """Other files that have the name in their text, the nearest first."""
    read, parsed, name = 0, 0, search.wanted.name.encode()
    if file.path != view.path and name in view.buffer.data:
        yield view.own()
    for path in view.known():
        if path == file.path:
            continue
        if view.stopped() or read > view.bounds.read or parsed >= view.bounds.files:
            search.complete = False
            return
        known = view.names.symbols(path)
        if known is None or known.language != file.symbols.language:
            continue
        data = view.texts(path)
        read += len(data or b"")
        if data and name in data and (other := view.parsed(path, data)) is not None:
            parsed += 1
            yield other


class _Search:
    """The calls of one definition, file by file."""

    def __init__(self, view: View, path: str, wanted: Definition, dotted: str) -> None:
        self.view, self.path, self.wanted, self.dotted = view, path, wanted, dotted
        self.found: list[Use] = []
        self.complete = True

    def look(self, file: File) -> None:
        """Take the calls in a file in."""
        called = {one.called for one in file.symbols.imports if self.wanted.name in (one.name, one.called)}
        called |= {one.alias for one in file.symbols.imports if one.name == "default" and one.alias}
        called.add(self.wanted.name)
        looked = 0
        for use in file.symbols.references:
            if use.name not in called or not is_call(file, use):
                continue
            looked += 1
            if looked > self.view.bounds.lookups or self.view.stopped():
                self.complete = False
                return
            self._take(file, use)

    def _take(self, file: File, use: Reference) -> None:
        for one in candidates(self.view, file, file.symbols, use):
            if self._same(file, one):
                line, column = file.buffer.position(use.start, Encoding.UTF32)
                self.found.append(Use(file.path, line, column, file.symbols.dotted(use.scope), one.evidence))
                return

    def _same(self, file: File, one: Candidate) -> bool:
        """Whether it is the definition, or one of the same name in the same place: they are overloads."""
        if one.path != self.path or one.definition.name != self.wanted.name:
            return False
        symbols = file.symbols if one.path == file.path else self.view.names.symbols(one.path)
        return symbols is not None and symbols.dotted(one.at) == self.dotted
