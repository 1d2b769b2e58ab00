"""What became of the requests: every one ends with a named outcome, and none is lost from the count.

Outcomes: shown, cached, empty:<why>, superseded, cancelled, deadline, filtered:<rule>, loading, error:<what>; the first
two as shown:approximate and cached:approximate, where rows from before an edit served (setting `approximateSplice`).
Beside them it counts what was done without a request, or spared one the model: see `SPARED`.
Holds no text of any document. Belongs to the event loop.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final

from hirope_ls.engine.completion import Completion, Effort

SPARED: Final = ("continued", "ahead", "foreseen", "warmed", "whole")
"""continued: a running generation went on for a newer request that it agreed with. ahead: what follows acceptance was
made while idle. foreseen: a request was answered by that. warmed: a file was read before it was asked about. whole: the
rest of the file in view was read."""

COUNTS: Final = ("prompt", "reused", "prefilled", "generated", "drafted", "accepted")
"""What `Effort.tokens` counts."""

PHASES: Final = ("queue", "prefill", "decode")
"""Parts of the time that an answer of the model takes; `total` is that of any answer with a suggestion."""


@dataclass(frozen=True)
class Record(Effort):
    """One answered request: what became of it, without the text."""

    outcome: str

    @classmethod
    def of(cls, completion: Completion, total: float) -> Record:
        """Of a request that was answered by this after so many milliseconds."""
        nearly = completion.approximate is not None and completion.text
        effort = {each.name: getattr(completion, each.name) for each in fields(Effort)}
        effort["timings"] = {**completion.timings, "total": total}
        return cls(completion.outcome + (":approximate" if nearly else ""), **effort)

    @property
    def shown(self) -> bool:
        """Whether there was a suggestion."""
        return self.outcome.partition(":")[0] in ("shown", "cached")

    def as_json(self) -> dict[str, Any]:
        """The same, for the wire; times to a hundredth of a millisecond, the token counts always."""
        tokens = {name: self.tokens.get(name, 0) for name in COUNTS}
        timings = {name: round(ms, 2) for name, ms in self.timings.items()}
        return {
            "outcome": self.outcome,
            "timings": timings,
            "tokens": tokens,
            "promptKind": self.kind,
            "units": self.units,
            "mentions": self.mentions,
            "approximateFrom": self.approximate,
        }


class Status:
    """Counts of outcomes, the last record of each document and of all, and the latencies of what was shown.

    `changed` is called whenever there is something new to tell.
    """

    def __init__(self, latencies: int = 512) -> None:
        self._outcomes: Counter[str] = Counter()
        self._spared: Counter[str] = Counter()
        self._last: Record | None = None
        self._last_by_uri: dict[str, Record] = {}
        self._latencies: deque[float] = deque(maxlen=latencies)
        self._phases: dict[str, deque[float]] = {phase: deque(maxlen=latencies) for phase in PHASES}
        self._tokens: Counter[str] = Counter()
        self.changed: Callable[[], None] = lambda: None

    def record(self, uri: str, record: Record) -> None:
        """A request about `uri` was answered."""
        self._outcomes[record.outcome] += 1
        self._last = self._last_by_uri[uri] = record
        self._tokens.update({name: record.tokens.get(name, 0) for name in ("prompt", "reused")})
        if record.shown:
            self._latencies.append(record.timings.get("total", 0.0))
            for phase in PHASES:
                if phase in record.timings:
                    self._phases[phase].append(record.timings[phase])
        self.changed()

    def count(self, name: str) -> None:
        """One more of what `SPARED` names."""
        self._spared[name] += 1
        self.changed()

    def told(self) -> None:
        """Something is new that others count."""
        self.changed()

    def last(self, uri: str) -> Record | None:
        """The last record of this document."""
        return self._last_by_uri.get(uri)

    def forget(self, uri: str) -> None:
        """The document was closed: drop what is held for it; the counts stay."""
        self._last_by_uri.pop(uri, None)

    def as_json(self) -> dict[str, Any]:
        """Everything, for `hirope/status`."""
        return {
            "outcomes": dict(self._outcomes),
            "spared": {name: self._spared[name] for name in SPARED},
            "last": self._last.as_json() if self._last else None,
            "latencyMs": {
                "count": len(self._latencies),
                **_quantiles(self._latencies),
                "phases": {phase: _quantiles(values) for phase, values in self._phases.items()},
            },
            "cacheHitRate": self._hit_rates(),
        }

    def _hit_rates(self) -> dict[str, float | None]:
        """Of the suggestions, those that the model was not asked for; of the prompts' tokens, those it had read."""
        cached = sum(count for outcome, count in self._outcomes.items() if outcome.startswith("cached"))
        shown = sum(count for outcome, count in self._outcomes.items() if outcome.startswith("shown"))
        return {
            "suggestions": _share(cached, cached + shown),
            "tokens": _share(self._tokens["reused"], self._tokens["prompt"]),
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _quantiles(values: deque[float]) -> dict[str, float | None]:
    return {"p50": _quantile(values, 0.5), "p95": _quantile(values, 0.95)}


def _quantile(values: deque[float], share: float) -> float | None:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 2) if ordered else None
