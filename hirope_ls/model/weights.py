"""What weight files a model folder holds, told from their headers alone.

Knows the safetensors layout (8 bytes of header length, a JSON header, then the data) and nothing else: it loads no
tensor and imports neither torch nor `safetensors`, so that a poisoned file is refused before a line of foreign
code looks at it. https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hirope_ls.problems import ModelRefused

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
_POINTER = b"version https://git-lfs.github.com/spec/"  # how the file begins that stands for one not fetched
_HEADER_LIMIT = 100_000_000  # bytes; the format's own limit
_INDEX_LIMIT = 64_000_000
_MOST_AXES = 8
_ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class Weights:
    """The checked weight files of one folder: their names, the tensors' shapes, and the sum of their sizes."""

    files: tuple[str, ...]
    shapes: dict[str, tuple[int, ...]]
    disk_bytes: int

    @property
    def parameters(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())


def read_weights(folder: Path) -> Weights:
    """Check every weight file that will be loaded from `folder`; raises ModelRefused, one line, for the first fault."""
    named = _shards(folder)
    shapes: dict[str, tuple[int, ...]] = {}
    for file in sorted(set(named.values())) if named else [SINGLE]:
        shapes |= _read_header(folder / file)
    for tensor, file in named.items():
        if tensor not in shapes:
            raise ModelRefused(f"{folder / INDEX} promises the tensor {tensor!r} in {file}, which does not hold it")
    files = tuple(sorted(set(named.values()))) or (SINGLE,)
    return Weights(files, shapes, sum((folder / file).stat().st_size for file in files))


def _shards(folder: Path) -> dict[str, str]:
    """tensor -> file of a sharded model; empty for a model in one file. A single file wins, as in transformers."""
    if (folder / SINGLE).is_file():
        return {}
    if (folder / INDEX).is_file():
        named = read_index(folder / INDEX)
        for file in sorted(set(named.values())):
            if not (folder / file).is_file():
                raise ModelRefused(f"{folder / INDEX} names {file}, which is not in the folder")
        return named
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickles:
        raise ModelRefused(
            f"{folder} has its weights only as pickle ({pickles[0]}), which can run code: convert them to {SINGLE}"
        )
    raise ModelRefused(f"{folder} holds no weights: {SINGLE} or {INDEX} is expected")


def read_json(path: Path, limit: int, what: str) -> Any:
    """The JSON value in a file of at most `limit` bytes, which should be `what`. Raises ModelRefused."""
    try:
        if path.stat().st_size > limit:
            raise ModelRefused(f"{path} is larger than {limit // 1_000_000} MB: not {what}")
        _check_no_pointer(path)
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelRefused(f"{path} cannot be read as JSON: {_one_line(error)}") from None


def _check_no_pointer(path: Path) -> None:
    """A clone made without git-lfs has a few lines of text in place of each large file."""
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise ModelRefused(f"{path} is a git-lfs pointer, not the file: run `git lfs pull` in that folder")


def read_index(path: Path) -> dict[str, str]:
    """tensor -> file, as an index of shards says it. Raises ModelRefused for names that are no files beside it."""
    index = read_json(path, _INDEX_LIMIT, "an index of weights")
    named = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(named, dict) or not named or not all(isinstance(file, str) for file in named.values()):
        raise ModelRefused(f"{path} has no weight_map of tensor names to files")
    for file in sorted(set(named.values())):
        if Path(file).name != file or Path(file).suffix != ".safetensors":
            raise ModelRefused(f"{path} names {file!r}: only .safetensors files in the same folder are loaded")
    return named


def _read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by tensor name of one safetensors file whose header and size fit together."""
    try:
        size = path.stat().st_size
        _check_no_pointer(path)
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _HEADER_LIMIT):
                raise ModelRefused(f"{path} is truncated or no safetensors file: its header does not fit into it")
            header = json.loads(file.read(length))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelRefused(f"{path} has no readable safetensors header: {_one_line(error)}") from None
    if not isinstance(header, dict):
        raise ModelRefused(f"{path} has no readable safetensors header: not an object")
    spans = []
    shapes = {}
    for name, entry in header.items():
        if name != "__metadata__":
            shape, start, end = _checked_entry(path, name, entry)
            shapes[name] = shape
            spans.append((start, end))
    _check_spans(path, sorted(spans), size - 8 - length)
    return shapes


def _checked_entry(path: Path, name: str, entry: object) -> tuple[tuple[int, ...], int, int]:
    """(shape, start, end) of one tensor whose shape and number type fill its bytes exactly."""
    if isinstance(entry, dict):
        dtype, shape, span = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
        if not isinstance(dtype, str) or dtype not in _ITEM_BYTES:
            raise ModelRefused(f"{path}: tensor {name!r} has the number type {dtype!r}, which is not supported")
        sizes, ends = _whole_numbers(shape), _whole_numbers(span)
        if sizes is not None and ends is not None and len(ends) == 2:
            if math.prod(sizes) * _ITEM_BYTES[dtype] == ends[1] - ends[0]:
                return sizes, ends[0], ends[1]
            raise ModelRefused(f"{path}: the shape of tensor {name!r} does not fit its bytes")
    raise ModelRefused(f"{path}: the header entry of tensor {name!r} is malformed")


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    """A JSON list of sizes or offsets; None if it is anything else."""
    if isinstance(value, list) and len(value) <= _MOST_AXES and all(type(n) is int and 0 <= n < 2**48 for n in value):
        return tuple(value)
    return None


def _check_spans(path: Path, spans: list[tuple[int, int]], size: int) -> None:
    """The tensors must tile the data exactly: no overlap, no gap, nothing missing or left over."""
    if not spans:
        raise ModelRefused(f"{path} holds no tensors")
    for previous_end, start in zip(_ends(spans), [start for start, _ in spans], strict=False):
        if start != previous_end:
            raise ModelRefused(f"{path}: tensors overlap or leave a gap at byte {start} of the data")
    if spans[-1][1] != size:
        raise ModelRefused(f"{path} is truncated or padded: {size} bytes of data where {spans[-1][1]} are promised")


def _ends(spans: list[tuple[int, int]]) -> Iterator[int]:
    yield 0
    yield from (end for _, end in spans)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
