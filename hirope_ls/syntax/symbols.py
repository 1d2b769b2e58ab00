"""What one file defines, imports and refers to, as a frozen value that can be kept on disk.

Offsets are bytes in the file. Made by `extracting.py` from the syntax trees alone: what a name means across files is
for others to say (the package `names`). Knows no trees, no paths and no other files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

VERSION = 2
"""Of the record: another one is not read."""

EVERYTHING = "*"
UNKNOWN = "?"  # a local name of which nothing is evident


class Definition(NamedTuple):
    """A name that the file defines.

    kind: "function", "class", "variable" (of a module) or "field" (of a class). start..end: the bytes of the whole
    definition, decorators and all members included; start..body its signature (the whole where there is no body).
    parent: the index of the definition around it, -1 at the top. bases: of a class, dotted names as written.
    type: what is evident of the value, or of what a function returns: "Foo" by annotation, "foo()" by a call, or "".
    """

    name: str
    kind: str
    start: int
    end: int
    body: int
    parent: int = -1
    bases: tuple[str, ...] = ()
    type: str = ""


class Import(NamedTuple):
    """A name brought in: `name` of `module` ("" the module itself, "*" all its names), known here as `alias`.

    level: dots in front of a relative module (Python's). A module in the way of paths is kept with its dots: "./a".
    alias is "" where the module is known by its own first part.
    """

    module: str
    name: str
    alias: str
    level: int
    start: int

    @property
    def called(self) -> str:
        """What the file calls it."""
        return self.alias or self.name or self.module.partition(".")[0]


class Reference(NamedTuple):
    """A use of `name` at byte `start`: a "call", a "type" or a "base"; or a "name", where it was asked for.

    receiver: the dotted name before it, "foo()" where it is called on a call's result, "?" for any other expression.
    scope: the index of the definition around it, -1 at the top. hint: what is evident of the local variable that the
    receiver (or, without one, the name itself) begins with, "?" if nothing is; "" where that is no local variable.
    """

    name: str
    receiver: str
    start: int
    kind: str
    scope: int = -1
    hint: str = ""


@dataclass(frozen=True, eq=True)
class FileSymbols:
    """All three, each in the order of the text; `language` is the row's name."""

    language: str
    definitions: tuple[Definition, ...] = ()
    imports: tuple[Import, ...] = ()
    references: tuple[Reference, ...] = ()

    @cached_property
    def members(self) -> dict[int, dict[str, int]]:
        """For each definition with such, and -1, what is defined right in it: name -> index.

        Of several the last one counts, unless one before tells its type and it does not, as properties' setters.
        """
        found: dict[int, dict[str, int]] = {}
        for index, one in enumerate(self.definitions):
            inside = found.setdefault(one.parent, {})
            before = inside.get(one.name)
            if before is None or one.type or not self.definitions[before].type:
                inside[one.name] = index
        return found

    @cached_property
    def imported(self) -> dict[str, Import]:
        """Imports by what they are called here; the last one counts."""
        return {one.called: one for one in self.imports if one.name != EVERYTHING}

    def dotted(self, index: int) -> str:
        """The name of a definition with those around it."""
        names: list[str] = []
        while index >= 0:
            names.append(self.definitions[index].name)
            index = self.definitions[index].parent
        return ".".join(reversed(names))

    def enclosing_class(self, index: int) -> int:
        """The index of the innermost class around (or at) a definition; -1 if there is none."""
        while index >= 0 and self.definitions[index].kind != "class":
            index = self.definitions[index].parent
        return index

    def to_json(self) -> dict[str, Any]:
        """Lists and strings only; `from_json` makes it whole again."""
        return {
            "version": VERSION,
            "language": self.language,
            "definitions": [list(one) for one in self.definitions],
            "imports": [list(one) for one in self.imports],
            "references": [list(one) for one in self.references],
        }

    @classmethod
    def from_json(cls, record: object) -> FileSymbols | None:
        """What `to_json` gave; None for a record of another version, or one that is none."""
        if not isinstance(record, dict) or record.get("version") != VERSION:
            return None
        try:
            return cls(
                str(record["language"]),
                tuple(Definition(*one)._replace(bases=tuple(one[6])) for one in record["definitions"]),
                tuple(Import(*one) for one in record["imports"]),
                tuple(Reference(*one) for one in record["references"]),
            )
        except (KeyError, TypeError, IndexError):
            return None
