"""Where the definition of the word at the cursor is, and whether one sees it from there: for offers to explain it.

Reads one definition's place, and looks for no callers, so it is quick. Knows no markup.
"""

from __future__ import annotations

from dataclasses import dataclass

from hirope_ls.engine.explain.facts import SCREEN, Spot, spot_of, standing
from hirope_ls.engine.explain.target import Target, target
from hirope_ls.engine.explain.view import View
from hirope_ls.names import Candidate


@dataclass(frozen=True)
class Sight:
    """What a word most likely means, and where that is; lines_away as in `Facts`."""

    target: Target
    candidate: Candidate
    spot: Spot
    lines_away: int | None

    def hidden(self, screen: int = SCREEN) -> bool:
        """Whether it is out of sight: in another file, or farther away than a screen."""
        return self.lines_away is None or abs(self.lines_away) > screen


def sight(view: View, offset: int) -> Sight | None:
    """For the word at byte `offset`; None where no definition of it is known."""
    found = target(view, offset)
    for candidate in found.candidates if found is not None else ():
        file = view.file(candidate.path)
        at = None if file is None else standing(file, candidate)
        if found is not None and file is not None and at is not None:
            spot = spot_of(file, file.symbols.definitions[at])
            own = file.path == view.path
            return Sight(found, candidate, spot, spot.line - view.buffer.line_of(offset) if own else None)
    return None
