"""The narrow seam to a language model: token ids and position ids in, token ids out.

Knows no documents, no LSP, and imports no torch, so that whoever only talks *about* a model stays quick to import.
`model/decode.py` is the model in this process; a remote one can stand behind the same `LanguageModel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]
Reason = Literal["stop", "length", "deadline", "cancelled", "memory"]


@dataclass(frozen=True)
class Sampling:
    """Draw tokens at random instead of taking the most likely one: from the likeliest that together have `top_p` of the
    probability, after the logits were divided by `temperature` > 0. The same seed draws the same tokens."""

    temperature: float = 0.8
    top_p: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and 0 < self.top_p <= 1):
            raise ValueError("a temperature is above 0, a top_p in 0..1")


@dataclass(frozen=True)
class Limits:
    """When to stop. `deadline` is in the seconds of time.monotonic(). A forbidden id is never generated, unless it is a
    stop id: those end the generation and are not generated either. `prefix`: bytes that the generated text begins with,
    or is a beginning of where it was broken off. `sampling`: None takes the most likely token each time. `approximate`:
    after an edit far above, rows from before it may serve; what comes of it is nearly what the model says, and is never
    taken for exact."""

    max_new_tokens: int
    deadline: float | None = None
    stop_ids: frozenset[int] = frozenset()
    forbidden_ids: frozenset[int] = frozenset()
    prefix: bytes = b""
    sampling: Sampling | None = None
    approximate: bool = False


@dataclass(frozen=True, eq=False)
class Mentions:
    """Which units a prompt's tokens speak of, so that those units' far keys weigh more (`hirope.mentions`).

    `pairs`: int32[2, m], (token, unit), ascending by token. `of(said)`: the units that the last of the generated tokens
    `said` (at least one) speaks of, always the same for the same tokens; what makes it so is the caller's business.
    """

    pairs: IntArray
    of: Callable[[Sequence[int]], Sequence[int]]

    def after(self, size: int, said: Sequence[int]) -> NDArray[np.int64]:
        """int64[2, k]: (token, unit) of the generated tokens `said`, which follow `size` others."""
        spoken = [(size + n, unit) for n in range(len(said)) for unit in self.of(said[: n + 1])]
        return np.array(spoken, np.int64).reshape(-1, 2).T


class StopFlag(Protocol):
    """Anything that can be asked whether to stop; a threading.Event will do."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True)
class Prefilled:
    """The prompt is in the cache (or as much of it as was computed before a stop): rows taken from the cache, rows
    computed, and how long it took in milliseconds. `exact`: the first rows, where not all, that are what the model
    computes: those after them rest on rows from before an edit (`Limits.approximate`)."""

    reused: int
    prefilled: int
    ms: float
    exact: int | None = None


@dataclass(frozen=True)
class Generated:
    """One new token; `logprob` is its natural log-probability before any id is forbidden: under the model, and
    what its pointer says mixed in, where it has one.

    `drafted` and `accepted` count the tokens that were guessed before the pass which this token is the first to come
    from, and how many of them came true; the accepted ones are those that follow this one.
    """

    id: int
    logprob: float
    drafted: int = 0
    accepted: int = 0


@dataclass(frozen=True)
class Finished:
    """The last event. `memory`: the prompt or its continuation does not fit into the cache or the device."""

    reason: Reason


Event = Prefilled | Generated | Finished


class LanguageModel(Protocol):
    """A causal model with a cache per session. All calls come from one thread.

    `ids` is int32[n], n >= 1; `positions` is int32[levels, n], the unit index in row 0 and the token index inside the
    unit in the last row. `mentions`, if any, are of tokens of the prompt. Arrays of other shapes, ids outside the
    vocabulary and mentions by other tokens raise ValueError.
    """

    def generate(
        self,
        session: str,
        ids: IntArray,
        positions: IntArray,
        limits: Limits,
        stop: StopFlag,
        mentions: Mentions | None = None,
    ) -> Iterator[Event]:
        """Continue the prompt, greedily or as `limits` say: one Prefilled, any number of Generated, one Finished.

        The longest prefix equal in ids, positions and mentions to what the session holds is reused. What was computed
        stays in the session, whatever ends the generation, closing the iterator included; a generated token has the
        unit of the token before it and the next index in it, and mentions what `mentions.of` says. A model that gives
        mentions no weight may take no notice of them.
        """
        ...

    def warm(self, session: str, ids: IntArray, positions: IntArray, stop: StopFlag, modest: bool = False) -> Prefilled:
        """Bring the prompt, without mentions, into the session's cache in small chunks, looking at `stop` between.

        modest: only beside what is there. No other session goes for it, and what this one was about is as near as it
        was; where there is no room for that, nothing is read.
        """
        ...

    def cached(self, session: str) -> tuple[int, int]:
        """(tokens, bytes) held for the session; (0, 0) when nothing is."""
        ...

    def drop(self, session: str) -> None:
        """Forget the session."""
        ...

    def score(self, ids: IntArray, positions: IntArray, mentions: Mentions | None = None) -> NDArray[np.float32]:
        """Natural log-probabilities of ids[1:], each after all that precedes it: float32[n-1]. By the model alone,
        whatever its pointer would say."""
        ...
