"""How fast the user types, and so how long the model had better wait after a keystroke before it starts.

What is started between two keystrokes of a fast typist is thrown away, unless the typing agrees with it. Times are of
time.monotonic(), in seconds. Knows no documents.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

_BURST_S: Final = 1.0  # a longer gap is a pause, not typing
_LONGEST_S: Final = 0.5
_GAPS: Final = 12
_ENOUGH: Final = 3  # gaps; fewer say nothing about anybody


class Rhythm:
    """The gaps between the last keystrokes, and what the model took for the last answers."""

    def __init__(self) -> None:
        self._last = float("-inf")
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._took: deque[float] = deque(maxlen=_GAPS)

    def edited(self, now: float) -> None:
        """The user typed."""
        if 0 < now - self._last <= _BURST_S:
            self._gaps.append(now - self._last)
        self._last = now

    def computed(self, seconds: float) -> None:
        """The model took so long for an answer."""
        self._took.append(seconds)

    def start(self, debounce: int | Literal["auto"]) -> float:
        """When the model may start: so long after the last keystroke, not after the request, as some editors have
        waited already. What is asked without typing need not wait."""
        return self._last + (self._pause() if debounce == "auto" else debounce / 1000)

    def _pause(self) -> float:
        """The mean gap less what the model takes: so that the answer is there when the next key was due."""
        if len(self._gaps) < _ENOUGH:
            return 0.0
        took = sum(self._took) / len(self._took) if self._took else 0.0
        return min(max(sum(self._gaps) / len(self._gaps) - took, 0.0), _LONGEST_S)
