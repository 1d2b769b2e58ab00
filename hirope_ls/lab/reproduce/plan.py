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
_FAR_OFF = ("rope", "pi", "ntk", "ntk-dynamic", "hirope-paper")
_CHANGES = (
    *("gain=0", "damping=0", "damping=1", "log=no", "far=running", "far=restart", "offset=no", "split=8"),
    *("window=384", "levels=3", "longest=128", "count=64", "switch=no"),
)
_CHOICES = (BASE, *(f"{BASE}:{change}" for change in _CHANGES), "rerope:gain=1:damping=0.5", "rerope")
_BEYOND = (BASE, *(f"{BASE}:{change}" for change in ("distance=tree:gain=0", "units=even", "gain=0")))


@dataclass(frozen=True)
class Section:
    """One evaluation. `lengths`, `options`: as `hirope-ls eval TASK` takes them; `limit`: files; `picture`: curves over
    the length, or differences from HiRoPE; `shorter`: methods that are left out at the longest length."""

    name: str
    task: str
    methods: tuple[str, ...]
    lengths: str
    limit: int
    options: tuple[str, ...] = ()
    picture: Literal["curves", "differences"] = "curves"
    shorter: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """The part of the page that it belongs to: what stands before a dash in its name."""
        return self.name.partition("-")[0]


PLAN = (
    # Half of the time goes into 32x; these are far off at 16x already.
    Section("perplexity", "perplexity", _ALL, "0.5x,1x,2x,4x,8x,16x,32x", 30, shorter=_FAR_OFF),
    Section("distant", "distant", _ALL, "1x,2x,4x,8x,16x", 30),
    Section("symbols", "symbols", _ALL, "1x,4x", 30, ("--how", "rank")),
    Section("completion", "completion", _ALL, "1x,8x", 30, ("--lines", "1")),
    Section("choices-perplexity", "perplexity", _CHOICES, "8x", 15, picture="differences"),
    Section("choices-distant", "distant", _CHOICES, "8x", 15, picture="differences"),
    Section("beyond-perplexity", "perplexity", _BEYOND, "8x", 15, picture="differences"),
    Section("beyond-distant", "distant", _BEYOND, "8x", 15, picture="differences"),
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
