"""Which files stand near a file: those that it imports, then those of its folder and of the folders around it.

Imports are told by their text and followed by their paths alone, as in RepoBench (arXiv 2306.03091, section 3); those
that lead out of the workspace are passed over. Knows names and bytes; no tokens and no models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import PurePosixPath

from hirope_ls.lab.eval.sources import Source

Path = tuple[str, ...]

_IMPORT = re.compile(
    rb"""
    ^[ \t]* (?:
        from [ \t]+ (?P<dots>\.*) [ \t]* (?P<module>[\w.]*) [ \t]+ import [ \t]* (?P<names> \([^)]*\) | [^\n]*)
      | import [ \t]+ (?P<modules> [^\n]+)
    )""",
    re.MULTILINE | re.VERBOSE,
)
_COMMENT = re.compile(r"#[^\n]*")


def same_workspace(source: Source, sources: Sequence[Source]) -> list[Source]:
    """The sources whose names begin with the same folder; `source` is one of them."""
    top = PurePosixPath(source.name).parts[0]
    return [other for other in sources if PurePosixPath(other.name).parts[0] == top]


def nearest(source: Source, sources: Sequence[Source], end: int | None = None) -> list[Source]:
    """The other files, nearest first; what is imported counts up to the byte `end`, the last import as the nearest."""
    imported = list(dict.fromkeys(other for _, other in _imported(source, sources, end)))[::-1]
    others = [other for other in sources if other is not source and other not in imported]
    return imported + sorted(others, key=lambda other: -_shared(source.name, other.name))


def imported_names(source: Source, sources: Sequence[Source]) -> frozenset[str]:
    """What `source` calls the things that it imports from the others."""
    return frozenset(called for called, _ in _imported(source, sources, None))


def import_spans(source: Source) -> list[tuple[int, int]]:
    """Where its imports stand: bytes from and to."""
    return [match.span() for match in _IMPORT.finditer(source.data)]


def _imported(source: Source, sources: Sequence[Source], end: int | None) -> Iterator[tuple[str, Source]]:
    """What each import is called, and the file that it leads to."""
    named = {other.name: other for other in sources if other is not source}
    for called, dots, path in _imports(source.data[:end]):
        name = next((name for name in _files(source.name, dots, path) if name in named), None)
        if name is not None:
            yield called, named[name]


def _imports(data: bytes) -> Iterator[tuple[str, int, Path]]:
    """Each import: what it is called, the number of leading dots, and the dotted path, the name itself included."""
    for match in _IMPORT.finditer(data):
        if match["modules"] is not None:
            for name, called in _names(match["modules"]):
                yield called.partition(".")[0], 0, tuple(name.split("."))
        else:
            module = tuple(filter(None, match["module"].decode().split(".")))
            for name, called in _names(match["names"]):
                yield called, len(match["dots"]), (*module, name)


def _names(listed: bytes) -> Iterator[tuple[str, str]]:
    """The names of a comma-separated list, each with what it is called from then on."""
    text = _COMMENT.sub("", listed.decode(errors="ignore")).strip("() \t\r\n")
    for item in text.split(","):
        if words := item.split():
            yield words[0], words[-1]


def _files(importer: str, dots: int, path: Path) -> Iterator[str]:
    """The names that the module may have: it is the path's last part, or holds it.

    An absolute path may begin at any folder around the importer, or be the workspace's own, whatever its folder's name.
    """
    folders = PurePosixPath(importer).parts[:-1]
    bases = [folders[: len(folders) - depth] for depth in range(len(folders) + 1)]
    if dots:
        places = [(*bases[dots - 1], *path)] if dots <= len(bases) else []
    else:
        places = [*((*base, *path) for base in bases), (*folders[:1], *path[1:])]
    for cut in (0, 1):
        for place in places:
            module = "/".join(place[: len(place) - cut])
            yield from (f"{module}.py", f"{module}/__init__.py")


def _shared(one: str, other: str) -> int:
    """How many folders, from the outermost on, two names have in common."""
    pairs = zip(PurePosixPath(one).parts[:-1], PurePosixPath(other).parts[:-1], strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
