"""Where a name leads: the scopes around it, and the imports of its file, followed from file to file.

Knows definitions and modules; knows no values and no types.
"""

from __future__ import annotations

from typing import NamedTuple

from hirope_ls.names.index import Names
from hirope_ls.syntax.symbols import EVERYTHING, Definition, FileSymbols, Import

DEEPEST = 12  # steps from file to file, or from a class to its bases


class Outside(Exception):
    """What is looked for is not in the workspace: an import leads elsewhere."""


class Thing(NamedTuple):
    """What an expression is: the module at `path` (at -1), a definition there, or an `instance` of a class there."""

    path: str
    at: int = -1
    instance: bool = False


class Lookup:
    """Look-ups from one file, which is seen as `own`, whatever `names` holds of it."""

    def __init__(self, names: Names, path: str, own: FileSymbols) -> None:
        self.names, self.path, self.own = names, path, own

    def symbols(self, path: str) -> FileSymbols | None:
        return self.own if path == self.path else self.names.symbols(path)

    def in_scopes(self, path: str, scope: int, name: str) -> Thing | None:
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
                return None if stands_in else Thing(path, index)
            if at < 0:
                return None
            at = symbols.definitions[at].parent

    def imported(self, path: str, name: str, depth: int) -> Thing | None:
        """What an import of a file brings in under a name; None if none does. Raises Outside."""
        symbols = self.symbols(path)
        if symbols is None or depth > DEEPEST:
            return None
        one = symbols.imported.get(name)
        if one is not None:
            return self._brought(path, one, depth)
        outside = False
        for every in symbols.imports:
            if every.name == EVERYTHING:
                module = self.names.modules.find(path, every)
                outside |= module is None
                if module is not None and (found := self.in_module(module, name, depth + 1)) is not None:
                    return found
        if outside and not self.names.defining(name):
            raise Outside
        return None

    def _brought(self, path: str, one: Import, depth: int) -> Thing:
        if not one.name and not one.alias and "." in one.module:  # known by its first part
            one = one._replace(module=one.called)
        own = not one.module and not one.level  # another name for something of the file itself
        module = path if own else self.names.modules.find(path, one)
        if module is None:
            raise Outside
        if not one.name:
            return Thing(module)
        found = self.in_module(module, one.name, depth + 1)
        if found is None and one.name == "default":  # the module is what it exports
            return Thing(module)
        if found is None:
            raise Outside
        return found

    def in_module(self, module: str, name: str, depth: int) -> Thing | None:
        """What a module has under a name: its own, what it imports, a module inside it. Raises Outside."""
        symbols = self.symbols(module)
        if symbols is not None and depth <= DEEPEST:
            if (index := symbols.members.get(-1, {}).get(name)) is not None:
                return Thing(module, index)
            one = symbols.imported.get(name)
            itself = one is not None and one.name == name and self.names.modules.find(module, one) == module
            if not itself and (found := self.imported(module, name, depth)) is not None:
                return found
        inner = self.names.modules.child(module, name)
        return Thing(inner) if inner is not None else None

    def definition(self, thing: Thing) -> Definition:
        symbols = self.symbols(thing.path)
        assert symbols is not None
        return symbols.definitions[thing.at]

    def is_class(self, thing: Thing) -> bool:
        return thing.at >= 0 and self.definition(thing).kind == "class"
