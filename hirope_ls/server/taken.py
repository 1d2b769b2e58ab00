"""What becomes of suggestions: how many were shown, accepted, and still stand in the text half a minute later.

No client support is needed: who inserts at once what was shown, or several characters of it, has accepted it. Counted
in memory for the session, told by `hirope/status`, sent nowhere. Belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from hirope_ls.engine.recent import typed_since
from hirope_ls.text.edit import Edit

KEPT_S: Final = 30.0  # after it was accepted
_ALIKE: Final = 0.7  # of its characters: it was kept, though a name in it was changed
_WORDS: Final = re.compile(rb"\w+|\s+|[^\w\s]")
_AT_ONCE: Final = 3  # bytes put in by one edit; fewer are typed, or a bracket that an editor closes


@dataclass(eq=False)
class _Accepted:
    """Where it stands in the document now."""

    start: int
    end: int
    text: bytes


@dataclass(eq=False)
class _Shown:
    """The suggestion `text` at byte `offset` of `data`; so many bytes of it are in the document by now."""

    data: bytes
    offset: int
    text: bytes
    known: int = 0
    accepted: bool = False
    place: _Accepted | None = None


class Taken:
    """Counters, the suggestion that each document shows, and those that were accepted a moment ago."""

    def __init__(self, changed: Callable[[], None], seconds: float = KEPT_S) -> None:
        self._changed = changed
        self._seconds = seconds
        self._shown: dict[str, _Shown] = {}
        self._accepted: dict[str, list[_Accepted]] = {}
        self._data: dict[str, bytes] = {}
        self.counts = {"shown": 0, "accepted": 0, "kept": 0}

    def shown(self, uri: str, data: bytes, offset: int, text: str) -> None:
        """This is on the screen, for a document with the text `data`. The rest of what was shown is not new."""
        former, new = self._shown.get(uri), text.encode()
        if former is not None:
            typed = typed_since(former.data, former.offset, data, offset)
            if typed is not None and former.text == typed + new:
                return
        self._shown[uri] = _Shown(data, offset, new)
        self._count("shown")

    def edited(self, uri: str, data: bytes, edits: Sequence[Edit]) -> None:
        """The document changed by these edits, and its text is `data` now."""
        for edit in edits:
            self._move(uri, edit)
        if uri in self._accepted:
            self._data[uri] = data
        shown = self._shown.get(uri)
        if shown is None:
            return
        known = len(data) - len(shown.data)
        typed = typed_since(shown.data, shown.offset, data, shown.offset + known)
        if typed is None or not shown.text.startswith(typed):
            del self._shown[uri]
            return
        new, shown.known = known - shown.known, known
        if new >= _AT_ONCE or (new >= 2 and typed == shown.text):
            self._accept(uri, shown, data)
        if typed == shown.text:
            del self._shown[uri]

    def told(self, uri: str) -> None:
        """The client says that what it shows was accepted, and how much of it is for the text to tell."""
        shown = self._shown.get(uri)
        if shown is not None and not shown.accepted:
            shown.accepted = True
            self._count("accepted")

    def closed(self, uri: str) -> None:
        """The document was closed: what was accepted in it is judged by its last text."""
        self._shown.pop(uri, None)
        for accepted in list(self._accepted.get(uri, ())):
            self._judge(uri, accepted)

    def _accept(self, uri: str, shown: _Shown, data: bytes) -> None:
        """All that is there of it now: this may be a further word or line."""
        self.told(uri)
        if (place := shown.place) is None:
            place = shown.place = _Accepted(0, 0, b"")
            asyncio.get_running_loop().call_later(self._seconds, self._judge, uri, place)
            self._accepted.setdefault(uri, []).append(place)
        place.start, place.end = shown.offset, shown.offset + shown.known
        place.text = shown.text[: shown.known]
        if place in self._accepted.get(uri, ()):  # else it was judged already
            self._data[uri] = data

    def _move(self, uri: str, edit: Edit) -> None:
        for accepted in self._accepted.get(uri, ()):
            if edit.old_end <= accepted.start:
                accepted.start, accepted.end = accepted.start + edit.delta, accepted.end + edit.delta
            elif edit.start < accepted.end:
                accepted.start = min(accepted.start, edit.start)
                accepted.end = max(accepted.end, edit.old_end) + edit.delta

    def _judge(self, uri: str, accepted: _Accepted) -> None:
        waiting = self._accepted.get(uri, [])
        if accepted not in waiting:
            return
        now, was = self._data[uri][accepted.start : accepted.end], accepted.text
        waiting.remove(accepted)
        if not waiting:
            del self._accepted[uri], self._data[uri]
        if now == was or _alike(was, now):
            self._count("kept")

    def _count(self, name: str) -> None:
        self.counts[name] += 1
        self._changed()


def _alike(was: bytes, now: bytes) -> bool:
    """Whether most of it is there still, in its order; what was written between does not count against it."""
    if len(now) > 4 * len(was) + 200:
        return False  # something else stands there
    old, new = _WORDS.findall(was), _WORDS.findall(now)
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    same = sum(len(word) for block in blocks for word in old[block.a : block.a + block.size])
    return same >= _ALIKE * len(was)
