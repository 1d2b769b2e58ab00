"""What an expression evidently is: a module, a definition, or an instance of a class.

Types are followed as far as annotations and constructor calls go: there is no inference beyond.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hirope_ls.names.lookup import DEEPEST, Lookup, Outside, Thing
from hirope_ls.syntax.symbols import UNKNOWN

_OPTIONAL = re.compile(
    r"^(?:typing\.|t\.)?(?:Optional|Final|ClassVar|Annotated|Awaitable|Promise|Readonly|Partial)[\[<](.*?)(?:,.*)?[\]>]$"
)
_NOTHING = frozenset({"None", "null", "undefined", "Self", "typing.Self"})
_HEAD = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


class Values:
    """What expressions are, as written in the files that a `Lookup` reaches."""

    def __init__(self, look: Lookup) -> None:
        self._look = look

    def expression(self, path: str, scope: int, dotted: str, depth: int = 0) -> Thing | None:
        """What a dotted name, or a call of one, is in a scope of a file. Raises Outside."""
        if dotted.endswith("()"):
            return self._called(self.expression(path, scope, dotted[:-2], depth), depth)
        first, _, rest = dotted.partition(".")
        if not first.isidentifier() or depth > DEEPEST:
            return None
        found = self._look.in_scopes(path, scope, first) or self._look.imported(path, first, depth)
        return self.steps(found, rest, depth)

    def steps(self, thing: Thing | None, rest: str, depth: int = 0) -> Thing | None:
        """What one gets by going on from a thing over attributes."""
        if thing is not None and thing.at >= 0 and not thing.instance:
            thing = self._valued(thing, depth)
        for name in filter(None, rest.split(".")):
            if thing is None:
                return None
            thing = self.attribute(thing, name, depth)
            if thing is not None and thing.at >= 0:
                thing = self._valued(thing, depth)
        return thing

    def _valued(self, thing: Thing, depth: int) -> Thing | None:
        """A variable or field for what it holds, a method that is not called for a property; others for themselves."""
        definition = self._look.definition(thing)
        if definition.kind in ("variable", "field") or (definition.kind == "function" and definition.parent >= 0):
            return self.value(thing.path, definition.parent, definition.type, None, depth + 1)
        return thing

    def _called(self, thing: Thing | None, depth: int, owner: Thing | None = None) -> Thing | None:
        """What a call gives: an instance of a class, or what a function says that it returns."""
        if thing is None or thing.at < 0 or thing.instance:
            return None
        definition = self._look.definition(thing)
        if definition.kind == "class":
            return thing._replace(instance=True)
        return self.value(thing.path, definition.parent, definition.type, owner, depth + 1)

    def value(self, path: str, scope: int, type: str, owner: Thing | None, depth: int = 0) -> Thing | None:
        """An instance of what a type, or a call, as written in a scope of a file, tells."""
        if not type or type == UNKNOWN or depth > DEEPEST:
            return None
        if type.endswith("()"):
            return self.expression(path, scope, type, depth + 1)
        named = plain_type(type)
        found = self.expression(path, scope, named, depth + 1) if named else owner
        if found is None or found.at < 0 or not self._look.is_class(found):
            return None
        return found._replace(instance=True)

    def attribute(self, thing: Thing, name: str, depth: int) -> Thing | None:
        """A module's name, or a class's member. Raises Outside where a base or module elsewhere may have it."""
        if thing.at < 0:
            found = self._look.in_module(thing.path, name, depth + 1)
            if found is None:
                raise Outside
            return found
        if not self._look.is_class(thing):
            return None
        found = self._member(thing, name, 0, set())
        if found is None:
            raise Outside
        return found

    def _member(self, thing: Thing, name: str, depth: int, seen: set[Thing]) -> Thing | None:
        symbols = self._look.symbols(thing.path)
        assert symbols is not None
        index = symbols.members.get(thing.at, {}).get(name)
        return self.inherited(thing, name, depth, seen) if index is None else Thing(thing.path, index)

    def inherited(self, thing: Thing, name: str, depth: int = 0, seen: set[Thing] | None = None) -> Thing | None:
        seen = set() if seen is None else seen
        for base in self._bases(thing):
            if base not in seen and depth < DEEPEST:
                seen.add(base)
                if (found := self._member(base, name, depth + 1, seen)) is not None:
                    return found
        return None

    def _bases(self, thing: Thing) -> Iterator[Thing]:
        definition = self._look.definition(thing)
        for base in definition.bases:
            try:
                found = self.expression(thing.path, definition.parent, base)
            except Outside:
                continue
            if found is not None and found.at >= 0 and self._look.is_class(found) and found != thing:
                yield found._replace(instance=False)


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
