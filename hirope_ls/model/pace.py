"""When a draft is worth verifying: what it is likely to save against what it is known to cost.

A pass over a few rows costs more than one over a single row, how much depends on the machine and the model, and is
measured as it goes; so is how often drafts came true lately. Where drafts do not pay they pause, and are tried again
after a while. Knows times and counts; no ids and no model. It decides about speed alone, never about an answer.
"""

from __future__ import annotations

# Tokens that came true, of 16 drafted, by how many tokens matched before them: 154 completions in 22 files of the
# standard library by the bundled model.
_HOPED = (0.0, 0.7, 1.2, 1.6, 2.1, 2.6, 3.1, 3.5, 7.0)
_SHORTEST = 2  # tokens that have to match: one alone tells too little to be worth a pass anywhere
_A_ROW = 2  # tokens drafted for each that matched: twice as far as is hoped, for rows are cheap beside the pass
_FORGET = 0.0025  # of what was learnt, with each token that was not drafted


class Pace:
    """How costly and how lucky drafts have been. One for a model; times are in any unit."""

    def __init__(self) -> None:
        self.ratio = 1.5  # the time of a pass with drafts, in passes with a single row
        self.luck = 1.0  # what came true, in parts of what was hoped
        self._step = 0.0

    def begin(self) -> None:
        """A new generation: a single row may cost more or less there."""
        self._step = 0.0

    def most(self, matched: int) -> int:
        """How many tokens to draft where so many matched before: 0 if it would not pay."""
        matched = min(matched, len(_HOPED) - 1)
        if matched >= _SHORTEST and 1 + self.luck * _HOPED[matched] > self.ratio:
            return _A_ROW * matched
        self.luck += _FORGET * (1 - self.luck)
        self.ratio += _FORGET * (1 - self.ratio)
        return 0

    def stepped(self, time: float) -> None:
        """A single row took that long."""
        self._step += (time - self._step) * 0.2 if self._step else time

    def verified(self, matched: int, accepted: int, time: float) -> None:
        """A draft after so many matching tokens was verified."""
        hoped = _HOPED[min(matched, len(_HOPED) - 1)]
        self.luck += 0.2 * (min(accepted / hoped, 2.0) - self.luck)
        if self._step:  # else nothing to compare with; bounded, for a busy machine makes outliers
            self.ratio += 0.2 * (min(max(time / self._step, 1.0), 20.0) - self.ratio)
