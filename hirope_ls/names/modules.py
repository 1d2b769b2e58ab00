"""Which file a module's name means, by the paths of the files alone: Python's dotted names, JavaScript's paths.

Python: a dotted name starts in a folder that is no package itself, the nearest one round the importing file first, then
the shortest; so `src/` layouts and folders without `__init__.py` need no settings. JavaScript and TypeScript: relative
paths with the suffix left out, `index` files, and `paths` of a `tsconfig.json`. Paths have "/" between their parts.
A module is where it is: a file, or the folder of a package that has no file of its own. Reads no files.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from hirope_ls.syntax.symbols import Import

_PYTHON = (".py", ".pyi")
_SCRIPTS = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte")
_SOURCES = frozenset({"", "src", "lib", "python"})  # folders that modules start in, wherever the importer is
_COMMENTS = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)


class Modules:
    """Where the modules of a workspace are; each file is added and removed in the time of its path's length."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: dict[str, int] = {}  # how many files are anywhere below
        self._tops: dict[str, dict[str, int]] = {}  # the name of a file or folder -> the folders that hold one
        self._paths: dict[str, dict[str, list[str]]] = {}  # folder of a tsconfig.json -> pattern -> targets

    def add(self, path: str) -> None:
        """Take a file in; one that is there already stays as it is."""
        if path not in self._files:
            self._files.add(path)
            self._count(path, 1)

    def remove(self, path: str) -> None:
        """Forget a file, if it is there."""
        if path in self._files:
            self._files.discard(path)
            self._count(path, -1)

    def configure(self, path: str, text: str) -> None:
        """Take `paths` from the text of a `tsconfig.json` or `jsconfig.json`; "" forgets them."""
        folder = posixpath.dirname(path)
        self._paths.pop(folder, None)
        if targets := _mapped_paths(folder, text):
            self._paths[folder] = targets

    def find(self, importer: str, one: Import) -> str | None:
        """Where the module of an import is; None if it is not in the workspace."""
        if one.module.startswith((".", "/", "@", "~", "#")) or importer.endswith(_SCRIPTS):
            return self._script(importer, one.module)
        parts = [part for part in one.module.split(".") if part]
        if one.level:
            folder = posixpath.dirname(importer)
            for _ in range(one.level - 1):
                folder = posixpath.dirname(folder)
            return self._descend(self._package(folder), parts)
        return self.dotted(importer, parts)

    def dotted(self, importer: str, parts: Sequence[str]) -> str | None:
        """Where the Python module of an absolute dotted name is."""
        if not parts:
            return None
        around = _ancestors(posixpath.dirname(importer))
        for base in sorted(self._tops.get(parts[0], ()), key=lambda base: (-_depth(base, around), len(base), base)):
            found = self._descend(base, parts) if self._starts(base, parts, around) else None
            if found is not None and (found in self._files or base in around):
                return found
        return None

    def child(self, module: str, name: str) -> str | None:
        """The submodule `name` of a package."""
        folder = module
        if module in self._files:
            if not posixpath.basename(module).startswith("__init__."):
                return None
            folder = posixpath.dirname(module)
        inner = posixpath.join(folder, name)
        for suffix in _PYTHON:
            for path in (posixpath.join(inner, f"__init__{suffix}"), inner + suffix):
                if path in self._files:
                    return path
        return inner if inner in self._folders else None

    def _descend(self, module: str | None, parts: Sequence[str]) -> str | None:
        for part in parts:
            if module is None:
                return None
            module = self.child(module, part)
        return module

    def _package(self, folder: str) -> str:
        init = (posixpath.join(folder, f"__init__{suffix}") for suffix in _PYTHON)
        return next((path for path in init if path in self._files), folder)

    def _is_package(self, folder: str) -> bool:
        return self._package(folder) != folder

    def _starts(self, base: str, parts: Sequence[str], around: Sequence[str]) -> bool:
        """Whether absolute names may start in the folder `base`, as seen from within the folders `around`."""
        if self._is_package(base):
            return False
        likely = base in around or posixpath.basename(base) in _SOURCES
        return likely or self._is_package(posixpath.join(base, parts[0]))

    def _script(self, importer: str, module: str) -> str | None:
        if module.startswith("."):
            return self._with_suffix(posixpath.normpath(posixpath.join(posixpath.dirname(importer), module)))
        for folder in _ancestors(posixpath.dirname(importer)):
            for pattern, targets in self._paths.get(folder, {}).items():
                rest = _matched(pattern, module)
                found = (self._with_suffix(target.replace("*", rest or "")) for target in targets if rest is not None)
                if path := next((path for path in found if path), None):
                    return path
        return None

    def _with_suffix(self, path: str) -> str | None:
        stem = re.sub(r"\.[cm]?jsx?$", "", path)  # TypeScript names the file that will be there
        names = [path, *(path + suffix for suffix in _SCRIPTS), *(stem + suffix for suffix in _SCRIPTS)]
        names += [posixpath.join(path, "index" + suffix) for suffix in _SCRIPTS]
        return next((name for name in names if name in self._files), None)

    def _count(self, path: str, by: int) -> None:
        for folder in _ancestors(posixpath.dirname(path)):
            _add(self._folders, folder, by)
            if folder:
                _add_in(self._tops, posixpath.basename(folder), posixpath.dirname(folder), by)
        stem = posixpath.basename(path).partition(".")[0]
        _add_in(self._tops, stem, posixpath.dirname(path), by)


def _add(counts: dict[str, int], key: str, by: int) -> None:
    counts[key] = counts.get(key, 0) + by
    if not counts[key]:
        del counts[key]


def _add_in(tops: dict[str, dict[str, int]], name: str, folder: str, by: int) -> None:
    counts = tops.setdefault(name, {})
    _add(counts, folder, by)
    if not counts:
        del tops[name]


def _ancestors(folder: str) -> list[str]:
    """The folder and those around it, the innermost first; "" is the last of relative ones."""
    found = [folder]
    while folder and (outer := posixpath.dirname(folder)) != folder:
        found.append(outer)
        folder = outer
    return found


def _depth(base: str, around: Sequence[str]) -> int:
    return len(around) - around.index(base) if base in around else 0


def _matched(pattern: str, module: str) -> str | None:
    """What the `*` of a pattern stands for in `module`; "" without one, None where they differ."""
    head, star, tail = pattern.partition("*")
    if not star:
        return "" if module == pattern else None
    fits = module.startswith(head) and module.endswith(tail) and len(module) >= len(head) + len(tail)
    return module[len(head) : len(module) - len(tail)] if fits else None


def _mapped_paths(folder: str, text: str) -> dict[str, list[str]]:
    """Pattern -> targets as paths, and with a `baseUrl` what any other name means."""
    try:
        options = json.loads(_COMMENTS.sub(lambda found: found[1] or "", text))["compilerOptions"]
    except (ValueError, KeyError, TypeError):
        return {}
    if not isinstance(options, Mapping):
        return {}
    base = posixpath.normpath(posixpath.join(folder, str(options.get("baseUrl", "."))))
    found = dict(_targets(base, options.get("paths")))
    if "baseUrl" in options:
        found["*"] = [posixpath.normpath(posixpath.join(base, "*"))]
    return found


def _targets(base: str, paths: object) -> Iterator[tuple[str, list[str]]]:
    for pattern, targets in paths.items() if isinstance(paths, Mapping) else ():
        if isinstance(targets, list):
            yield str(pattern), [posixpath.normpath(posixpath.join(base, str(target))) for target in targets]
