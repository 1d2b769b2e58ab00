"""LSP's base protocol, bytes in and message bodies out (LSP 3.18, "Base Protocol").

Knows neither files nor JSON. Header names are taken in any case, lines may end in a bare newline, and a message over
the cap is skipped, never stored. A length that lies does not lose what follows: JSON holds no raw line ends inside
strings, so a whole header in the middle of a body can only be the next message's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_BODY: Final = 64 * 2**20
MAX_HEADER: Final = 8 * 2**10

_HEADER_END: Final = re.compile(rb"\r?\n\r?\n")
# At most 18 digits: int() of an endless number is slow, then refused. Anywhere in a line: rubbish may stand before it.
_LENGTH: Final = re.compile(rb"content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*(?:\r?\n|$)", re.IGNORECASE)
_NEXT_HEADER: Final = re.compile(rb"(?:content-[a-z]+[ \t]*:[^\r\n]*(?:\r\n|$))+", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """Bytes that made no message; `reason` holds none of them."""

    reason: str


def frame(body: bytes) -> bytes:
    """A message body (UTF-8 JSON) with its header."""
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Framer:
    """Feed it what was read; it gives whole message bodies, in order."""

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._buffer = bytearray()
        self._wanted: int | None = None  # bytes of the body being read; None: a header is being read
        self._dropping = False  # that body is over the cap
        self._searched = 0  # bytes of it known to hold no header

    def feed(self, data: bytes) -> list[bytes | Fault]:
        """Take bytes as they come; bodies that are complete now, and faults met, in stream order."""
        self._buffer += data
        out: list[bytes | Fault] = []
        while self._step(out):
            pass
        return out

    def _step(self, out: list[bytes | Fault]) -> bool:
        if self._wanted is None:
            return self._header(out)
        return self._body(self._wanted, out)

    def _header(self, out: list[bytes | Fault]) -> bool:
        end = _HEADER_END.search(self._buffer, 0, MAX_HEADER)
        if end is None:
            if len(self._buffer) >= MAX_HEADER:
                out.append(Fault("a header without end"))
                del self._buffer[: MAX_HEADER // 2]
                return True
            return False
        block = self._take(end.end())
        found = _LENGTH.search(block)
        if found is None:
            out.append(Fault("a header without a usable Content-Length"))
            return True
        self._wanted, self._searched = int(found[1]), 0
        self._dropping = self._wanted > self._max_body
        if self._dropping:
            out.append(Fault(f"a message of {self._wanted} bytes, over the cap of {self._max_body}"))
        return True

    def _body(self, wanted: int, out: list[bytes | Fault]) -> bool:
        cut = self._next_header(wanted)
        if cut is None and len(self._buffer) < wanted:
            if self._dropping:
                self._drop(wanted)
            return False
        body = self._take(wanted if cut is None else cut)
        self._wanted = None
        if not self._dropping:
            out.append(body)
        return True

    def _next_header(self, wanted: int) -> int | None:
        """Where the next message's header begins, if it begins before this body's stated end."""
        end = min(wanted, len(self._buffer))
        while (at := self._buffer.find(b"\r\n\r\n", max(0, self._searched - 3), end)) >= 0:
            self._searched = at + 4
            start = max(0, at - 200)
            for header in _NEXT_HEADER.finditer(self._buffer, start, at + 2):
                if header.end() == at + 2 and _LENGTH.search(header[0]):
                    return header.start()
        self._searched = max(self._searched, end)
        return None

    def _drop(self, wanted: int) -> None:
        """Forget most of an oversized body; its tail may be the start of the next header."""
        gone = max(0, len(self._buffer) - 256)
        del self._buffer[:gone]
        self._wanted = wanted - gone
        self._searched = max(0, self._searched - gone)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken
