"""One file from the hub into the cache: what was interrupted goes on, and what does not have its checksum is no file.

A file that is not whole lies beside the others as `ETAG.incomplete` and gets its name when all of it is there and its
checksum is the hub's. `huggingface_hub` keeps no part of an interrupted file and compares sizes alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status  # type: ignore[attr-defined]

from hirope_ls.commands.fetch.offer import HEADERS, PATIENCE, NetworkError, Remote
from hirope_ls.problems import HiropeError

_ATTEMPTS: Final = 5  # in a row that bring nothing
PAUSE: Final = 1.0  # seconds between two
_BLOCK: Final = 1 << 20

Told = Callable[[int], None]
"""Called with the bytes that have come, as they come; negative where they have to come again."""


class Damaged(HiropeError):
    """A file that is not what the hub says it is."""


@dataclass
class Partial:
    """A file on its way: what is there, and the checksum of that."""

    remote: Remote
    file: IO[bytes]
    told: Told
    size: int = 0
    digest: Any = field(init=False)

    def __post_init__(self) -> None:
        self.digest = _new_digest(self.remote)

    def take(self, data: bytes) -> None:
        """These bytes come next. Raises Damaged if that is more than there can be."""
        if self.size + len(data) > self.remote.size:
            raise Damaged(f"{self.remote.name} is longer than the hub says: hirope-ls fetch it once more")
        self.file.write(data)
        self._count(data)

    def read_back(self) -> None:
        """Take up what an earlier attempt left."""
        self.file.seek(0)
        while block := self.file.read(_BLOCK):
            self._count(block)

    def restart(self) -> None:
        """From the first byte again."""
        self.told(-self.size)
        self.file.seek(0)
        self.file.truncate()
        self.size, self.digest = 0, _new_digest(self.remote)

    @property
    def right(self) -> bool:
        """Whether it is whole, to the bit."""
        return self.size == self.remote.size and self.digest.hexdigest() == self.remote.etag

    def _count(self, data: bytes) -> None:
        self.digest.update(data)
        self.size += len(data)
        self.told(len(data))


def fetch_file(url: str, remote: Remote, blobs: Path, told: Told) -> Path:
    """The file among `blobs`, fetched as far as it is not there, and checked in any case.

    Raises HiropeError, NetworkError or OSError.
    """
    blob = blobs / remote.etag
    if blob.is_file() and _is_right(blob, remote, told):
        return blob
    place = blobs / f"{remote.etag}.incomplete"
    with _alone(place) as file:
        partial = Partial(remote, file, told)
        partial.read_back()
        if partial.size > remote.size:
            partial.restart()
        _complete(url, partial)
        if not partial.right:
            place.unlink()
            told(-partial.size)
            raise Damaged(f"{remote.name} arrived damaged (its checksum is not the hub's): fetch it once more")
        file.flush()
        os.fsync(file.fileno())
        place.replace(blob)
    return blob


def _is_right(blob: Path, remote: Remote, told: Told) -> bool:
    """Whether a file that is there has its checksum; one that has not is as good as not there."""
    with blob.open("rb") as file:
        there = Partial(remote, file, told)
        there.read_back()
    if not there.right:
        told(-there.size)
    return there.right


def partial_size(remote: Remote, blobs: Path) -> int:
    """How much of the file need not be fetched."""
    for name in (remote.etag, f"{remote.etag}.incomplete"):
        if (blobs / name).is_file():
            return min(remote.size, (blobs / name).stat().st_size)
    return 0


@contextmanager
def _alone(place: Path) -> Iterator[IO[bytes]]:
    """The file that is not whole yet, for this process alone."""
    with place.open("ab+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HiropeError("this model is being fetched already: wait for that") from None
        yield file


def _complete(url: str, partial: Partial) -> None:
    """Ask for what is missing until nothing is, or several attempts in a row bring nothing."""
    fruitless = 0
    while partial.size < partial.remote.size and fruitless < _ATTEMPTS:
        before = partial.size
        try:
            _receive(url, partial)
        except NetworkError as error:
            if _refused(error) or (partial.size <= before and fruitless + 1 >= _ATTEMPTS):
                raise
            time.sleep(PAUSE)
        fruitless = 0 if partial.size > before else fruitless + 1


def _refused(error: Exception) -> bool:
    """Whether the hub gave an answer that asking again does not change."""
    response = getattr(error, "response", None)
    return response is not None and response.status_code < 500 and response.status_code not in (408, 429)


def _receive(url: str, partial: Partial) -> None:
    """One request for the rest of the file."""
    asked = build_hf_headers(headers={**HEADERS, "range": f"bytes={partial.size}-"})
    with get_session().stream("GET", url, headers=asked, timeout=PATIENCE) as response:
        if response.status_code >= 400:
            response.read()
            hf_raise_for_status(response)
        if partial.size and response.status_code != 206:  # all of it comes again
            partial.restart()
        for block in response.iter_bytes():
            partial.take(block)


def _new_digest(remote: Remote) -> Any:
    """SHA-256 of the bytes, or git's name for them: SHA-1 of a header and the bytes."""
    if remote.sha256 is not None:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % remote.size, usedforsecurity=False)
