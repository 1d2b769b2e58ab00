"""What a model is to read, and how far one generation has come: plain values of model/decode.py, without any torch.

What a generated token gets, besides its id, is said here: its positions, and what it mentions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirope_ls.model.generator import IntArray, Limits, Mentions, Prefilled, Reason, StopFlag

Pairs = NDArray[np.int64]
Texts = tuple[NDArray[np.integer], NDArray[np.integer], Pairs]
"""What `Rows` are, of whatever integers."""

NO_MENTIONS: Pairs = np.zeros((2, 0), np.int64)
_FIRST_LOOK = 64  # rows; most other files differ within them


class Rows(NamedTuple):
    """All that rows are computed from: ids [n], positions [levels, n], mentions int64[2, m]."""

    ids: IntArray
    positions: IntArray
    mentions: Pairs = NO_MENTIONS

    def check(self, vocab: int) -> Rows:
        """Raises ValueError for what is no such thing."""
        ids, positions, mentions = self
        if ids.ndim != 1 or not len(ids) or positions.ndim != 2 or positions.shape[1] != len(ids):
            raise ValueError(f"ids of shape {ids.shape} with positions of shape {positions.shape}")
        if ids.min() < 0 or ids.max() >= vocab:  # on CUDA it would poison the device
            raise ValueError(f"ids outside the vocabulary of {vocab}")
        if mentions.ndim != 2 or len(mentions) != 2 or (np.diff(mentions[0]) < 0).any():
            raise ValueError("mentions are int[2, m], ascending by token")
        if mentions.size and (mentions.min() < 0 or mentions[0, -1] >= len(ids)):
            raise ValueError(f"mentions by tokens that are not among the {len(ids)}")
        return self


@dataclass
class Run:
    """One generation: its prompt, what it has said, and when to stop."""

    key: str
    prompt: Rows
    limits: Limits
    stop: StopFlag
    mentions: Mentions | None = None
    started: float = field(default_factory=time.monotonic)
    said: list[int] = field(default_factory=list)
    told: bool = False  # whether Prefilled was sent

    def rows(self) -> Rows:
        """The prompt and what was said so far, with the positions and mentions that a generated token gets."""
        if not self.said:
            return self.prompt
        ids, positions, mentions = self.prompt
        last = np.repeat(positions[:, -1:], len(self.said), axis=1)
        last[-1] += np.arange(1, len(self.said) + 1, dtype=np.int32)
        return Rows(
            np.append(ids, np.array(self.said, np.int32)),
            np.append(positions, last, axis=1),
            np.append(mentions, self.mentions.after(len(ids), self.said), axis=1) if self.mentions else mentions,
        )

    def mentioned(self) -> Sequence[int]:
        """The units that the token said last mentions."""
        return () if self.mentions is None else self.mentions.of(self.said)

    def mentioned_by(self, drafts: Sequence[int]) -> Sequence[Sequence[int]]:
        """The units that the token said last mentions, and those that each of the drafts would if it came next."""
        if self.mentions is None:
            return [()] * (len(drafts) + 1)
        said = [*self.said, *drafts]
        return [self.mentions.of(said[:end]) for end in range(len(self.said), len(said) + 1)]

    def halted(self) -> Reason | None:
        if self.stop.is_set():
            return "cancelled"
        if self.limits.deadline is not None and time.monotonic() >= self.limits.deadline:
            return "deadline"
        return None

    def prefilled(self, reused: int, prefilled: int, exact: int | None = None) -> Iterator[Prefilled]:
        if not self.told:
            self.told = True
            yield Prefilled(reused, prefilled, (time.monotonic() - self.started) * 1e3, exact)


def common(one: Texts, two: Texts, size: int) -> int:
    """How many of the first `size` rows of both, from the first one on, are computed from the same: equal in ids, in
    every level of the positions, and in mentions."""
    at, look = 0, _FIRST_LOOK
    while at < size:
        part = slice(at, min(at + look, size))
        differs = one[0][part] != two[0][part]
        differs |= (one[1][:, part] != two[1][:, part]).any(axis=0)
        if differs.any():
            at += int(differs.argmax())
            break
        at, look = part.stop, 4 * look
    return min(at, _first_difference(one[2], two[2], at))


def between(mentions: Pairs, start: int, end: int) -> Pairs:
    """Those of the tokens start .. end-1."""
    low, high = np.searchsorted(mentions[0], (start, end)).tolist() if mentions.size else (0, 0)
    return mentions[:, low:high]


def _first_difference(one: Pairs, two: Pairs, size: int) -> int:
    """The first token, below `size`, whose mentions are not the same in both; `size` if there is none."""
    one, two = between(one, 0, size), between(two, 0, size)
    same = min(one.shape[1], two.shape[1])
    differs = (one[:, :same] != two[:, :same]).any(axis=0)
    at = int(differs.argmax()) if differs.any() else same
    return int(min((pairs[0, at] for pairs in (one, two) if at < pairs.shape[1]), default=size))
