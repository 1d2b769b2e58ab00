"""The training corpus: Python source that is already on the machine, because hirope-ls depends on it.

Nothing is downloaded. A distribution is read only if its own metadata names a permissive licence, and
the projects that hirope-ls is evaluated on are never read, wherever they are vendored. This module knows
nothing about tokens.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import platform
import re
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOTS = (
    "attrs", "cattrs", "hypothesis", "lsprotocol", "matplotlib", "mypy", "numpy", "pathspec", "pip", "platformdirs",
    "psutil", "pygls", "pytest", "pytest-lsp", "rich", "ruff", "safetensors", "setuptools", "tokenizers", "torch",
    "transformers", "tree-sitter", "tree-sitter-python", "watchdog",
)  # fmt: skip
"""The distributions hirope-ls declares, for running and for development."""

EVALUATION_ONLY = frozenset(
    {"click", "django", "flask", "httpx", "httpx2", "networkx", "requests", "rich", "sqlalchemy", "textual", "tornado"}
)
"""Projects the evaluation uses. Never trained on, nor any path with a component of one of these names."""

STDLIB = "python-stdlib"

NamedPath = tuple[str, Path]
"""A file's name within its distribution, with slashes, and where it is."""

_PERMISSIVE = frozenset(
    {
        "0bsd", "apache-2.0", "apache-2.0 with llvm-exception", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "cc0-1.0",
        "cnri-python", "hpnd", "isc", "mit", "mit-cmu", "psf-2.0", "zlib",
    }
)  # fmt: skip
_PERMISSIVE_NAMES = {  # what older metadata says instead of an SPDX expression
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": "BSD",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "python software foundation license": "PSF-2.0",
}
# Vendored code has its own licence, which the distribution's metadata does not state.
_VENDORED = frozenset({"_vendor", "_vendored", "vendor", "vendored", "third_party", "externals", "extern"})
_COPYLEFT = re.compile(r"GNU (?:Lesser |Library |Affero )?General Public|Mozilla Public License|\bL?GPL", re.IGNORECASE)
_LEGAL = re.compile(r"copyright|licen[sc]e", re.IGNORECASE)
_DATA_LINE = re.compile(r"""\s*(?:[bru]{0,2}["'(\[{]|[-+]?\d|0x)""")

_MAX_BYTES = 500_000
_MAX_LINE = 300
_MAX_MEAN_LINE = 100
_MIN_LETTER_SHARE = 0.45
_MAX_DATA_SHARE = 0.45
_MAX_SEEN_SHARE = 0.5
_TEST_FILES_KEPT = 4  # one in so many: tests would be a third of the corpus
_HELD_OUT = 100  # one file in so many


@dataclass(frozen=True)
class SourceFile:
    """One Python file: the distribution it is from, its path in it, and its text without the licence header."""

    source: str
    path: str
    text: str


@dataclass(frozen=True)
class Source:
    """What a card has to say about one distribution. `num_files` and `num_chars` are of the training part."""

    name: str
    version: str
    licence: str
    used: bool
    note: str = ""
    num_files: int = 0
    num_chars: int = 0


@dataclass(frozen=True)
class Corpus:
    """Training files and held-out files, in a fixed order, and where they come from."""

    train: tuple[SourceFile, ...]
    held_out: tuple[SourceFile, ...]
    sources: tuple[Source, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the training files' names and texts."""
        hasher = hashlib.sha256()
        for file in self.train:
            hasher.update(f"{file.source}/{file.path}\0{file.text}\0".encode())
        return hasher.hexdigest()


def installed_corpus() -> Corpus:
    """The corpus of the distributions installed here: the closure of ROOTS, and the standard library."""
    found = list(installed_sources())
    files = (file for source, paths in found for path in paths if (file := _read_file(source.name, *path)) is not None)
    return build(files, [source for source, _ in found])


def installed_sources() -> Iterator[tuple[Source, list[NamedPath]]]:
    """Every distribution of the closure of ROOTS and the standard library, each with the files that may be read."""
    for dist in closure(ROOTS):
        name, licence = canonicalize_name(dist.metadata["Name"]), licence_of(dist)
        if name in EVALUATION_ONLY:
            yield Source(name, dist.version, licence or stated_licence(dist), False, "kept for evaluation"), []
        elif licence is None:
            yield Source(name, dist.version, stated_licence(dist), False, "not a permissive licence"), []
        else:
            yield Source(name, dist.version, licence, True), list(_readable(_distribution_paths(dist)))
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    paths = _folder_paths(stdlib, skip={"site-packages", "test", "tests", "idle_test", "__pycache__"})
    yield Source(STDLIB, platform.python_version(), "PSF-2.0", True), list(_readable(paths))


def folder_corpus(folder: Path) -> Corpus:
    """The corpus of one folder of Python files, for experiments on other code."""
    paths = _readable(_folder_paths(folder, skip={"__pycache__"}))
    files = (file for path in paths if (file := _read_file(folder.name, *path)) is not None)
    return build(files, [Source(folder.name, "-", "the folder's own", True)])


def evaluation_files(name: str, limit: int = 60) -> tuple[SourceFile, ...]:
    """Up to `limit` files of an installed distribution of EVALUATION_ONLY; empty if it is not installed."""
    try:
        dist = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ()
    paths = sorted(
        ((path, location) for path, location in _distribution_paths(dist) if "tests" not in path.split("/")),
        key=lambda path: _hash(path[0]),
    )
    files = (file for path in paths if (file := _read_file(name, *path)) is not None)
    return tuple(itertools.islice(files, limit))


def build(files: Iterable[SourceFile], sources: Iterable[Source]) -> Corpus:
    """Drop repetition from `files`, split off the held-out part, and count."""
    distinct = list(without_repetition(files))
    train = tuple(file for file in distinct if not is_held_out(file))
    held_out = tuple(file for file in distinct if is_held_out(file))
    num_files = Counter(file.source for file in train)
    num_chars = Counter[str]()
    for file in train:
        num_chars[file.source] += len(file.text)
    counted = (
        Source(s.name, s.version, s.licence, s.used, s.note, num_files[s.name], num_chars[s.name]) for s in sources
    )
    return Corpus(train, held_out, tuple(counted))


def is_held_out(file: SourceFile) -> bool:
    """Whether a file is for the held-out loss. Depends on its name alone, so it stays so when others change."""
    return _hash(f"{file.source}/{file.path}") % _HELD_OUT == 0


def is_allowed(path: str) -> bool:
    """Whether a path may be trained on: no evaluation project and nothing vendored anywhere in it."""
    parts = [part.lower() for part in PurePosixPath(path).with_suffix("").parts]
    return not any(part in EVALUATION_ONLY or part in _VENDORED for part in parts)


def looks_written(text: str) -> bool:
    """Whether a text looks like code that people wrote, and not like a table or a generator's output."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 5:
        return False
    lengths = [len(line) for line in lines]
    visible = [char for char in text if not char.isspace()]
    letters = sum(char.isalpha() for char in visible)
    data = sum(_DATA_LINE.match(line) is not None for line in lines)
    return (
        max(lengths) <= _MAX_LINE
        and sum(lengths) <= _MAX_MEAN_LINE * len(lines)
        and letters >= _MIN_LETTER_SHARE * len(visible)
        and data <= _MAX_DATA_SHARE * len(lines)
    )


def without_licence_header(text: str) -> str:
    """The text without a leading comment block that is about copyright: thousands of files share a few of them."""
    lines = text.splitlines(keepends=True)
    end = 0
    while end < len(lines) and (lines[end].startswith("#") or not lines[end].strip()):
        end += 1
    if not _LEGAL.search("".join(lines[:end])):
        return text
    return "".join(lines[end:])


def without_repetition(files: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """The files, in order, without those that mostly repeat earlier ones.

    A line counts as seen when it and the line before it stood together in a file kept earlier: single
    lines such as `return None` are in every file and say nothing.
    """
    seen: set[int] = set()
    texts: set[bytes] = set()
    for file in files:
        digest = hashlib.sha256(file.text.encode()).digest()
        if digest in texts:
            continue
        texts.add(digest)
        lines = [line.strip() for line in file.text.splitlines() if line.strip()]
        pairs = [_hash(f"{one}\n{two}") for one, two in itertools.pairwise(lines)]
        if sum(pair in seen for pair in pairs) > _MAX_SEEN_SHARE * len(pairs):
            continue
        seen.update(pairs)
        yield file


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


def stated_licence(dist: metadata.Distribution) -> str:
    """What a distribution's metadata says about its licence, in one line; the empty string if nothing."""
    for line in dist.metadata.get_all("License-Expression") or ():
        return str(line)
    classifiers = dist.metadata.get_all("Classifier") or ()
    names = [line.split("::")[-1].strip() for line in classifiers if line.startswith("License ::")]
    if names:
        return " AND ".join(names)
    lines = dist.metadata.get_all("License") or ("",)
    return str(lines[0]).split("\n")[0]


def licence_of(dist: metadata.Distribution) -> str | None:
    """The distribution's licence if each part of it is permissive, None otherwise (also when nothing is stated)."""
    return permissive(stated_licence(dist))


def permissive(expression: str) -> str | None:
    """The licence expression in SPDX words, or None unless every AND part offers a permissive choice."""
    parts = []
    for part in expression.split(" AND "):
        choices = [_permissive_name(choice) for choice in part.strip().removeprefix("(").split(" OR ")]
        named = [choice for choice in choices if choice]
        if not named:
            return None
        parts.append(named[0])
    return " AND ".join(parts)


def save(corpus: Corpus, folder: Path) -> None:
    """Write a corpus into `folder`. The file that `load` looks for first appears last."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, files in (("train", corpus.train), ("held_out", corpus.held_out)):
        with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(asdict(file)) + "\n" for file in files)
    partial = folder / "sources.json.partial"
    partial.write_text(json.dumps([asdict(source) for source in corpus.sources], indent=1), encoding="utf-8")
    partial.replace(folder / "sources.json")


def load(folder: Path) -> Corpus | None:
    """The corpus that `save` wrote into `folder`, or None if there is none."""
    if not (folder / "sources.json").exists():
        return None
    parts: list[tuple[SourceFile, ...]] = []
    for part in ("train", "held_out"):
        with (folder / f"{part}.jsonl").open(encoding="utf-8") as lines:
            parts.append(tuple(SourceFile(**json.loads(line)) for line in lines))
    sources = json.loads((folder / "sources.json").read_text(encoding="utf-8"))
    return Corpus(parts[0], parts[1], tuple(Source(**source) for source in sources))


def _permissive_name(name: str) -> str | None:
    name = name.strip()
    if "(" not in name:
        name = name.removesuffix(")")
    return name if name.lower() in _PERMISSIVE else _PERMISSIVE_NAMES.get(name.lower())


def _distribution_paths(dist: metadata.Distribution) -> Iterator[NamedPath]:
    for file in sorted(dist.files or (), key=str):
        if file.suffix == ".py" and ".." not in file.parts:
            yield file.as_posix(), Path(str(dist.locate_file(file)))


def _folder_paths(folder: Path, skip: set[str]) -> Iterator[NamedPath]:
    for location in sorted(folder.rglob("*.py")):
        path = location.relative_to(folder)
        if not skip.intersection(path.parts[:-1]):
            yield path.as_posix(), location


def _readable(paths: Iterable[NamedPath]) -> Iterator[NamedPath]:
    """The allowed paths, with only a part of the test files."""
    for path, location in paths:
        is_test = "tests" in path.split("/")
        if is_allowed(path) and not (is_test and _hash(path) % _TEST_FILES_KEPT):
            yield path, location


def _read_file(source: str, path: str, location: Path) -> SourceFile | None:
    try:
        raw = location.read_bytes()
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if len(raw) > _MAX_BYTES or _COPYLEFT.search(text[:4000]):
        return None
    text = without_licence_header(text.removeprefix("\ufeff"))
    return SourceFile(source, path, text) if looks_written(text) else None


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
