"""Joins what the pieces of a file tell of its symbols: local names in the functions around, fields, bases, types.

Knows names and offsets; no trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hirope_ls.syntax.languages import Language
from hirope_ls.syntax.symbols import UNKNOWN, Definition, FileSymbols, Import, Reference

THIS = "this"  # the object of a method, for a parameter that is its field


class Bound(NamedTuple):
    """A binding: where, of which name, and what is evident of it; `object` where it is a field of that."""

    at: int
    name: str
    hint: str
    same: str = ""
    object: str = ""


@dataclass
class Raw:
    """One file's findings, before names are looked up in their scopes."""

    definitions: list[Definition] = field(default_factory=list)
    names: list[int] = field(default_factory=list)  # where the name of each is
    imports: list[Import] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    bound: list[tuple[int, Bound]] = field(default_factory=list)  # with the definition around it
    classes: dict[str, int] = field(default_factory=dict)  # dotted name -> index


class Scopes:
    """Looks local names up in the functions around their uses, and makes the file's symbols whole."""

    def __init__(self, language: Language, raw: Raw) -> None:
        self.language, self.raw = language, raw
        self.locals: dict[int, dict[str, list[Bound]]] = {}
        self.fields: list[tuple[int, Bound]] = []
        told = zip(raw.names, raw.definitions, strict=True)
        functions = {at for at, one in told if one.kind == "function"}  # a name bound to one is no variable
        for around, bound in raw.bound:
            if bound.at in functions:
                continue
            if bound.object:
                self.fields.append((around, bound))
            elif around < 0 or raw.definitions[around].kind == "function":
                self.locals.setdefault(around, {}).setdefault(bound.name, []).append(bound)
        self.top = {one.name for one in raw.definitions if one.parent < 0}

    def symbols(self) -> FileSymbols:
        """The findings with hints, bases, fields, and the ends of classes."""
        references = tuple(self._hinted(one) for one in self.raw.references)
        definitions = self._variables_typed(self._with_bases(list(self.raw.definitions)))
        definitions += self._fields(definitions)
        for index in range(len(definitions) - 1, -1, -1):
            end, parent = definitions[index].end, definitions[index].parent
            if parent >= 0 and definitions[parent].end < end:
                definitions[parent] = definitions[parent]._replace(end=end)
        imports = sorted(self.raw.imports, key=lambda one: one.start)
        return FileSymbols(self.language.name, tuple(definitions), tuple(imports), references)

    def _hinted(self, one: Reference) -> Reference:
        first = (one.receiver or one.name).partition(".")[0]
        return one._replace(hint=self._hint(first, one.scope)) if first.isidentifier() else one

    def _hint(self, name: str, scope: int) -> str:
        """What is evident of a local variable; "" where there is none of that name."""
        while True:
            bound = self.locals.get(scope, {}).get(name)
            if bound and not (scope < 0 and name in self.top):
                return _agreed([one.hint for one in bound])
            if scope < 0:
                return ""
            scope = self.raw.definitions[scope].parent

    def _with_bases(self, definitions: list[Definition]) -> list[Definition]:
        heads = {index: one for index, one in enumerate(definitions) if one.kind == "class"}
        for one in self.raw.references:
            held = heads.get(one.scope) if one.kind == "base" else None
            if held and one.start < held.body:
                dotted = f"{one.receiver}.{one.name}" if one.receiver else one.name
                heads[one.scope] = held._replace(bases=(*held.bases, dotted))
        return [heads.get(index, one) for index, one in enumerate(definitions)]

    def _variables_typed(self, definitions: list[Definition]) -> list[Definition]:
        hints: dict[tuple[int, str], list[str]] = {}
        found = zip(self.raw.names, definitions, strict=True)
        starts = {at: index for index, (at, one) in enumerate(found) if one.kind in ("variable", "field")}
        for _, bound in self.raw.bound:
            index = None if bound.object else starts.get(bound.at)
            if index is not None:
                hints.setdefault((definitions[index].parent, definitions[index].name), []).append(bound.hint)
        return [
            one._replace(type=_agreed(hints.get((one.parent, one.name), []), "")) if not one.type else one
            for one in definitions
        ]

    def _fields(self, definitions: Sequence[Definition]) -> list[Definition]:
        """The fields that methods give their object, each once, where it is not defined in the class itself."""
        known = {(one.parent, one.name) for one in definitions}
        found: dict[tuple[int, str], tuple[Bound, list[str]]] = {}
        for around, bound in self.fields:
            owner = around  # the class itself, in a constructor: no name to look up, so no definition
            if around >= 0 and definitions[around].kind != "class":
                owner = definitions[around].parent
            if owner < 0 or definitions[owner].kind != "class" or bound.object not in {THIS, *self.language.receivers}:
                continue
            if (owner, bound.name) not in known:
                hint = self._hint(bound.same, around) if bound.same else bound.hint
                found.setdefault((owner, bound.name), (bound, []))[1].append(hint)
        return [
            Definition(name, "field", first.at, first.at + len(name.encode()), first.at, owner, (), _agreed(hints, ""))
            for (owner, name), (first, hints) in found.items()
        ]


def _agreed(hints: Iterable[str], otherwise: str = UNKNOWN) -> str:
    """The one thing that is evident, where nothing contradicts it."""
    evident = {hint for hint in hints if hint and hint != UNKNOWN}
    evident = {hint for hint in evident if not hint.endswith("()")} or evident  # annotations before calls
    return evident.pop() if len(evident) == 1 else otherwise
