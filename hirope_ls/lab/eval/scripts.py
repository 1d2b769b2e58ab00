"""Calls in TypeScript and JavaScript, resolved by the names of a workspace, beside what the compiler says of them.

Knows files and symbols; how the compiler is asked is for compiler.py to know.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from hirope_ls.lab.eval.compiler import Told, definitions
from hirope_ls.lab.eval.truths import Call
from hirope_ls.names import Candidate, Names, resolve
from hirope_ls.syntax import language_for
from hirope_ls.syntax.extracting import symbols_in
from hirope_ls.syntax.symbols import FileSymbols, Reference

_SUFFIXES: Final = frozenset({".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"})
_LOCAL: Final = frozenset({"parameter", "let", "var", "local var", "alias", "local let"})


class Scripts:
    """The scripts below a folder, by absolute path."""

    def __init__(self, folder: Path) -> None:
        self.texts: dict[str, bytes] = {}
        self.names = Names()
        for path in sorted(folder.rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file() and "node_modules" not in path.parts:
                self.texts[path.as_posix()] = path.read_bytes()
                self.names.put(path.as_posix(), self.symbols(path.as_posix()))

    def symbols(self, path: str) -> FileSymbols:
        """All symbols of a file, references included."""
        return symbols_in(language_for(None, path), self.texts[path])

    def calls(self, compiler: Path, source: random.Random, limit: int, number: int) -> Iterator[Call]:
        """Calls of some files, put to both. Raises InputError."""
        asked = list(self._asked(source, limit, number))
        places = [(path, _units(self.texts[path][: one.start])) for path, _, one in asked]
        texts = {path: data.decode(errors="replace") for path, data in self.texts.items()}
        for (path, symbols, one), told in zip(asked, definitions(compiler, texts, places), strict=True):
            found = resolve(self.names, path, symbols, one)
            right = [self._means(candidate, told) for candidate in found]
            yield Call(found[0].evidence if found else "none", any(right[:1]), any(right), self._truth(told))

    def _asked(self, source: random.Random, limit: int, number: int) -> Iterator[tuple[str, FileSymbols, Reference]]:
        for path in source.sample(list(self.texts), min(limit, len(self.texts))):
            symbols = self.symbols(path)
            found = [one for one in symbols.references if one.kind == "call"]
            for one in source.sample(found, min(number, len(found))):
                yield path, symbols, one

    def _truth(self, told: Sequence[Told]) -> str:
        inside = [one for one in told if one.path in self.texts]
        if any(one.kind not in _LOCAL for one in inside):
            return "inside"
        return "variable" if inside else "outside" if told else "unknown"

    def _means(self, one: Candidate, told: Sequence[Told]) -> bool:
        """Whether the compiler names this definition, or the constructor of this class."""
        data, definition = self.texts[one.path], one.definition
        for each in told:
            if each.path != one.path:
                continue
            at = len(data.decode(errors="replace").encode("utf-16-le")[: 2 * each.start].decode("utf-16-le").encode())
            named = data[at : at + len(definition.name.encode())] == definition.name.encode()
            if definition.start <= at < definition.end and (each.kind == "constructor" or named):
                return definition.kind == "class" or each.kind != "constructor"
        return False


def _units(before: bytes) -> int:
    return len(before.decode(errors="replace").encode("utf-16-le")) // 2
