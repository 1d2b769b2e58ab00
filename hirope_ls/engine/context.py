"""What a prompt shows of other files: chosen parts of them, in an order that changes little, with their tokens.

A frozen value, so that a prompt is a function of text, cursor and the chosen context. It stands before the file's own
text: `# path` and the part, one after another; a part is a unit of its own. Units are counted through all parts and on
into the file, in prompt order: two levels, for by default no rotary pair sees how many units or files lie between two
tokens, and a mention needs a number that is one unit's alone. Which parts are chosen: engine/choosing.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]


def common_root(roots: Sequence[str]) -> str:
    """What paths of a workspace with these roots leave off where they are shown: its root, if it has but one."""
    return roots[0] if len(roots) == 1 else ""


def shown_path(path: str, root: str) -> str:
    """A path for people and models, without what it leaves off."""
    return path.removeprefix(root).lstrip("/")


@dataclass(frozen=True)
class Shown:
    """A piece of another file as a prompt shows it.

    path: as the header names it; start, end: the bytes of the file that it stands for; name: what it defines, dotted,
    "" if that has no name; why: the evidence, for people; text: header included; defines: names whose mention means it.
    """

    path: str
    start: int
    end: int
    name: str
    why: str
    text: str
    defines: tuple[str, ...] = ()
    source: bytes = b""

    def same_as(self, other: Shown) -> bool:
        """Whether both show the same text; the reasons may differ."""
        return (self.path, self.text) == (other.path, other.text)


@dataclass(frozen=True, eq=False)
class Part:
    """Something shown, with its tokens, int32[n]."""

    shown: Shown
    ids: IntArray

    @property
    def cost(self) -> int:
        """Tokens."""
        return int(self.ids.size)


@dataclass(frozen=True, eq=False)
class Context:
    """What is shown, in prompt order, in at most `max_units` units (as many as parts where None).

    `ending`: tokens between the last part and the file, for models that want its name there.
    """

    parts: tuple[Part, ...] = ()
    max_units: int | None = None
    ending: IntArray | None = None

    @property
    def cost(self) -> int:
        """Tokens in all."""
        return int(self.ids.size)

    @cached_property
    def ids(self) -> IntArray:
        """int32[n]."""
        tail = [] if self.ending is None or not self.parts else [self.ending]
        return np.concatenate([np.empty(0, np.int32), *(part.ids for part in self.parts), *tail])

    @cached_property
    def units(self) -> IntArray:
        """int32[n], from 0 on; where there may be fewer units than parts, neighbours share one."""
        of_parts = self._unit_of_parts()
        units = np.repeat(np.array(of_parts, np.int32), [part.cost for part in self.parts])
        last = of_parts[-1] if of_parts else 0
        return np.append(units, np.full(self.ids.size - units.size, last, np.int32))

    @cached_property
    def defined(self) -> list[tuple[str, int]]:
        """(name, unit), in the order of units, of what the parts define."""
        return [
            (name, unit)
            for part, unit in zip(self.parts, self._unit_of_parts(), strict=True)
            for name in part.shown.defines
        ]

    def _unit_of_parts(self) -> list[int]:
        count = len(self.parts)
        room = count if self.max_units is None else max(1, min(self.max_units, count))
        return [index * room // count for index in range(count)]


def ordered(wanted: Sequence[Part], before: Iterable[Part]) -> list[Part]:
    """`wanted` in an order in which those that were there `before` keep their places, and new ones come last.

    So the tokens up to the first part that is gone or changed stay as they were, and what was computed for them, too.
    """
    left = list(wanted)
    kept: list[Part] = []
    for old in before:
        found = next((part for part in left if part.shown.same_as(old.shown)), None)
        if found is not None:
            left.remove(found)
            kept.append(found)
    return kept + left
