"""Calls beside the truth about them, and the table of how many were resolved rightly. Knows no languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hirope_ls.lab.eval.tables import markdown

_KINDS = ("scope", "object", "import", "type", "unique", "ambiguous", "none")


@dataclass(frozen=True)
class Call:
    """One call: our evidence, whether the first candidate, or any, is right, and where it leads in truth.

    truth: "inside" the package, "outside", "variable" (a local one), or "unknown".
    """

    evidence: str
    first: bool
    among: bool
    truth: str


def table(calls: Sequence[Call]) -> str:
    """By evidence, the strongest first."""
    inside = sum(call.truth == "inside" for call in calls)
    rows = []
    for kind in (*_KINDS, "all"):
        some = [call for call in calls if kind in (call.evidence, "all")]
        known = [call for call in some if call.truth != "unknown"]
        hits = sum(call.first and call.truth == "inside" for call in some)
        right = [sum(call.first for call in known), sum(call.among for call in known)]
        shares = [f"{count / len(known):.3f}" if known and kind not in ("none", "all") else "" for count in right]
        truths = Counter(call.truth for call in some)
        told = [str(truths[truth]) for truth in ("inside", "variable", "outside", "unknown")]
        rows.append([kind, str(len(some)), str(len(known)), *shares, f"{hits / max(inside, 1):.3f}", *told])
    heads = ["evidence", "calls", "known", "first right", "among right", "share"]
    return markdown([*heads, "inside", "variable", "outside", "unknown"], rows)
