"""What a running generation has said so far, and how long it may go on: the one value that two threads share.

The model's thread tells the text; the owner, on its own thread, says what has been typed since and moves the deadline.
The generation looks at it as at a stop flag: set once it is too late, or once it says something else than was typed.
Each attribute is replaced whole, and by one thread only, so there is nothing to lock. Knows no models, no documents.
"""

from __future__ import annotations

import threading
import time

from hirope_ls.model.generator import StopFlag


class Progress:
    """A stop flag with a memory. `deadline` is of time.monotonic(); `typed` is what was put in at the cursor since."""

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline
        self.typed = ""
        self._said = ""
        self._stop: StopFlag = threading.Event()
        self._begun = False

    def begin(self, stop: StopFlag) -> Progress:
        """On the model's thread: the generation starts, perhaps again, and `stop` stops it as well."""
        self._stop, self._said, self._begun = stop, "", True
        return self

    def tell(self, said: str) -> None:
        """On the model's thread: the whole text so far, from the cursor on."""
        self._said = said

    @property
    def begun(self) -> bool:
        """Whether the model works on it, or has."""
        return self._begun

    @property
    def late(self) -> bool:
        """Whether the deadline is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def agrees(self, typed: str) -> bool:
        """Whether what has been said so far begins with `typed`, or the other way round."""
        said = self._said
        return said.startswith(typed) or typed.startswith(said)

    def is_set(self) -> bool:
        """Whether to stop: asked to, too late, or in disagreement with what was typed."""
        return self._stop.is_set() or self.late or not self.agrees(self.typed)
