"""How long it takes from a key to ghost text in real Neovims, beside what the server says of the same request.

    PYTHONPATH=tests python -m editors.nvim.latency [KEYS]

Prints a Markdown table: medians of KEYS keys (24) for which the model was asked, and of those on the way that were
typed along with a suggestion, which the plugin's own ghost text shows without a request. A key's time ends when all of
the screen is drawn with the suggestion. Compare within a run.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from editors.kept import SHAPES
from editors.nvim.conftest import VARIANTS, Session, command, running

_KEYS: Final = 24
_SETTLED_S: Final = 0.6
"""After a key: longer than the 200 ms after which Neovim's own ghost text asks, and the request, take."""
_LINES: Final = (
    "    def area_{n}(self, scale):",
    "        side_{n} = self.side * scale",
    "        return side_{n} ** 2",
    "",
    "    def circle_{n}(self):",
    "        return Circle(self.side + {n}).perimeter()",
    "",
)


@dataclass
class Times:
    """In milliseconds: of requests, in Neovim and by the server; and of keys typed along."""

    asked: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    along: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        """Of the table."""
        editor, server = statistics.median(self.asked), statistics.median(self.server)
        along = f"{statistics.median(self.along):.0f} ({len(self.along)} keys)" if self.along else "-"
        return f"| {name} | {len(self.asked)} | {editor:.0f} | {server:.0f} | {editor / server:.1f} | {along} |"


def measure(session: Session, keys: int) -> Times:
    """Type a class, and look at the clock at each key."""
    times, drawn = Times(), list[tuple[float, str, str]]()
    session.open(SHAPES)
    session.nvim.command("setlocal noautoindent indentexpr=")
    session.nvim.screen.flushed = lambda before, after: drawn.append((time.monotonic(), before, after))
    session.nvim.keys("Go")
    for line in (each.format(n=number) for number in itertools.count(1) for each in _LINES):
        for key in f"{line}\n":
            before, first = session.status()["outcomes"], len(drawn)
            pressed = time.monotonic()
            session.nvim.type(key)
            settle(session)
            shown, status = session.shown().split("\n")[0].rstrip(), session.status()
            ends = (at for at, left, right in drawn[first:] if left.endswith(key.strip()) and right.startswith(shown))
            if shown and (end := next(ends, None)):
                asked = sum(status["outcomes"].values()) - sum(before.values())
                if asked == 1 and status["last"]["outcome"] == "shown":
                    times.asked.append((end - pressed) * 1000)
                    times.server.append(status["last"]["timings"]["total"])
                elif asked == 0 or status["last"]["outcome"].startswith("cached"):
                    times.along.append((end - pressed) * 1000)
            if len(times.asked) == keys:
                return times
    raise AssertionError("unreachable")


def settle(session: Session) -> None:
    """Wait until nothing is asked or drawn any more."""
    end = time.monotonic() + _SETTLED_S
    while time.monotonic() < end or session.status()["busy"]:
        time.sleep(0.05)


def main(keys: int) -> None:
    """Measure, and print."""
    print(
        "| Neovim, ghost text | keys | key to ghost text, ms | the server's own figure, ms | times | typed along, ms |"
    )
    print("|---|--:|--:|--:|--:|--:|")
    for version, ghost in VARIANTS:
        with tempfile.TemporaryDirectory(prefix="hirope-") as name:
            home = Path(name) / "home"
            home.mkdir()
            with running(command(version), home, version, ghost) as session:
                print(measure(session, keys).row(f"{version}, {ghost}"), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _KEYS)
