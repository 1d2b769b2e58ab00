"""Every name that the files of a workspace define, by file and by name: what `resolving.py` looks things up in.

A file is taken in, replaced and removed in time proportional to its own symbols. References are not kept: a file's own
are known to whoever asks about it. What is kept of a file is packed into bytes, and unpacked when it is asked for, so
that 10,000 files of 31 definitions each take about 60 MB. One owner, one thread. Reads no files.
"""

from __future__ import annotations

import marshal
import sys
from collections import OrderedDict
from collections.abc import Iterator

from hirope_ls.names.modules import Modules
from hirope_ls.syntax.symbols import Definition, FileSymbols, Import

_INDEXED = ("function", "class")
_UNPACKED = 256  # files that are held unpacked, those asked for last


class Names:
    """Symbols by path; paths have "/" between their parts, and are all relative to one place or all absolute."""

    def __init__(self) -> None:
        self.modules = Modules()
        self._files: dict[str, bytes] = {}
        self._named: dict[str, str | set[str]] = {}  # name -> the file that defines it, or several
        self._unpacked: OrderedDict[str, FileSymbols] = OrderedDict()

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def put(self, path: str, symbols: FileSymbols) -> None:
        """Take in what the file at `path` holds now, in place of what it held."""
        self._forget(path)
        self._files[path] = _packed(symbols)
        self.modules.add(path)
        for name in _defined(symbols):
            self._name(sys.intern(name), path)

    def remove(self, path: str) -> None:
        """Forget a file, if it is there."""
        self._forget(path)
        self.modules.remove(path)

    def symbols(self, path: str) -> FileSymbols | None:
        """What a file defines and imports; None for one that is not there."""
        if path not in self._files:
            return None
        found = self._unpacked.get(path)
        if found is None:
            found = self._unpacked[path] = _unpacked(self._files[path])
            if len(self._unpacked) > _UNPACKED:
                self._unpacked.popitem(last=False)
        self._unpacked.move_to_end(path)
        return found

    def defining(self, name: str) -> frozenset[str]:
        """The files with functions and classes of this name."""
        paths = self._named.get(name, ())
        return frozenset((paths,) if isinstance(paths, str) else paths)

    def _name(self, name: str, path: str) -> None:
        paths = self._named.get(name)
        if paths is None:
            self._named[name] = path
        elif isinstance(paths, set):
            paths.add(path)
        elif paths != path:
            self._named[name] = {paths, path}

    def _forget(self, path: str) -> None:
        packed = self._files.pop(path, None)
        self._unpacked.pop(path, None)
        for name in _defined(_unpacked(packed)) if packed else ():
            paths = self._named[name]
            if isinstance(paths, set):
                paths.discard(path)
                if len(paths) == 1:
                    self._named[name] = paths.pop()
            else:
                del self._named[name]


def _defined(symbols: FileSymbols) -> frozenset[str]:
    return frozenset(one.name for one in symbols.definitions if one.kind in _INDEXED)


def _packed(symbols: FileSymbols) -> bytes:
    """`symbols` without its references."""
    definitions = [tuple(one) for one in symbols.definitions]
    return marshal.dumps((symbols.language, definitions, [tuple(one) for one in symbols.imports]))


def _unpacked(packed: bytes) -> FileSymbols:
    language, definitions, imports = marshal.loads(packed)
    return FileSymbols(language, tuple(map(Definition._make, definitions)), tuple(map(Import._make, imports)))
