"""A run's corpus and tokenizer in one small file, to train on another machine, one with a GPU and no packages."""

from __future__ import annotations

import tarfile
from pathlib import Path

from hirope_ls.lab.train.state import Folder


def pack(folder: Folder, file: Path) -> None:
    """Write corpus and tokenizer of a run into `file`, a tar archive that xz has made small."""
    partial = file.with_name(f"{file.name}.partial")
    with tarfile.open(partial, "w:xz") as archive:
        for part in (folder.corpus, folder.tokenizer):
            archive.add(part, part.name)
    partial.replace(file)


def unpack(file: Path, folder: Folder) -> None:
    """Begin a run with what `pack` wrote. A folder that has a corpus keeps it."""
    if not folder.corpus.exists():
        with tarfile.open(file, "r:xz") as archive:
            archive.extractall(folder.path, filter="data")
