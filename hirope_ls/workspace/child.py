"""The child process that makes records: bytes in, bytes out, no disk. Ends when its parent does."""

from __future__ import annotations

import os
import sys

from hirope_ls.workspace.making import ANSWER, HEADER, READY, attempt, load


def main() -> None:
    """Answer questions on the standard input until it ends."""
    if hasattr(os, "nice"):
        os.nice(10)
    answers = os.dup(1)
    os.dup2(2, 1)  # what the function may print is no answer
    function = load(sys.argv[1])
    _send(answers, READY)
    while len(header := _receive(HEADER.size)) == HEADER.size:
        name_size, data_size = HEADER.unpack(header)
        name, data = os.fsdecode(_receive(name_size)), _receive(data_size)
        made = attempt(function, name, data)
        _send(answers, ANSWER.pack(b"N" if made is None else b"R", len(made or b"")) + (made or b""))


def _receive(size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size and (part := os.read(0, size - len(parts))):
        parts += part
    return bytes(parts)


def _send(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


if __name__ == "__main__":
    main()
