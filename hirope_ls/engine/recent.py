"""Completions that were shown lately, for requests whose answer is known: asked again, typed along with, gone back to.

An answer serves every text on the way to its acceptance: that it was given for, with a beginning of the answer put in
at the cursor, whether it was typed, accepted by word or by line, or is what deleting has left. Whole texts are
compared, byte by byte; nothing is looked up by a hash or by a part. Used by one thread.

An answer that was made with another context (engine/context.py) than a new one would be is on the screen, perhaps: it
serves what is typed along with it, until there is a newer one, and is asked for anew at its own place.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hirope_ls.engine.completion import Completion

_PER_DOCUMENT = 64
_MAX_BYTES = 16_000_000  # of the documents' texts kept for comparison


@dataclass(frozen=True)
class Known:
    """The answer `text` for byte `offset` of `data`; `ahead` if nobody had asked for it yet; `approximate` as in
    `Completion`; `former` if it was made with another context."""

    data: bytes
    offset: int
    text: bytes
    ahead: bool = False
    approximate: int | None = None
    former: bool = False

    def rest(self, data: bytes, offset: int) -> bytes | None:
        """What of the answer is left to type at `offset` of `data`; None if that is not on the way, or at its end."""
        typed = offset - self.offset
        # The shortest first: most differ here.
        if not self.former <= typed < len(self.text) or data[self.offset : offset] != self.text[:typed]:
            return None
        return None if typed_since(self.data, self.offset, data, offset) is None else self.text[typed:]

    def repeats(self, other: Known) -> bool:
        """Whether both give the same answer for the same place in the same text."""
        return (self.offset, self.text) == (other.offset, other.text) and self.data == other.data


def typed_since(old: bytes, at: int, data: bytes, offset: int) -> bytes | None:
    """What was put in at byte `at` of `old`, if `data` with the cursor at `offset` differs from it in nothing else."""
    if offset < at or len(data) != len(old) + offset - at or data[offset:] != old[at:] or data[:at] != old[:at]:
        return None
    return data[at:offset]


class Recent:
    """A bounded memory of answers. Where several fit, the newest counts: it is what was seen last."""

    def __init__(self, per_document: int = _PER_DOCUMENT, max_bytes: int = _MAX_BYTES) -> None:
        self._shown: dict[str, deque[Known]] = {}  # the document used longest ago first; in it the newest first
        self._per_document = per_document
        self._max_bytes = max_bytes

    def add(self, uri: str, data: bytes, completion: Completion, ahead: bool = False) -> None:
        """Remember what was shown for a document with the text `data`; other outcomes are not remembered."""
        if completion.outcome != "shown":
            return
        known = Known(data, completion.start, completion.text.encode(), ahead, completion.approximate)
        others = (each for each in self._shown.pop(uri, ()) if not each.former and not known.repeats(each))
        self._shown[uri] = deque([known, *others][: self._per_document])
        self._shrink()

    def find(self, uri: str, data: bytes, offset: int) -> Completion | None:
        """The known answer for byte `offset`, with the outcome `cached`; None if there is none."""
        began = time.monotonic()
        known = self.known(uri, data, offset)
        rest = known and known.rest(data, offset)
        if not known or not rest:
            return None
        timings = {"total": (time.monotonic() - began) * 1000}
        outcome = "cached:former" if known.former else "cached"
        return Completion(rest.decode(), offset, offset, outcome, timings=timings, approximate=known.approximate)

    def known(self, uri: str, data: bytes, offset: int) -> Known | None:
        """The answer that serves at byte `offset`, as it was given."""
        for known in self._shown.get(uri, ()):
            if known.rest(data, offset):
                self._shown[uri] = self._shown.pop(uri)
                return known
        return None

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._shown.pop(uri, None)

    def renew(self, uri: str) -> None:
        """New answers for the document are made with another context."""
        if uri in self._shown:
            self._shown[uri] = deque(replace(known, former=True) for known in self._shown[uri])

    def forget_approximate(self, uri: str) -> None:
        """What the document is answered from now on can be exact."""
        exact = [known for known in self._shown.pop(uri, ()) if known.approximate is None]
        if exact:
            self._shown[uri] = deque(exact)

    @property
    def num_bytes(self) -> int:
        """Bytes held; texts of one version are the same object and count once."""
        return sum({id(each.data): len(each.data) for each in self._all()}.values()) + sum(
            len(each.text) for each in self._all()
        )

    def _all(self) -> Iterator[Known]:
        return (known for document in self._shown.values() for known in document)

    def _shrink(self) -> None:
        """Drop the oldest of the document used longest ago until the texts fit; the newest of all always stays."""
        while self.num_bytes > self._max_bytes:
            uri, document = next(iter(self._shown.items()))
            if len(self._shown) == 1 and len(document) == 1:
                return
            document.pop()
            if not document:
                del self._shown[uri]
