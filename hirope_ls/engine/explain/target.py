"""What the word at the cursor means: the definitions that it may refer to, best first, and on what evidence.

A use is looked up by names/resolving.py; the name in an import means what that brings in; the name in a definition
means that definition. Words of comments and strings, local variables and keys mean nothing here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hirope_ls.engine.explain.view import File, View
from hirope_ls.names import Candidate, Evidence, resolve
from hirope_ls.syntax.declared import declared, name_start
from hirope_ls.syntax.extracting import symbols_of
from hirope_ls.syntax.languages.meanings import QUERIES
from hirope_ls.syntax.symbols import EVERYTHING, FileSymbols, Import, Reference

_WORD = re.compile(rb"[\w$\x80-\xff]+")
_SURE = frozenset({"scope", "object", "import", "type"})
_MOST = 8
_IMPORT = 4_000  # bytes from the module's name in an import to another name in it


@dataclass(frozen=True)
class Target:
    """A word at the bytes `start..end`, and what it may mean. `outside`: the module that an import takes it from,
    where no file of the workspace has it."""

    word: str
    start: int
    end: int
    candidates: tuple[Candidate, ...] = ()
    outside: str = ""

    @property
    def sure(self) -> bool:
        """Whether it is told by the code what is meant, not by the name alone."""
        return len(self.candidates) == 1 and self.candidates[0].evidence in _SURE


def target(view: View, offset: int) -> Target | None:
    """What the word at byte `offset`, or right before it, means; None where there is no word."""
    span = _word(view.buffer.data, offset)
    if span is None:
        return None
    word = view.buffer.data[slice(*span)].decode(errors="replace")
    own = view.own()
    bare = Target(word, *span)
    defined = _definition(own, span[0], word)
    if defined is not None:
        return Target(word, *span, (Candidate(view.path, defined, own.symbols.definitions[defined], "scope"),))
    brought = _import(own, *span, word)
    symbols = own.symbols
    if brought is not None:
        use: Reference | None = Reference(brought.called, "", brought.start, "name")
    else:
        symbols = symbols_of(own.parse, span[0])
        use = next((one for one in symbols.references if one.start == span[0]), None)
    if use is None:
        return bare
    found = candidates(view, own, symbols, use)
    if found:
        return Target(word, *span, tuple(_foremost(view, one) for one in found))
    first = symbols.imported.get((use.receiver or use.name).partition(".")[0])
    return bare if first is None or use.hint else Target(word, *span, (), _told(first))


def candidates(view: View, file: File, symbols: FileSymbols, use: Reference) -> tuple[Candidate, ...]:
    """The functions and classes that a use in a file means; where the language tells names only, all of that name."""
    if symbols.language in QUERIES:
        found = resolve(view.names, file.path, symbols, use)
        return tuple(one for one in found if one.definition.kind in ("function", "class"))
    named = by_name(view, file, use.name)
    own = [one for one in named if one.path == file.path]
    received = file.buffer.data[max(use.start - 80, 0) : use.start].rstrip()[-1:] in (b".", b">", b":")
    found = tuple(own) if own and not received else named
    evidence: Evidence = "unique" if len(found) == 1 else "ambiguous"
    return tuple(one._replace(evidence=evidence) for one in found[:_MOST])


def _foremost(view: View, found: Candidate) -> Candidate:
    """Of several definitions of that name in the same place the one to be told: no stub, a property's getter."""
    file = view.file(found.path)
    known = file.symbols.definitions if file else ()
    if file is None or found.at >= len(known) or known[found.at] != found.definition:
        return found
    same = [
        at for at, one in enumerate(known) if (one[:2], one.parent) == (found.definition[:2], found.definition.parent)
    ]
    said = {at: declared(file.parse, file.buffer.data, known[at]) for at in same} if len(same) > 1 else {}
    first = next((at for at in same if at in said and said[at].kind), None)
    if first is None and any(one.stub for one in said.values()):
        first = next((at for at in reversed(same) if not said[at].stub), None)
    return found if first is None else found._replace(at=first, definition=known[first])


def by_name(view: View, file: File, name: str) -> tuple[Candidate, ...]:
    """All functions and classes of a name in a language, those of the file itself first."""
    found: list[Candidate] = []
    for path in sorted(view.names.defining(name) | {file.path}, key=lambda path: (path != file.path, path)):
        symbols = file.symbols if path == file.path else view.names.symbols(path)
        if symbols is not None and symbols.language == file.symbols.language:
            each = enumerate(symbols.definitions)
            fits = ((at, one) for at, one in each if one.name == name and one.kind in ("function", "class"))
            found += [Candidate(path, at, one, "ambiguous") for at, one in fits]
    return tuple(found)


def _word(data: bytes, offset: int) -> tuple[int, int] | None:
    line = data.rfind(b"\n", 0, offset) + 1
    end = data.find(b"\n", offset)
    low, high = max(line, offset - 400), min(len(data) if end < 0 else end, offset + 400)
    for found in _WORD.finditer(data, low, high):
        if found.start() <= offset <= found.end() and not found[0][:1].isdigit():
            return found.span()
    return None


def _definition(file: File, start: int, word: str) -> int | None:
    """The function or class whose own name stands at `start`."""
    if not any(at == start and name == word for at, name in file.parse.definitions_in(start, start + 1)):
        return None
    for index, one in enumerate(file.symbols.definitions):
        inside = one.start <= start < max(one.body, one.start + 1)
        if one.name == word and inside and one.kind in ("function", "class") and name_start(file.parse, one) == start:
            return index
    return None


def _import(file: File, start: int, end: int, word: str) -> Import | None:
    """The import whose name or alias the word is: it stands in the statement of that import."""
    near = [one for one in file.symbols.imports if abs(one.start - start) < _IMPORT and one.name != EVERYTHING]
    for one in near:
        names = {one.name, one.alias} if one.name else {one.alias}
        if word in names and file.parse.same_statement(one.start, start):
            return one
    return None


def _told(one: Import) -> str:
    return "." * one.level + one.module
