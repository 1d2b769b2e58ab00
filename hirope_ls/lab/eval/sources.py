"""The texts that tasks are made of: the files of a workspace, each read, tokenised and parsed when first asked for.

Their order depends on their names alone, so the same tree gives the same items anywhere. Knows no models and no tasks.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.limits import Limits
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.lab.methods import Units
from hirope_ls.model.tokens import TextTokenizer, Tokens
from hirope_ls.problems import InputError
from hirope_ls.syntax import LARGEST_SERVED, Parse, language_for
from hirope_ls.text import Buffer

_TESTS = "tests"  # the folder whose files are read only where there are no others


class Source:
    """One text under a stable name: a file's, with the name of its workspace in front, or a made-up one."""

    def __init__(self, name: str, read: Callable[[], bytes], tokenizer: TextTokenizer, trained_length: int) -> None:
        """`read` is called once, when the text is first needed; bytes that are not UTF-8 become replacement signs."""
        self.name = name
        self.tokenizer = tokenizer
        self.trained_length = trained_length
        self._read = read
        self._positions: dict[Limits, NDArray[np.int32]] = {}

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @property
    def package(self) -> str:
        """The folder that it lies in."""
        return PurePosixPath(self.name).parent.as_posix()

    @cached_property
    def data(self) -> bytes:
        """The text in UTF-8."""
        return self._read().decode("utf-8", "replace").encode()

    @property
    def tokens(self) -> Tokens:
        """Ids int32[n], and where each token's bytes end."""
        return self._snapshot.tokens

    @property
    def parse(self) -> Parse:
        """The syntax with its units."""
        return self._snapshot.parse

    def __len__(self) -> int:
        """Tokens."""
        return len(self.tokens)

    def positions(self, units: Units) -> NDArray[np.int32]:
        """int32[2, n] of the whole text, read-only: the block's index, and the token's own inside the block."""
        limits = units.limits(self.trained_length)
        if limits not in self._positions:
            usual = limits == Limits.of(self.trained_length)
            self._positions[limits] = (self._snapshot if usual else self._open(limits)).positions
        return self._positions[limits]

    def text(self, first: int, last: int) -> bytes:
        """The bytes of the tokens `first` .. `last` - 1."""
        ends = self.tokens.ends
        return self.data[int(ends[first - 1]) if first else 0 : int(ends[last - 1])]

    def token_at(self, offset: int) -> int:
        """The first token that begins at byte `offset` or later; the number of tokens if none does."""
        return int(self.tokens.first_from(np.array([offset]))[0])

    @cached_property
    def _snapshot(self) -> Snapshot:
        return self._open(Limits.of(self.trained_length))

    def _open(self, limits: Limits) -> Snapshot:
        pipeline = Pipeline(self.tokenizer, self.trained_length, limits)
        return pipeline.open(self.name, 0, Buffer.of(self.data), None, self.name)


def sources(workspaces: Sequence[Path], tokenizer: TextTokenizer, trained_length: int) -> list[Source]:
    """The files of a known language, in an order that mixes folders; files over 5 MB and hidden ones are left out.

    Those in folders called `tests` are left out as well, unless there is nothing else. Raises InputError.
    """
    found: dict[Path, str] = {}
    for root, label in zip(workspaces, _labels(workspaces), strict=True):
        if not root.is_dir():
            raise InputError(f"there is no folder {root}: name one that holds source files")
        for path in _files(root):
            found.setdefault(path.resolve(), PurePosixPath(label, path.relative_to(root).as_posix()).as_posix())
    kept = {path: name for path, name in found.items() if _TESTS not in name.split("/")[:-1]} or found
    if not kept:
        raise InputError(f"no file in {', '.join(map(str, workspaces))} is of a known language")
    ordered = sorted(kept, key=lambda path: hashlib.sha256(kept[path].encode()).digest())
    return [Source(kept[path], _reader(path), tokenizer, trained_length) for path in ordered]


def text_source(name: str, text: str, tokenizer: TextTokenizer, trained_length: int) -> Source:
    """A text that no file holds; the suffix of `name` tells its language."""
    return Source(name, text.encode, tokenizer, trained_length)


def _labels(workspaces: Sequence[Path]) -> list[str]:
    """A name for each workspace: its folder's, with as many of those around it as tell the workspaces apart."""
    parts = [root.resolve().parts[1:] for root in workspaces]
    for depth in range(1, max(map(len, parts), default=0)):
        names = ["/".join(one[-depth:]) for one in parts]
        if max(Counter(names).values()) == 1:
            return names
    return ["/".join(one) for one in parts]


def _files(root: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for path in (Path(folder, name) for name in names if not name.startswith(".")):
            if language_for(None, path.name) and path.is_file() and path.stat().st_size <= LARGEST_SERVED:
                yield path


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None

    return read
