"""Making the machine code of `loops` once for this processor, and loading it from the user's cache folder.

Compiling takes some seconds, so a process of its own does it, at low priority: `python -m hirope_ls.compiled.build`.
The folder's name tells what it was made from; it is safe to delete. Knows no models.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_MADE = "made"  # a file of this name stands in a finished folder
_LOCK = "lock"
KINDS = ("float32", "bfloat16")


class Unavailable(Exception):
    """There is no compiler here, or nowhere to keep what it makes."""


def load(kind: str) -> Any:
    """The module `loops` with machine code for weights of that kind; None where it is not made yet.

    Raises Unavailable.
    """
    place = _folder()
    return _module(place) if (place / f"{_MADE}-{kind}").exists() else None


def start(kind: str) -> subprocess.Popen[bytes]:
    """A process that makes it, and ends with 0 when `load` can have it. Raises Unavailable."""
    _folder()
    command = [sys.executable, "-m", __name__, kind, str(os.getpid())]
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError as error:
        raise Unavailable(f"no process can be started: {error.strerror}") from None
    atexit.register(process.kill)
    return process


def make(kind: str) -> None:
    """Compile, in this process, what is not there yet. Raises Unavailable."""
    place = _folder()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(place):
            loops = _module(place)
            for step in (_begin, _attend, _finish, _logits):
                step(loops, kind)
        (place / f"{_MADE}-{kind}").touch()
    except OSError as error:
        raise Unavailable(f"{place} cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One process at a time: whoever comes later finds what is made, and no index of it is written by two."""
    with (place / _LOCK).open("w") as held:
        if fcntl is not None:
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _module(place: Path) -> Any:
    import numba

    numba.config.CACHE_DIR = str(place)
    return importlib.import_module("hirope_ls.compiled.loops")


def _folder() -> Path:
    """Where machine code for this processor, by this compiler, from these sources belongs."""
    try:
        import llvmlite.binding
        import numba
    except ImportError:
        raise Unavailable("numba is not installed") from None
    from platformdirs import user_cache_path

    told = hashlib.sha256()
    for name in ("loops.py", "products.py"):
        source = Path(__file__).with_name(name)
        told.update(source.read_bytes())
        told.update(str(source.stat().st_mtime_ns).encode())  # numba looks at this
    features = llvmlite.binding.get_host_cpu_features().flatten()
    told.update(f"{numba.__version__} {llvmlite.binding.get_host_cpu_name()} {features} {sys.version}".encode())
    return user_cache_path("hirope-ls", appauthor=False) / "compiled" / told.hexdigest()[:20]


def _floats(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def _weight(kind: str) -> Any:
    return _floats(4, 4) if kind == "float32" else np.ones((4, 4), np.uint16)


_NONE = _floats(0)


def _begin(loops: Any, kind: str) -> None:
    linear, one = (_weight(kind), _NONE), _floats(1, 4)
    slabs = (_floats(1, 2, 4), _floats(1, 2, 4), _floats(1, 2, 4))
    norm = (_floats(4), np.float32(0.1))
    heads = (_NONE, _NONE, np.float32(0.1), one, one, _floats(4), _floats(4))
    loops.begin(_floats(1, 4), *norm, *linear, *linear, *linear, *heads, *slabs, 1, _floats(1, 4), _floats(1, 4))


def _attend(loops: Any, kind: str) -> None:
    slabs = (_floats(1, 4, 4), _floats(1, 4, 4), _floats(1, 4, 4))
    raised = (np.zeros(1, np.int64), np.ones((1, 1), np.bool_), np.float32(1))
    loops.attend(
        _floats(1, 4), _floats(1, 4), *slabs, 4, 1, 3, _floats(1), _floats(1), *raised, 0, 1, _floats(1, 4)
    )  # fmt: skip


def _finish(loops: Any, kind: str) -> None:
    linear = (_weight(kind), _NONE)
    norm = (_floats(4), np.float32(0.1))
    loops.finish(_floats(1, 4), _floats(1, 4), *linear, *norm, *linear, *linear, *linear)


def _logits(loops: Any, kind: str) -> None:
    loops.logits(_floats(1, 4), _floats(4), np.float32(0.1), _weight(kind), _NONE, _floats(1, 4))


def _follow(parent: int) -> None:
    """End soon after the parent, however that ended."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)
    if len(sys.argv) > 2:
        threading.Thread(target=_follow, args=(int(sys.argv[2]),), daemon=True).start()
    try:
        make(sys.argv[1])
    except Unavailable as error:
        sys.exit(str(error))
