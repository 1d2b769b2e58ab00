"""Follows a generation, token by token, to where the text ends: what is said, why it ended, and how long it took.

Knows tokens and texts; no prompts, no files, no threads.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator

from hirope_ls.engine.ending import Ending
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.trim import loop
from hirope_ls.model.generator import Event, Finished, Generated, Prefilled
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import never


class Clock:
    """Milliseconds by phase; `asked` is when the request came, by time.monotonic()."""

    def __init__(self, asked: float | None) -> None:
        self._last = time.monotonic()
        self._began = self._last if asked is None else asked
        self.laps = {} if asked is None else {"queue": (self._last - asked) * 1000}

    def lap(self, name: str) -> None:
        """The phase of this name ends now."""
        now = time.monotonic()
        self.laps[name] = (now - self._last) * 1000
        self._last = now

    def total(self) -> dict[str, float]:
        """All phases, and the whole time until now."""
        return {**self.laps, "total": (time.monotonic() - self._began) * 1000}


class Following:
    """What was generated so far. The text begins with `healed`, which stands before the cursor already; `progress` is
    told it as it grows."""

    def __init__(self, tokenizer: TextTokenizer, ending: Ending, healed: bytes, progress: Progress | None) -> None:
        self._tokenizer = tokenizer
        self._progress = progress
        self._ending = ending
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # holds back half a character
        self._text = ""
        self._healed = healed
        self._prefilled = Prefilled(0, 0, 0.0)
        self._generated = self._drafted = self._accepted = 0
        self._reason = ""

    def follow(self, events: Iterator[Event], clock: Clock) -> None:
        """To the end of the generation, or of the text, whichever comes first."""
        for event in events:
            match event:
                case Prefilled():
                    self._prefilled = event
                    clock.lap("prefill")
                case Generated():
                    self._generated += 1
                    self._drafted += event.drafted
                    self._accepted += event.accepted
                    self._text += self._decoder.decode(self._new(event.id))
                    if self._progress is not None:
                        self._progress.tell(self._text)
                    cut = self._ending.cut(self._text)
                    if cut is not None or loop(self._text, "", "") != self._text:
                        self._text, self._reason = self._text[:cut], "end"
                        break
                case Finished():
                    late = self._progress is not None and event.reason == "cancelled" and self._progress.late
                    self._reason = "deadline" if late else event.reason
        clock.lap("decode")

    def _new(self, token: int) -> bytes:
        """What a token adds to the text after the cursor."""
        piece = self._tokenizer.token_bytes(token)
        known = min(len(piece), len(self._healed))
        if piece[:known] != self._healed[:known]:
            never("a generated text does not begin as it has to")
        self._healed = self._healed[known:]
        return piece[known:]

    def result(self) -> tuple[str, str]:
        """The text, and an outcome where there is none to show."""
        if self._reason == "cancelled":
            return "", "cancelled"
        if self._reason == "memory":
            return "", "error:memory"
        text = self._text
        if self._reason in ("deadline", "length"):
            text = self._ending.whole(text) or ("" if self._reason == "deadline" else text)
        if text.strip():
            return text, ""
        if self._reason == "deadline":
            return "", "deadline"
        return "", "empty:blank" if self._generated else "empty:model-ended"

    @property
    def exact(self) -> int | None:
        """As in `Prefilled`."""
        return self._prefilled.exact

    def tokens(self) -> dict[str, int]:
        """What it took, counted in tokens."""
        return {
            "reused": self._prefilled.reused,
            "prefilled": self._prefilled.prefilled,
            "generated": self._generated,
            "drafted": self._drafted,
            "accepted": self._accepted,
        }
