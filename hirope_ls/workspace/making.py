"""Has records made by a function of the caller: in a process of its own, or in this one.

The function is named, `package.module:function`; it gets a file's name without its folder and the bytes, and returns
bytes, or None for nothing. In a process of its own it holds nobody up, and its death is only the end of one file.
Knows no files: the bytes are given. Belongs to one thread.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

Function = Callable[[str, bytes], bytes | None]
File = tuple[str, bytes]  # a name without its folder, and what it says

HEADER: Final = struct.Struct("<II")  # of a question: bytes of the name and of the data
ANSWER: Final = struct.Struct("<cI")  # of an answer: what it is and bytes of it
READY: Final = b"+"
_LONGEST: Final = 30.0  # seconds for one file, and for a start
_AHEAD, _AHEAD_BYTES = 16, 200_000  # files, and bytes, that are given away before the first of them is told
_IDLE: Final = 30.0  # seconds after which a process without work goes


class Died(Exception):
    """The process ended, or had to be ended, over this file."""


class Maker(Protocol):
    """Makes records."""

    @property
    def apart(self) -> bool:
        """Whether this process survives a file that ends the one that reads it."""

    def make_all(self, files: Iterable[File]) -> Iterator[bytes | None]:
        """The records of these names and bytes, in order. Raises Died in the place of the one that it died over.

        Files are asked for when there is room for them: some ahead of the record that is told, for a process of its
        own works on them meanwhile.
        """

    def rest(self) -> None:
        """There is nothing to do now."""

    def abort(self) -> None:
        """End what is being made, from another thread: it raises Died, now and ever after."""

    def close(self) -> None:
        """There is nothing to do any more."""


def load(reference: str) -> Function:
    """The function that a reference names."""
    module, _, name = reference.partition(":")
    function: Function = getattr(importlib.import_module(module), name)
    return function


class Here:
    """In this process: for tests, and where no other can be started."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self.apart = False

    def make_all(self, files: Iterable[File]) -> Iterator[bytes | None]:
        """The records; None where the function fails."""
        return (attempt(self._function, name, data) for name, data in files)

    def rest(self) -> None:
        """Nothing to let go."""

    def abort(self) -> None:
        """What is made in this process cannot be ended."""

    def close(self) -> None:
        """Nothing to let go."""


def attempt(function: Function, name: str, data: bytes) -> bytes | None:
    """What the function makes of one file; one that it cannot take has no record."""
    try:
        return function(name, data)
    except Exception:
        return None


class Apart:
    """In a child process, started when it is needed and ended when it idles."""

    def __init__(self, reference: str, longest: float = _LONGEST) -> None:
        self._reference = reference
        self._longest = longest
        self._process: subprocess.Popen[bytes] | None = None
        self._here: Here | None = None
        self._used = 0.0
        self._aborted = False

    @property
    def apart(self) -> bool:
        """Unless no process could be started."""
        return self._here is None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process is not None else None

    def make_all(self, files: Iterable[File]) -> Iterator[bytes | None]:
        """The records. Raises Died."""
        process = self._process if self._process is not None else self._start()
        if self._aborted:
            self.close()
            raise Died
        if process is None:
            self._here = self._here or Here(load(self._reference))
            yield from self._here.make_all(files)
            return
        yield from self._exchange(process, iter(files))

    def rest(self) -> None:
        """End the process if it was not needed for a while."""
        if self._process is not None and time.monotonic() - self._used > _IDLE:
            self.close()

    def abort(self) -> None:
        """End the process, which is seen where it is waited for; there will be no other."""
        self._aborted = True
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()  # type: ignore[union-attr]
            process.wait()

    def _start(self) -> subprocess.Popen[bytes] | None:
        if os.name == "nt":  # where nobody can wait for pipes
            return None
        # -P and a search path without "": nothing is imported from the folder that the editor runs in.
        command = [sys.executable, "-P", "-m", "hirope_ls.workspace.child", self._reference]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        pipe = subprocess.PIPE
        for _ in range(2):
            try:
                self._process = subprocess.Popen(
                    command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env, bufsize=0
                )
                if self._ready(self._process):
                    return self._process
            except (OSError, EOFError):
                pass
            self.close()
            if self._aborted:
                break
        return None

    def _exchange(self, process: subprocess.Popen[bytes], files: Iterator[File]) -> Iterator[bytes | None]:
        """Questions are sent as fast as they are taken: neither process waits for the other between two files."""
        left, held = memoryview(b""), bytearray()
        ahead, more = deque[int](), True  # bytes of those that are not told yet
        while more or ahead:
            self._used = time.monotonic()
            if more and len(ahead) <= _AHEAD // 2 and sum(ahead) <= _AHEAD_BYTES // 2:
                questions = list[bytes]()
                while more and len(ahead) < _AHEAD and sum(ahead) < _AHEAD_BYTES:
                    if more := (file := next(files, None)) is not None:
                        questions.append(_question(*file))
                        ahead.append(len(questions[-1]))
                left = memoryview(bytes(left) + b"".join(questions))
            elif (answer := _first_answer(held)) is not None:
                kind, made = answer
                ahead.popleft()
                yield made if kind == b"R" else None
            else:
                left = self._pass_on(process, left, held)

    def _pass_on(self, process: subprocess.Popen[bytes], left: memoryview, held: bytearray) -> memoryview:
        """Wait until something can be sent or received; what is left to send then. Raises Died."""
        assert process.stdin is not None and process.stdout is not None
        to, back = process.stdin.fileno(), process.stdout.fileno()
        try:
            readable, writable, _ = select.select([back], [to] if left else [], [], self._longest)
            if writable:
                left = left[_passed(to, left) :]
            if readable:
                held += _some(back)
            if not readable and not writable:
                raise EOFError("no answer in time")
        except (OSError, EOFError) as error:
            self.close()
            raise Died from error
        return left

    def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.stdin is not None and process.stdout is not None
        os.set_blocking(process.stdin.fileno(), False)
        back = process.stdout.fileno()
        return bool(select.select([back], [], [], self._longest)[0]) and _some(back) == READY


def _question(name: str, data: bytes) -> bytes:
    encoded = os.fsencode(name)
    return HEADER.pack(len(encoded), len(data)) + encoded + data


def _passed(handle: int, data: memoryview) -> int:
    """How much of it was taken; all, where nobody is there: what was answered before that is still to be read."""
    try:
        return os.write(handle, data)
    except BrokenPipeError:
        return len(data)


def _some(handle: int) -> bytes:
    if not (part := os.read(handle, 1 << 16)):
        raise EOFError("no more answers")
    return part


def _first_answer(held: bytearray) -> tuple[bytes, bytes] | None:
    """Take the first whole answer off what was received."""
    if len(held) < ANSWER.size:
        return None
    kind, size = ANSWER.unpack_from(held)
    end = ANSWER.size + size
    if len(held) < end:
        return None
    made = bytes(held[ANSWER.size : end])
    del held[:end]
    return kind, made
