"""Every name that the files of a workspace define, by file and by name: what `resolving.py` looks things up in.

A file is taken in, replaced and removed in time proportional to its own symbols. References are not kept: a file's own
are known to whoever asks about it. One owner, one thread. Memory: see `tests/names/test_index.py` for what
10,000 files take. Reads no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from hirope_ls.names.modules import Modules
from hirope_ls.syntax.symbols import FileSymbols

_INDEXED = ("function", "class")
_EMPTY: Mapping[str, tuple[int, ...]] = MappingProxyType({})


class Names:
    """Symbols by path; paths have "/" between their parts, and are all relative to one place or all absolute."""

    def __init__(self) -> None:
        self.modules = Modules()
        self._files: dict[str, FileSymbols] = {}
        self._named: dict[str, dict[str, tuple[int, ...]]] = {}  # name -> path -> definitions of that name

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def put(self, path: str, symbols: FileSymbols) -> None:
        """Take in what the file at `path` holds now, in place of what it held."""
        self._forget(path)
        lean = symbols.lean()
        self._files[path] = lean
        self.modules.add(path)
        for name, found in _indices(lean).items():
            self._named.setdefault(name, {})[path] = found

    def remove(self, path: str) -> None:
        """Forget a file, if it is there."""
        self._forget(path)
        self.modules.remove(path)

    def symbols(self, path: str) -> FileSymbols | None:
        """What a file defines and imports; None for one that is not there."""
        return self._files.get(path)

    def defined(self, name: str) -> Mapping[str, tuple[int, ...]]:
        """The files with functions and classes of this name: path -> their indices there."""
        return self._named.get(name, _EMPTY)

    def _forget(self, path: str) -> None:
        before = self._files.pop(path, None)
        for name in _indices(before) if before else ():
            paths = self._named[name]
            del paths[path]
            if not paths:
                del self._named[name]


def _indices(symbols: FileSymbols) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for index, one in enumerate(symbols.definitions):
        if one.kind in _INDEXED:
            found[one.name] = (*found.get(one.name, ()), index)
    return found
