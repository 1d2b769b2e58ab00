"""The training corpus: files, where they come from, which are held out, and how it is kept in a folder.

Knows nothing about where code is found, nor about tokens.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hirope_ls.lab.train.written import language

_MAX_SEEN_SHARE = 0.5
_MAX_KEPT_BACK_SHARE = 0.2
"""Of a file's pairs of lines that the evaluation's code has, too: in the registry's packages 2 % in half of the files,
9 % in one of twenty; what had more than 20 % was copied, or a few lines that every project has."""
_HELD_OUT = 100  # one file in so many
_ABOUT = ("listed", "part", "folder", "npm")


@dataclass(frozen=True)
class SourceFile:
    """One file of code: the package it is from, its path in it, and its text without the licence header."""

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
    """Training files and held-out files, in a fixed order, and where they come from.

    `listed`: the requirements file that names what was fetched for it. `part`: whether files were left out for it to
    travel. `folder`: the one it is all from, where it is not of distributions. `npm`: the folder of npm's packages.
    """

    train: tuple[SourceFile, ...]
    held_out: tuple[SourceFile, ...]
    sources: tuple[Source, ...]
    listed: str = ""
    part: bool = False
    folder: str = ""
    npm: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over the training files' names and texts."""
        hasher = hashlib.sha256()
        for file in self.train:
            hasher.update(f"{file.source}/{file.path}\0{file.text}\0".encode())
        return hasher.hexdigest()


def build(files: Iterable[SourceFile], sources: Iterable[Source], kept_back: Iterable[SourceFile] = ()) -> Corpus:
    """Drop repetition from `files`, and what repeats code that is kept back; split off the held-out part; count."""
    distinct = list(without_repetition(unlike(files, kept_back)))
    train = tuple(file for file in distinct if not is_held_out(file))
    held_out = tuple(file for file in distinct if is_held_out(file))
    return Corpus(train, held_out, counted(sources, train))


def counted(sources: Iterable[Source], train: Iterable[SourceFile]) -> tuple[Source, ...]:
    """The sources with the numbers of these files."""
    num_files, num_chars = Counter[str](), Counter[str]()
    for file in train:
        num_files[file.source] += 1
        num_chars[file.source] += len(file.text)
    return tuple(replace(each, num_files=num_files[each.name], num_chars=num_chars[each.name]) for each in sources)


def is_held_out(file: SourceFile) -> bool:
    """Whether a file is for the held-out loss. Depends on its name alone, so it stays so when others change."""
    return name_hash(f"{file.source}/{file.path}") % _HELD_OUT == 0


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
        pairs = _pairs(file)
        if sum(pair in seen for pair in pairs) > _MAX_SEEN_SHARE * len(pairs):
            continue
        seen.update(pairs)
        yield file


def unlike(files: Iterable[SourceFile], kept_back: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """The files, in order, without copies of code that is kept back, under whatever name they go."""
    known = {pair for file in kept_back for pair in _pairs(file)}
    for file in files:
        pairs = _pairs(file) if known else []
        if not _repeats(pairs, known):
            yield file


def repeated(files: Iterable[SourceFile], others: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """Those of the files, in order, of which as much stands in the others as in copies that `unlike` leaves out."""
    pairs = {file: _pairs(file) for file in files}
    asked = set().union(*pairs.values())
    there = {pair for file in others for pair in _pairs(file) if pair in asked} if asked else set()
    for file, own in pairs.items():
        if _repeats(own, there):
            yield file


def _repeats(pairs: list[int], known: set[int]) -> bool:
    return sum(pair in known for pair in pairs) > _MAX_KEPT_BACK_SHARE * len(pairs)


def _pairs(file: SourceFile) -> list[int]:
    """A number for each line that is not blank and the one before it."""
    lines = [line.strip() for line in file.text.splitlines() if line.strip()]
    return [name_hash(f"{one}\n{two}") for one, two in itertools.pairwise(lines)]


def by_language(files: Iterable[SourceFile]) -> dict[str, tuple[SourceFile, ...]]:
    """The files of each language, in their order."""
    found: dict[str, list[SourceFile]] = {}
    for file in files:
        found.setdefault(language(file.path) or "other", []).append(file)
    return {name: tuple(files) for name, files in found.items()}


def save(corpus: Corpus, folder: Path) -> None:
    """Write a corpus into `folder`. The file that `load` looks for first appears last."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, files in (("train", corpus.train), ("held_out", corpus.held_out)):
        with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(asdict(file)) + "\n" for file in files)
    partial = folder / "sources.json.partial"
    about = {name: getattr(corpus, name) for name in _ABOUT} | {"sources": [asdict(each) for each in corpus.sources]}
    partial.write_text(json.dumps(about, indent=1), encoding="utf-8")
    partial.replace(folder / "sources.json")


def load(folder: Path) -> Corpus | None:
    """The corpus that `save` wrote into `folder`, or None if there is none."""
    if not (folder / "sources.json").exists():
        return None
    parts: list[tuple[SourceFile, ...]] = []
    for part in ("train", "held_out"):
        with (folder / f"{part}.jsonl").open(encoding="utf-8") as lines:
            parts.append(tuple(SourceFile(**json.loads(line)) for line in lines))
    about = json.loads((folder / "sources.json").read_text(encoding="utf-8"))
    sources = tuple(Source(**source) for source in about["sources"])
    return Corpus(parts[0], parts[1], sources, **{name: about[name] for name in _ABOUT if name in about})


def name_hash(text: str) -> int:
    """A number that depends on the text alone, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
