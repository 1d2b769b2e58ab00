"""What a task is to the driver: items found in sources, and figures measured on each by a reader.

Knows no task in particular.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import Source

T = TypeVar("T")


@dataclass(frozen=True)
class Item:
    """One question at one length.

    id       says what is asked, and not at which length: the name of the source it is from, "@", and a place in it
    length   tokens of context, or of distance
    payload  the task's own frozen value
    """

    id: str
    length: int
    payload: Any

    @property
    def file(self) -> str:
        """The name of the source that it is from."""
        return self.id.rpartition("@")[0]


class Task(Protocol):
    """One way of asking. `measure` gives a number for each of `metrics`, never NaN."""

    @property
    def name(self) -> str: ...

    @property
    def metrics(self) -> tuple[str, ...]: ...

    def items(self, sources: Sequence[Source], lengths: Sequence[int], limit: int, seed: int) -> list[Item]:
        """Items from `limit` files at most, the same ids at every length; depends on names, texts and seed alone.

        Raises InputError where there are none.
        """
        ...

    def measure(self, reader: Reader, item: Item) -> dict[str, float]:
        """Metric to value."""
        ...


def by_turns(each: Iterable[Iterator[T]], limit: int) -> list[T]:
    """Up to `limit` things: the first of each iterator, then the second of each, and so on; no more are made."""
    found: list[T] = []
    waiting: Iterable[Iterator[T]] = each
    while len(found) < limit:
        left = []
        for one in waiting:
            for thing in islice(one, 1):
                found.append(thing)
                left.append(one)
            if len(found) >= limit:
                break
        if not left:
            break
        waiting = left
    return found
