"""What a measurement depends on, as a digest, so that an evaluation goes on only from what still holds.

Model, number type, task and its options, method, seed, length, and the very text that is asked about: a change of any
of them is another key. A change of this package's own code is not: after one, start with a fresh folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hirope_ls.lab.eval.sources import Source
from hirope_ls.lab.eval.task import Item, Task
from hirope_ls.lab.methods import Method

_FILES = ("*.safetensors", "*.json", "*.jinja")
_SLICE, _NUM_SLICES = 1 << 18, 256


class Keys:
    """The keys of one evaluation's measurements."""

    def __init__(self, model: str, dtype: str, task: Task, seed: int) -> None:
        """`model`: what `model_digest` says of its folder."""
        options = {name: value for name, value in vars(task).items() if not name.startswith("_")}
        self._common = (model, dtype, task.name, options, seed)

    def of(self, item: Item, methods: Sequence[Method]) -> list[str]:
        """A key (hex) for the item under each method."""
        asked = digest((self._common, item.id, item.length, item.payload))
        return [digest((asked, repr(method)))[:32] for method in methods]


def model_digest(folder: Path) -> str:
    """SHA-256 (hex) over a model's configuration, its tokenizer and its weights.

    Of large weight files slices spread over the whole are read, 64 MiB of each: training changes all of a file.
    """
    whole = hashlib.sha256()
    for path in sorted(path for pattern in _FILES for path in folder.glob(pattern)):
        size = path.stat().st_size
        whole.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for piece in _pieces(file, size):
                whole.update(piece)
    return whole.hexdigest()


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    for nth in range(_NUM_SLICES):
        file.seek(max(nth * _SLICE, nth * (size - _SLICE) // (_NUM_SLICES - 1)))
        yield file.read(_SLICE)


def digest(value: Any) -> str:
    """SHA-256 (hex) of a value made of frozen dataclasses, tuples, dicts, arrays, texts and numbers.

    A source counts by its name and its text. Raises TypeError for what has no text that stays the same.
    """
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Source):
        return ["source", value.name, hashlib.sha256(value.data).hexdigest()]
    if isinstance(value, Path):
        return ["path"]  # wherever it is, what is in it is the model's or a source's
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, np.ndarray):
        return ["array", value.dtype.str, value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if is_dataclass(value):
        return [type(value).__name__, {field.name: _plain(getattr(value, field.name)) for field in fields(value)}]
    raise TypeError(f"a {type(value).__name__} has no digest")
