"""What an explanation looks at: the file that is asked about, and the workspace around it, if there is one.

Knows bytes and names; no disks, no documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hirope_ls.names import Names
from hirope_ls.syntax import Language, Parse, language_for, parse
from hirope_ls.syntax.extracting import symbols_of
from hirope_ls.syntax.symbols import FileSymbols
from hirope_ls.text import Buffer


@dataclass(frozen=True)
class Bounds:
    """How far one explanation goes.

    files: parsed in search of callers. read: bytes of files looked through for the name. lookups: names whose meaning
    is looked up in one file. shown: entries of a list that are kept; more are counted.
    """

    files: int = 200
    read: int = 64 << 20
    lookups: int = 2_000
    shown: int = 30


@dataclass(frozen=True)
class File:
    """One file as it is now, parsed."""

    path: str
    buffer: Buffer
    parse: Parse
    symbols: FileSymbols

    @property
    def language(self) -> Language | None:
        """The row of its language."""
        return self.parse.language


def _nothing(path: str) -> bytes | None:
    return None


@dataclass(eq=False)
class View:
    """For one explanation, on one thread. `path`: of the file asked about, as in `names`.

    texts: what other files say, None for one that may not be read. stopped: asked now and then; an explanation that
    nobody waits for any more ends early, and says that it is not complete.
    """

    path: str
    buffer: Buffer
    parse: Parse
    names: Names = field(default_factory=Names)
    texts: Callable[[str], bytes | None] = _nothing
    bounds: Bounds = Bounds()
    stopped: Callable[[], bool] = lambda: False
    _files: dict[str, File | None] = field(default_factory=dict)

    def own(self) -> File:
        """The file that is asked about."""
        found = self._files.get(self.path)
        if found is None:
            found = self._files[self.path] = File(self.path, self.buffer, self.parse, symbols_of(self.parse))
        return found

    def file(self, path: str) -> File | None:
        """A file, parsed once; None if it may not be read, or is nothing that is parsed."""
        if path == self.path:
            return self.own()
        if path not in self._files:
            self._files[path] = self.parsed(path, self.texts(path))
        return self._files[path]

    def parsed(self, path: str, data: bytes | None) -> File | None:
        """A file with this text."""
        language = language_for(None, path, data) if data else None
        if not data or language is None:
            return None
        buffer = Buffer.of(data.decode(errors="replace"))
        found = parse(language, buffer)
        return None if found.flat else File(path, buffer, found, symbols_of(found))

    def known(self) -> Mapping[str, None]:
        """The paths of the workspace, those near the file first, the file itself left out."""
        folders = self.path.split("/")[:-1]

        def far(path: str) -> tuple[int, str]:
            theirs = path.split("/")[:-1]
            same = next((i for i, (a, b) in enumerate(zip(folders, theirs, strict=False)) if a != b), None)
            return -(min(len(folders), len(theirs)) if same is None else same), path

        return dict.fromkeys(path for path in sorted(self.names, key=far) if path != self.path)
