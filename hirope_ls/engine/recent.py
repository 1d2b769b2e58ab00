"""Completions that were shown lately, for requests whose answer is known: asked again, or typed along with.

Texts are compared, byte by byte; nothing is looked up by a hash or by a part. Used by one thread.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from hirope_ls.engine.complete import Completion

_PER_DOCUMENT = 16
_MAX_BYTES = 16_000_000  # of the documents' texts kept for comparison


@dataclass(frozen=True)
class _Shown:
    uri: str
    data: bytes
    offset: int
    text: bytes

    def rest(self, data: bytes, offset: int) -> bytes | None:
        """What of the text is left to type, if all that happened since is that a beginning of it was typed."""
        typed = offset - self.offset
        if not 0 <= typed < len(self.text) or len(data) != len(self.data) + typed:
            return None
        fits = (
            data[self.offset : offset] == self.text[:typed]
            and data[offset:] == self.data[self.offset :]
            and data[: self.offset] == self.data[: self.offset]
        )
        return self.text[typed:] if fits else None


class Recent:
    """A bounded memory of shown completions."""

    def __init__(self, per_document: int = _PER_DOCUMENT, max_bytes: int = _MAX_BYTES) -> None:
        self._shown: dict[str, deque[_Shown]] = {}
        self._per_document = per_document
        self._max_bytes = max_bytes

    def add(self, uri: str, data: bytes, completion: Completion) -> None:
        """Remember what was shown for a document with the text `data`; other outcomes are not remembered."""
        if completion.outcome != "shown":
            return
        shown = self._shown.pop(uri, deque(maxlen=self._per_document))
        shown.appendleft(_Shown(uri, data, completion.start, completion.text.encode()))
        self._shown[uri] = shown
        self._shrink()

    def find(self, uri: str, data: bytes, offset: int) -> Completion | None:
        """The known answer for byte `offset`, with the outcome `cached`; None if there is none."""
        began = time.monotonic()
        for shown in self._shown.get(uri, ()):
            rest = shown.rest(data, offset)
            if rest:
                total = (time.monotonic() - began) * 1000
                return Completion(rest.decode(), offset, offset, "cached", {"total": total})
        return None

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._shown.pop(uri, None)

    def _shrink(self) -> None:
        """Drop the oldest of the document used longest ago until the texts fit; the newest of all always stays."""
        # Texts of one version are the same object, but counting each once more only errs on the safe side.
        size = sum(len(shown.data) for document in self._shown.values() for shown in document)
        while size > self._max_bytes and size > 0:
            uri, document = next(iter(self._shown.items()))
            if len(self._shown) == 1 and len(document) == 1:
                return
            size -= len(document.pop().data)
            if not document:
                del self._shown[uri]
