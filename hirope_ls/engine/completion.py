"""A completion: what is suggested, or why nothing is, and what it took. Knows nothing of how it is come by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What an answer took, and what it rests on.

    `timings` are milliseconds: queue, prompt, prefill, decode, trim, total. `tokens` counts prompt (its length),
    reused, prefilled, generated, and what was guessed for those: drafted, accepted. `kind` is the prompt's order,
    `units` its number of units, and `mentions` how often its near text speaks of one of them. `approximate`: the row of
    the prompt from which on it rests on rows from before an edit; None: it is what the model says.
    """

    timings: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    kind: str = ""
    units: int = 0
    mentions: int = 0
    approximate: int | None = None


@dataclass(frozen=True)
class Completion(Effort):
    """The text to put in place of bytes `start` to `end` (nothing is replaced today: both are the cursor).

    `outcome` is one of shown, cached, empty:<why>, cancelled, deadline, filtered:<rule>, error:<what>; only the first
    two come with a text.
    """

    text: str
    start: int
    end: int
    outcome: str
