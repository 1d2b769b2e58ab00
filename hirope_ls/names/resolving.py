"""What a reference means: its candidates among the names of a workspace, each with the evidence for it.

A name is looked for as the language does: in the scopes around it, then among the imports, followed from file to file;
behind a receiver, in the class or module that the receiver evidently is. Where nothing is evident it may be the only
one of its name, or one of several, and that is what the answer then says. Types are followed as far as annotations,
constructor calls and `self` go: there is no inference beyond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from hirope_ls.names.index import Names
from hirope_ls.names.lookup import Lookup, Outside, Thing
from hirope_ls.names.values import Values
from hirope_ls.syntax.languages.meanings import QUERIES
from hirope_ls.syntax.symbols import Definition, FileSymbols, Reference

Evidence = Literal["scope", "object", "import", "type", "unique", "ambiguous"]
"""From the strongest: a scope of the file itself; the object's own class or its bases; an import; the receiver's
evident class; no other definition in the workspace has the name; one of several that have it."""

MOST = 8  # candidates where several have the name
_TOO_MANY = 64  # files that define a name: whichever is meant, it is not told by the name
_OWN = frozenset({"self", "cls", "this"})
_SUPER = frozenset({"super()", "super"})


class Candidate(NamedTuple):
    """A definition that a reference may mean: number `at` in the symbols of the file at `path`."""

    path: str
    at: int
    definition: Definition
    evidence: Evidence


def resolve(names: Names, path: str, symbols: FileSymbols, reference: Reference) -> tuple[Candidate, ...]:
    """The definitions that `reference`, one in `symbols`, the file at `path`, may mean; best first.

    None where it means something that no file of the workspace defines, as far as can be told.
    """
    return _References(names, path, symbols).candidates(reference)


class _References:
    """What the references of one file mean."""

    def __init__(self, names: Names, path: str, symbols: FileSymbols) -> None:
        self._names, self._path, self._own = names, path, symbols
        self._look = Lookup(names, path, symbols)
        self._values = Values(self._look)
        queries = QUERIES.get(symbols.language)
        self._builtins = queries.builtins if queries else frozenset[str]()

    def candidates(self, one: Reference) -> tuple[Candidate, ...]:
        try:
            found, evidence = self._receiver(one) if one.receiver else self._plain(one)
        except Outside:
            return ()
        if found is not None:
            return (self._candidate(found, evidence),) if found.at >= 0 else ()
        return self._by_name(one)

    def _candidate(self, thing: Thing, evidence: Evidence) -> Candidate:
        symbols = self._look.symbols(thing.path)
        assert symbols is not None
        return Candidate(thing.path, thing.at, symbols.definitions[thing.at], evidence)

    def _plain(self, one: Reference) -> tuple[Thing | None, Evidence]:
        if one.hint:
            raise Outside  # a local variable
        found = self._look.in_scopes(self._path, one.scope, one.name)
        if found is not None:
            return found, "scope"
        return self._look.imported(self._path, one.name, 0), "import"

    def _receiver(self, one: Reference) -> tuple[Thing | None, Evidence]:
        first, _, rest = one.receiver.partition(".")
        evidence: Evidence
        owner = self._own.enclosing_class(one.scope)
        if first in _OWN | _SUPER and owner >= 0:
            start = Thing(self._path, owner, True)
            if first in _SUPER:
                if (found := self._values.inherited(start, one.name)) is None:
                    raise Outside
                return found, "object"
            thing, evidence = self._values.steps(start, rest), "type" if rest else "object"
        elif one.hint:
            held = self._values.value(self._path, one.scope, one.hint, None)
            thing, evidence = self._values.steps(held, rest), "type"
        else:
            thing = self._values.expression(self._path, one.scope, one.receiver)
            module = thing is not None and not thing.instance
            evidence = "import" if module else "type"
        if thing is None:
            return None, "unique"
        if thing.at >= 0 and not thing.instance and not self._look.is_class(thing):
            return None, "unique"
        return self._values.attribute(thing, one.name, 0), evidence

    def _by_name(self, one: Reference) -> tuple[Candidate, ...]:
        """The definitions with the name: methods behind a receiver, else what stands at the top of a file."""
        if one.name in self._builtins:
            return ()
        if len(self._names.defining(one.name)) > _TOO_MANY:
            return ()
        known = self._own.language in QUERIES  # else a use is a name alone, with or without something before it
        found = list(self._named(one.name, bool(one.receiver) if known else None))
        evidence: Evidence = "unique" if len(found) == 1 else "ambiguous"
        near = sorted(found, key=lambda thing: (-_shared(thing.path, self._path), thing.path, thing.at))
        return tuple(self._candidate(thing, evidence) for thing in near[:MOST])

    def _named(self, name: str, member: bool | None) -> Iterator[Thing]:
        for path in self._names.defining(name) | {self._path}:
            symbols = self._look.symbols(path)
            if symbols is None or symbols.language != self._own.language:
                continue
            of_name = {one.parent: at for at, one in enumerate(symbols.definitions) if one.name == name}
            for at in of_name.values():  # a getter and its setter are one
                one = symbols.definitions[at]
                inside = one.parent >= 0 and symbols.definitions[one.parent].kind == "class"
                fits = member is None or (inside if member else one.parent < 0)
                if one.kind in ("function", "class") and fits:
                    yield Thing(path, at)


def _shared(a: str, b: str) -> int:
    """How many of the folders of two paths are the same, counted from the root; more for the same file."""
    if a == b:
        return 1 << 20
    ours: Sequence[str] = a.split("/")[:-1]
    count = 0
    for mine, theirs in zip(ours, b.split("/")[:-1], strict=False):
        if mine != theirs:
            break
        count += 1
    return count
