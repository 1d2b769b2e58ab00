"""A run's corpus and tokenizer in one small file, to train on another machine, one with a GPU and no packages."""

from __future__ import annotations

import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

from hirope_ls.lab.train.corpus import Corpus, SourceFile, counted, load, name_hash, save
from hirope_ls.lab.train.state import Folder

_MOST_CHARS = 320_000_000  # six characters a byte, so that a packed run stays below 60 MB


def pack(folder: Folder, file: Path) -> None:
    """Write corpus and tokenizer of a run into `file`, a tar archive that xz has made small.

    Of a corpus that is too large to travel, the same part each time.
    """
    corpus = load(folder.corpus)
    if corpus is None:
        raise FileNotFoundError(folder.corpus)
    partial = file.with_name(f"{file.name}.partial")
    with tempfile.TemporaryDirectory(dir=folder.path) as name, tarfile.open(partial, "w:xz") as archive:
        save(_part(corpus), Path(name))
        archive.add(name, folder.corpus.name)
        archive.add(folder.tokenizer, folder.tokenizer.name)
    partial.replace(file)


def unpack(file: Path, folder: Folder) -> None:
    """Begin a run with what `pack` wrote. A folder that has a corpus keeps it."""
    if not folder.corpus.exists():
        with tarfile.open(file, "r:xz") as archive:
            archive.extractall(folder.path, filter="data")


def _part(corpus: Corpus) -> Corpus:
    """The training files that fit, drawn by their names, in their order."""
    room, kept = _MOST_CHARS, set[SourceFile]()
    for file in sorted(corpus.train, key=lambda file: name_hash(f"{file.source}/{file.path}")):
        room -= len(file.text)
        if room < 0:
            break
        kept.add(file)
    if len(kept) == len(corpus.train):
        return corpus
    train = tuple(file for file in corpus.train if file in kept)
    return replace(corpus, train=train, sources=counted(corpus.sources, train), part=True)
