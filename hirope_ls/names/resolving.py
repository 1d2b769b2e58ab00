"""What a reference means: its candidates among the names of a workspace, each with the evidence for it.

A name is looked for as the language does: in the scopes around it, then among the imports, followed from file to file;
behind a receiver, in the class or module that the receiver evidently is. Where nothing is evident it may be the only
one of its name, or one of several, and that is what the answer then says. Types are followed as far as annotations,
constructor calls and `self` go: there is no inference beyond.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from hirope_ls.names.index import Names
from hirope_ls.syntax.languages.meanings import QUERIES
from hirope_ls.syntax.symbols import EVERYTHING, UNKNOWN, Definition, FileSymbols, Import, Reference

Evidence = Literal["scope", "object", "import", "type", "unique", "ambiguous"]
"""From the strongest: a scope of the file itself; the object's own class or its bases; an import; the receiver's
evident class; no other definition in the workspace has the name; one of several that have it."""

MOST = 8  # candidates where several have the name
_TOO_MANY = 64  # files that define a name: whichever is meant, it is not told by the name
_DEEPEST = 12  # steps from file to file, or from a class to its bases
_OWN = frozenset({"self", "cls", "this"})
_SUPER = frozenset({"super()", "super"})
_OPTIONAL = re.compile(
    r"^(?:typing\.|t\.)?(?:Optional|Final|ClassVar|Annotated|Awaitable|Promise|Readonly|Partial)[\[<](.*?)(?:,.*)?[\]>]$"
)
_NOTHING = frozenset({"None", "null", "undefined", "Self", "typing.Self"})
_HEAD = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


class Candidate(NamedTuple):
    """A definition that a reference may mean: number `at` in the symbols of the file at `path`."""

    path: str
    at: int
    definition: Definition
    evidence: Evidence


class _Thing(NamedTuple):
    """What an expression is: the module at `path` (at -1), a definition there, or an `instance` of a class there."""

    path: str
    at: int = -1
    instance: bool = False


class Outside(Exception):
    """What is looked for is not in the workspace: an import leads elsewhere."""


def resolve(names: Names, path: str, symbols: FileSymbols, reference: Reference) -> tuple[Candidate, ...]:
    """The definitions that `reference`, one in `symbols`, the file at `path`, may mean; best first.

    None where it means something that no file of the workspace defines, as far as can be told.
    """
    return _Look(names, path, symbols).candidates(reference)


class _Look:
    """Look-ups from one file, which is seen as `symbols`, whatever `names` holds of it."""

    def __init__(self, names: Names, path: str, symbols: FileSymbols) -> None:
        self.names, self.path, self.own = names, path, symbols
        queries = QUERIES.get(symbols.language)
        self.builtins = queries.builtins if queries else frozenset[str]()

    def candidates(self, one: Reference) -> tuple[Candidate, ...]:
        try:
            found, evidence = self._receiver(one) if one.receiver else self._plain(one)
        except Outside:
            return ()
        if found is not None:
            return (self._candidate(found, evidence),) if found.at >= 0 else ()
        return self._by_name(one)

    def symbols(self, path: str) -> FileSymbols | None:
        return self.own if path == self.path else self.names.symbols(path)

    def _candidate(self, thing: _Thing, evidence: Evidence) -> Candidate:
        symbols = self.symbols(thing.path)
        assert symbols is not None
        return Candidate(thing.path, thing.at, symbols.definitions[thing.at], evidence)

    def _plain(self, one: Reference) -> tuple[_Thing | None, Evidence]:
        if one.hint:
            raise Outside  # a local variable
        found = self._in_scopes(self.path, one.scope, one.name)
        if found is not None:
            return found, "scope"
        return self._imported(self.path, one.name, 0), "import"

    def _receiver(self, one: Reference) -> tuple[_Thing | None, Evidence]:
        first, _, rest = one.receiver.partition(".")
        evidence: Evidence
        owner = self.own.enclosing_class(one.scope)
        if first in _OWN | _SUPER and owner >= 0:
            start = _Thing(self.path, owner, True)
            if first in _SUPER:
                if (found := self._inherited(start, one.name)) is None:
                    raise Outside
                return found, "object"
            thing, evidence = self._steps(start, rest), "type" if rest else "object"
        elif one.hint:
            thing, evidence = self._steps(self._value(self.path, one.scope, one.hint, None), rest), "type"
        else:
            thing = self._expression(self.path, one.scope, one.receiver)
            module = thing is not None and not thing.instance
            evidence = "import" if module else "type"
        if thing is None:
            return None, "unique"
        if thing.at >= 0 and not thing.instance and not self._is_class(thing):
            return None, "unique"
        return self._attribute(thing, one.name, 0), evidence

    def _by_name(self, one: Reference) -> tuple[Candidate, ...]:
        """The definitions with the name: methods behind a receiver, else what stands at the top of a file."""
        if one.name in self.builtins:
            return ()
        if len(self.names.defining(one.name)) > _TOO_MANY:
            return ()
        known = self.own.language in QUERIES  # else a use is a name alone, with or without something before it
        found = list(self._named(one.name, bool(one.receiver) if known else None))
        evidence: Evidence = "unique" if len(found) == 1 else "ambiguous"
        near = sorted(found, key=lambda thing: (-_shared(thing.path, self.path), thing.path, thing.at))
        return tuple(self._candidate(thing, evidence) for thing in near[:MOST])

    def _named(self, name: str, member: bool | None) -> Iterator[_Thing]:
        for path in self.names.defining(name) | {self.path}:
            symbols = self.symbols(path)
            if symbols is None or symbols.language != self.own.language:
                continue
            of_name = {one.parent: at for at, one in enumerate(symbols.definitions) if one.name == name}
            for at in of_name.values():  # a getter and its setter are one
                one = symbols.definitions[at]
                inside = one.parent >= 0 and symbols.definitions[one.parent].kind == "class"
                fits = member is None or (inside if member else one.parent < 0)
                if one.kind in ("function", "class") and fits:
                    yield _Thing(path, at)

    def _in_scopes(self, path: str, scope: int, name: str) -> _Thing | None:
        """A definition in the scopes around; the members of a class are seen by what stands right in it alone."""
        symbols = self.symbols(path)
        assert symbols is not None
        at = scope
        while True:
            visible = at < 0 or at == scope or symbols.definitions[at].kind != "class"
            index = symbols.members.get(at, {}).get(name) if visible else None
            if index is not None:
                # A variable that bears an import's name holds what was imported, or stands in for it.
                stands_in = at < 0 and symbols.definitions[index].kind == "variable" and name in symbols.imported
                return None if stands_in else _Thing(path, index)
            if at < 0:
                return None
            at = symbols.definitions[at].parent

    def _imported(self, path: str, name: str, depth: int) -> _Thing | None:
        """What an import of a file brings in under a name; None if none does. Raises Outside."""
        symbols = self.symbols(path)
        if symbols is None or depth > _DEEPEST:
            return None
        one = symbols.imported.get(name)
        if one is not None:
            return self._brought(path, one, depth)
        outside = False
        for every in symbols.imports:
            if every.name == EVERYTHING:
                module = self.names.modules.find(path, every)
                outside |= module is None
                if module is not None and (found := self._in_module(module, name, depth + 1)) is not None:
                    return found
        if outside and not self.names.defining(name):
            raise Outside
        return None

    def _brought(self, path: str, one: Import, depth: int) -> _Thing:
        if not one.name and not one.alias and "." in one.module:  # known by its first part
            one = one._replace(module=one.called)
        own = not one.module and not one.level  # another name for something of the file itself
        module = path if own else self.names.modules.find(path, one)
        if module is None:
            raise Outside
        if not one.name:
            return _Thing(module)
        found = self._in_module(module, one.name, depth + 1)
        if found is None and one.name == "default":  # the module is what it exports
            return _Thing(module)
        if found is None:
            raise Outside
        return found

    def _in_module(self, module: str, name: str, depth: int) -> _Thing | None:
        """What a module has under a name: its own, what it imports, a module inside it. Raises Outside."""
        symbols = self.symbols(module)
        if symbols is not None and depth <= _DEEPEST:
            if (index := symbols.members.get(-1, {}).get(name)) is not None:
                return _Thing(module, index)
            one = symbols.imported.get(name)
            itself = one is not None and one.name == name and self.names.modules.find(module, one) == module
            if not itself and (found := self._imported(module, name, depth)) is not None:
                return found
        inner = self.names.modules.child(module, name)
        return _Thing(inner) if inner is not None else None

    def _expression(self, path: str, scope: int, dotted: str, depth: int = 0) -> _Thing | None:
        """What a dotted name, or a call of one, is in a scope of a file. Raises Outside."""
        if dotted.endswith("()"):
            return self._called(self._expression(path, scope, dotted[:-2], depth), depth)
        first, _, rest = dotted.partition(".")
        if not first.isidentifier() or depth > _DEEPEST:
            return None
        found = self._in_scopes(path, scope, first) or self._imported(path, first, depth)
        return self._steps(found, rest, depth)

    def _steps(self, thing: _Thing | None, rest: str, depth: int = 0) -> _Thing | None:
        """What one gets by going on from a thing over attributes."""
        if thing is not None and thing.at >= 0 and not thing.instance:
            thing = self._valued(thing, depth)
        for name in filter(None, rest.split(".")):
            if thing is None:
                return None
            thing = self._attribute(thing, name, depth)
            if thing is not None and thing.at >= 0:
                thing = self._valued(thing, depth)
        return thing

    def _valued(self, thing: _Thing, depth: int) -> _Thing | None:
        """A variable or field for what it holds, a method that is not called for a property; others for themselves."""
        definition = self._definition(thing)
        if definition.kind in ("variable", "field") or (definition.kind == "function" and definition.parent >= 0):
            return self._value(thing.path, definition.parent, definition.type, None, depth + 1)
        return thing

    def _called(self, thing: _Thing | None, depth: int, owner: _Thing | None = None) -> _Thing | None:
        """What a call gives: an instance of a class, or what a function says that it returns."""
        if thing is None or thing.at < 0 or thing.instance:
            return None
        definition = self._definition(thing)
        if definition.kind == "class":
            return thing._replace(instance=True)
        return self._value(thing.path, definition.parent, definition.type, owner, depth + 1)

    def _value(self, path: str, scope: int, type: str, owner: _Thing | None, depth: int = 0) -> _Thing | None:
        """An instance of what a type, or a call, as written in a scope of a file, tells."""
        if not type or type == UNKNOWN or depth > _DEEPEST:
            return None
        if type.endswith("()"):
            return self._expression(path, scope, type, depth + 1)
        named = plain_type(type)
        found = self._expression(path, scope, named, depth + 1) if named else owner
        if found is None or found.at < 0 or not self._is_class(found):
            return None
        return found._replace(instance=True)

    def _attribute(self, thing: _Thing, name: str, depth: int) -> _Thing | None:
        """A module's name, or a class's member. Raises Outside where a base or module elsewhere may have it."""
        if thing.at < 0:
            found = self._in_module(thing.path, name, depth + 1)
            if found is None:
                raise Outside
            return found
        if not self._is_class(thing):
            return None
        found = self._member(thing, name, 0, set())
        if found is None:
            raise Outside
        return found

    def _member(self, thing: _Thing, name: str, depth: int, seen: set[_Thing]) -> _Thing | None:
        symbols = self.symbols(thing.path)
        assert symbols is not None
        index = symbols.members.get(thing.at, {}).get(name)
        return self._inherited(thing, name, depth, seen) if index is None else _Thing(thing.path, index)

    def _inherited(self, thing: _Thing, name: str, depth: int = 0, seen: set[_Thing] | None = None) -> _Thing | None:
        seen = set() if seen is None else seen
        for base in self._bases(thing):
            if base not in seen and depth < _DEEPEST:
                seen.add(base)
                if (found := self._member(base, name, depth + 1, seen)) is not None:
                    return found
        return None

    def _bases(self, thing: _Thing) -> Iterator[_Thing]:
        definition = self._definition(thing)
        for base in definition.bases:
            try:
                found = self._expression(thing.path, definition.parent, base)
            except Outside:
                continue
            if found is not None and found.at >= 0 and self._is_class(found) and found != thing:
                yield found._replace(instance=False)

    def _definition(self, thing: _Thing) -> Definition:
        symbols = self.symbols(thing.path)
        assert symbols is not None
        return symbols.definitions[thing.at]

    def _is_class(self, thing: _Thing) -> bool:
        return thing.at >= 0 and self._definition(thing).kind == "class"


def plain_type(text: str) -> str:
    """The dotted name of the class that an annotation names: without None, Optional and type arguments; "" if none."""
    if found := _OPTIONAL.match(text):
        return plain_type(found[1])
    parts = [part for part in re.split(r"\|(?![^\[<]*[\]>])", text) if part not in _NOTHING]
    head = _HEAD.match(parts[0]) if len(parts) == 1 else None
    if head is None:
        return ""
    rest = parts[0][head.end() :]
    return head[0] if not rest or (rest[0] in "[<" and not rest.endswith("[]")) else ""


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
