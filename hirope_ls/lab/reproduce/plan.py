"""What the page shows: which methods are measured on which task, at which lengths, on which packages.

To measure something else, change it here. Knows names only; what they mean is the evaluation's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hirope_ls.problems import InputError

PACKAGES = {"networkx": "3.6.1", "textual": "6.5.0", "django": "5.2.19", "flask": "3.1.3"}
"""Name and version of each; in this order. The bundled model was trained on none of them."""
BASE = "hirope"
RIVALS = ("rope", "pi", "ntk", "ntk-dynamic", "yarn", "rerope", "self-extend", "window")
_ALL = (*RIVALS, BASE, "hirope-paper")
_ORDER = f"{BASE}:split=natural"  # the order of units, on the slow pairs
_CHANGES = (
    *("gain=0", "damping=0", "damping=1", "log=no", "window=384", "longest=128", "count=64", "switch=no"),
    *("split=8", "split=natural"),
)
_ORDERED = ("far=running", "far=restart", "offset=no", "levels=3")
_CHOICES = (
    BASE,
    *(f"{BASE}:{change}" for change in _CHANGES),
    *(f"{_ORDER}:{change}" for change in _ORDERED),
    "rerope",
)
_BEYOND = (BASE, f"{BASE}:gain=0", f"{BASE}:units=even", f"{_ORDER}:gain=0", f"{_ORDER}:distance=tree:gain=0")


@dataclass(frozen=True)
class Section:
    """One evaluation. `lengths`, `options`: as `hirope-ls eval TASK` takes them; `limit`: files; `picture`: curves over
    the length, or differences from HiRoPE."""

    name: str
    task: str
    methods: tuple[str, ...]
    lengths: str
    limit: int
    options: tuple[str, ...] = ()
    picture: Literal["curves", "differences"] = "curves"

    @property
    def part(self) -> str:
        """The part of the page that it belongs to: what stands before a dash in its name."""
        return self.name.partition("-")[0]


PLAN = (
    Section("perplexity", "perplexity", _ALL, "0.5x,1x,2x,4x,8x,16x,32x", 30),
    Section("distant", "distant", _ALL, "1x,2x,4x,8x,16x", 30),
    Section("symbols", "symbols", _ALL, "1x,4x", 30, ("--how", "rank")),
    Section("completion", "completion", _ALL, "1x,8x", 30, ("--lines", "1")),
    Section("choices-perplexity", "perplexity", _CHOICES, "8x", 30, picture="differences"),
    Section("choices-distant", "distant", _CHOICES, "8x", 30, picture="differences"),
    Section("beyond-perplexity", "perplexity", _BEYOND, "8x", 30, picture="differences"),
    Section("beyond-distant", "distant", _BEYOND, "8x", 30, picture="differences"),
)


def chosen(names: Sequence[str], plan: Sequence[Section] = PLAN) -> list[Section]:
    """The sections of these names, or parts of the page, in the order of the plan; all without names.

    Raises InputError.
    """
    there = {name for section in plan for name in (section.name, section.part)}
    wrong = next((name for name in names if name not in there), None)
    if wrong is not None:
        raise InputError(f"there is no section {wrong!r}: choose from {', '.join(sorted(there))}")
    return [section for section in plan if not names or {section.name, section.part} & set(names)]
