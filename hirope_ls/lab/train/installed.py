"""Code that is installed here, by package: what may be read of it, and what is kept for evaluation.

A package is read only if its own metadata names a permissive licence, and the projects that
hirope-ls is evaluated on are never read, wherever they are vendored. Knows nothing about tokens.
"""

from __future__ import annotations

import itertools
import json
import platform
import sysconfig
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hirope_ls.lab.train.corpus import Corpus, Source, SourceFile, build, name_hash
from hirope_ls.lab.train.licences import licence_of, permissive, stated_licence
from hirope_ls.lab.train.written import (
    EVALUATION_ONLY,
    is_allowed,
    is_copyleft,
    language,
    looks_written,
    without_licence_header,
)

ROOTS = (
    "attrs", "cattrs", "hypothesis", "lsprotocol", "matplotlib", "mypy", "numpy", "pathspec", "pip", "platformdirs",
    "psutil", "pygls", "pytest", "pytest-lsp", "rich", "ruff", "safetensors", "setuptools", "tokenizers", "torch",
    "transformers", "tree-sitter", "tree-sitter-python", "watchdog",
)  # fmt: skip
"""The distributions hirope-ls declares, for running and for development."""

STDLIB = "python-stdlib"

NamedPath = tuple[str, Path]
"""A file's name within its distribution, with slashes, and where it is."""

_MAX_BYTES = 500_000
MOST_CHARS = 3_000_000
"""Of one source: many voices teach more than one that goes on."""
_TEST_FILES_KEPT = 4  # one in so many: tests would be a third of the corpus


def installed_corpus(
    node_modules: Path | None = None, site: Path | None = None, followed: Iterable[SourceFile] = ()
) -> Corpus:
    """The corpus of what is installed here: the closure of ROOTS, the standard library, and folders of more packages.

    `node_modules`: npm's; `site`: pip's, as `pip install --target` leaves it; `followed`: files that are measured on,
    of which no copies are read, as of those of EVALUATION_ONLY that are installed.
    """
    found = {source.name: (source, paths) for source, paths in installed_sources()}
    for source, paths in site_sources(site) if site else ():
        found.setdefault(source.name, (source, paths))
    sources = [*found.values(), *(npm_sources(node_modules) if node_modules else ())]
    files = (file for source, paths in sources for file in _most(_read_file(source.name, *path) for path in paths))
    kept_back = (file for name in sorted(EVALUATION_ONLY) for file in evaluation_files(name, None))
    return build(files, [source for source, _ in sources], (*kept_back, *followed))


def installed_sources() -> Iterator[tuple[Source, list[NamedPath]]]:
    """Every distribution of the closure of ROOTS and the standard library, each with the files that may be read."""
    for dist in closure(ROOTS):
        yield _source(dist)
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    paths = _folder_paths(stdlib, skip={"site-packages", "test", "tests", "idle_test", "__pycache__"})
    yield Source(STDLIB, platform.python_version(), "PSF-2.0", True), list(_readable(paths))


def site_sources(site: Path) -> Iterator[tuple[Source, list[NamedPath]]]:
    """Every distribution of a folder that pip has installed into, sorted by name."""
    found = {canonicalize_name(dist.metadata["Name"]): dist for dist in metadata.distributions(path=[str(site)])}
    for name in sorted(found):
        yield _source(found[name])


def _source(dist: metadata.Distribution) -> tuple[Source, list[NamedPath]]:
    """A distribution, with the files that may be read."""
    name, licence = canonicalize_name(dist.metadata["Name"]), licence_of(dist)
    if name in EVALUATION_ONLY:
        return Source(name, dist.version, licence or stated_licence(dist), False, "kept for evaluation"), []
    if licence is None:
        return Source(name, dist.version, stated_licence(dist), False, "not a permissive licence"), []
    return Source(name, dist.version, licence, True), list(_readable(_distribution_paths(dist)))


def npm_sources(node_modules: Path) -> Iterator[tuple[Source, list[NamedPath]]]:
    """The packages of a folder `node_modules`, those within scopes as well; none within another package."""
    for manifest in sorted([*node_modules.glob("*/package.json"), *node_modules.glob("@*/*/package.json")]):
        about: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        name, stated = f"npm:{about.get('name', manifest.parent.name)}", str(about.get("license", ""))
        licence = permissive(stated)
        paths = _folder_paths(manifest.parent, skip={"node_modules", "test", "tests"}) if licence else ()
        note = "" if licence else "not a permissive licence"
        yield (
            Source(name, str(about.get("version", "")), licence or stated, bool(licence), note),
            list(_readable(paths)),
        )


def folder_corpus(folder: Path, followed: Iterable[SourceFile] = ()) -> Corpus:
    """The corpus of one folder of code, for experiments on other code. `followed`: as `installed_corpus` has it."""
    name, paths = folder.resolve().name, _readable(_folder_paths(folder, skip={"__pycache__"}))
    files = (file for path in paths if (file := _read_file(name, *path)) is not None)
    return build(files, [Source(name, "-", "the folder's own", True)], followed)


def folder_files(folder: Path, limit: int | None = 60) -> tuple[SourceFile, ...]:
    """Up to `limit` files (None: all) of a folder of code, drawn by their names, to measure on."""
    paths = sorted(_folder_paths(folder, skip={"__pycache__", "tests", "test"}), key=lambda path: name_hash(path[0]))
    name = folder.resolve().name
    files = (file for path in paths if (file := _read_file(name, *path)) is not None)
    return tuple(itertools.islice(files, limit))


def evaluation_files(name: str, limit: int | None = 60) -> tuple[SourceFile, ...]:
    """Up to `limit` files (None: all) of an installed distribution of EVALUATION_ONLY; empty if it is not installed."""
    try:
        dist = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ()
    paths = sorted(
        ((path, location) for path, location in _distribution_paths(dist) if "tests" not in path.split("/")),
        key=lambda path: name_hash(path[0]),
    )
    files = (file for path in paths if (file := _read_file(name, *path)) is not None)
    return tuple(itertools.islice(files, limit))


def closure(roots: Iterable[str]) -> list[metadata.Distribution]:
    """The installed distributions among `roots` and everything they require, sorted by name; extras left out."""
    found: dict[str, metadata.Distribution] = {}
    todo = [canonicalize_name(name) for name in roots]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(canonicalize_name(requirement.name))
    return [found[name] for name in sorted(found)]


def _distribution_paths(dist: metadata.Distribution) -> Iterator[NamedPath]:
    for file in sorted(dist.files or (), key=str):
        if language(str(file)) and ".." not in file.parts:
            yield file.as_posix(), Path(str(dist.locate_file(file)))


def _folder_paths(folder: Path, skip: set[str]) -> Iterator[NamedPath]:
    for location in sorted(folder.rglob("*")):
        path = location.relative_to(folder)
        if language(path.name) and location.is_file() and not skip.intersection(path.parts[:-1]):
            yield path.as_posix(), location


def _readable(paths: Iterable[NamedPath]) -> Iterator[NamedPath]:
    """The allowed paths, with only a part of the test files."""
    for path, location in paths:
        is_test = "tests" in path.split("/")
        if is_allowed(path) and not (is_test and name_hash(path) % _TEST_FILES_KEPT):
            yield path, location


def _most(files: Iterable[SourceFile | None]) -> list[SourceFile]:
    """What can be read, up to MOST_CHARS: of a larger source some files, always the same ones, in their order."""
    read = [file for file in files if file is not None]
    room, kept = MOST_CHARS, set[str]()
    for file in sorted(read, key=lambda file: name_hash(file.path)):
        room -= len(file.text)
        if room < 0:
            break
        kept.add(file.path)
    return [file for file in read if file.path in kept]


def _read_file(source: str, path: str, location: Path) -> SourceFile | None:
    try:
        raw = location.read_bytes()
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if len(raw) > _MAX_BYTES or is_copyleft(text):
        return None
    text = without_licence_header(text.removeprefix("\ufeff"))
    return SourceFile(source, path, text) if looks_written(text) else None
