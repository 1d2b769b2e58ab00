"""Random documents in units, and what a model says to them: helpers of the decode tests."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from model.tiny_models import VOCABULARY

from hirope_ls.model.decode import LocalModel
from hirope_ls.model.generator import Event, Finished, Generated, IntArray, Limits, Mentions, Prefilled
from hirope_ls.model.loader import Loaded
from hirope_ls.model.session import Session

Prompt = tuple[IntArray, IntArray]


class Flag:
    """A stop flag that is set from its `after`-th question on; never without one."""

    def __init__(self, after: int | None = None) -> None:
        self.after, self.asked = after, 0

    def is_set(self) -> bool:
        self.asked += 1
        return self.after is not None and self.asked > self.after


NEVER = Flag()


@dataclass(frozen=True)
class Told:
    """All that one generation said."""

    prefilled: Prefilled
    ids: list[int]
    logprobs: list[float]
    reason: str


def told(events: Iterator[Event]) -> Told:
    """Collect the events of a generation and hold it to their order: one Prefilled, Generated ones, one Finished."""
    first, *middle, last = list(events)
    assert isinstance(first, Prefilled) and isinstance(last, Finished)
    generated = [event for event in middle if isinstance(event, Generated)]
    assert len(generated) == len(middle)
    return Told(first, [event.id for event in generated], [event.logprob for event in generated], last.reason)


def ask(model: LocalModel, session: str, prompt: Prompt, new: int = 4, mentions: Mentions | None = None) -> Told:
    return told(model.generate(session, *prompt, Limits(new), NEVER, mentions))


def arrays(units: list[list[int]]) -> Prompt:
    """Ids and (unit, token) positions of a document given as units: read-only, as a snapshot's are."""
    ids = [id for unit in units for id in unit]
    places = [(number, index) for number, unit in enumerate(units) for index in range(len(unit))]
    prompt = np.array(ids, np.int32), np.array(places, np.int32).T.copy()
    for array in prompt:
        array.flags.writeable = False
    return prompt


def cut(prompt: Prompt, length: int) -> Prompt:
    return prompt[0][:length], prompt[1][:, :length]


def a_prompt(size: int, seed: int = 0) -> Prompt:
    source = np.random.default_rng(seed)
    ids = source.integers(4, VOCABULARY, size).tolist()
    return arrays([ids[start : start + 11] for start in range(0, size, 11)])


class Document:
    """Units of random ids, edited as a user would: typing, changing, inserting, deleting, moving, accepting."""

    def __init__(self, source: random.Random, vocabulary: int, size: int) -> None:
        self.source, self.vocabulary, self.size = source, vocabulary, size
        self.units: list[list[int]] = []
        while self.length < 0.8 * size:
            self.units.append(self._unit())
        self.cursor = self.length

    @property
    def length(self) -> int:
        return sum(map(len, self.units))

    def prompt(self) -> Prompt:
        return cut(arrays(self.units), self.cursor)

    def step(self, said: list[int]) -> str:
        """One random action; `said` is what the model answered last. Returns its name."""
        action = self.source.choice([self.type, self.accept, self.change, self.insert, self.delete, self.move])
        action(said)
        while self.length > self.size:
            self.units.pop(self.source.randrange(len(self.units)))
        self.units = self.units or [self._unit()]
        self.cursor = max(1, min(self.cursor, self.length))
        return action.__name__

    def type(self, said: list[int]) -> None:
        self._put([self._id() for _ in range(self.source.randint(1, 3))])

    def accept(self, said: list[int]) -> None:
        self._put(said)

    def change(self, said: list[int]) -> None:
        unit = self.source.choice(self.units)
        unit[self.source.randrange(len(unit))] = self._id()

    def insert(self, said: list[int]) -> None:
        self.units.insert(self.source.randint(0, len(self.units)), self._unit())
        self.cursor = self.length

    def delete(self, said: list[int]) -> None:
        self.units.pop(self.source.randrange(len(self.units)))

    def move(self, said: list[int]) -> None:
        self.cursor = self.source.randint(1, max(1, self.length))

    def _put(self, ids: list[int]) -> None:
        """Write at the cursor, into the unit of the token before it."""
        at = self.cursor
        for unit in self.units:
            if at <= len(unit):
                unit[at:at] = ids
                break
            at -= len(unit)
        self.cursor += len(ids)

    def _unit(self) -> list[int]:
        return [self._id() for _ in range(self.source.randint(1, self.size // 6))]

    def _id(self) -> int:
        return self.source.randrange(4, self.vocabulary)


def session_of(model: LocalModel, key: str) -> Session:
    session = model._store.get(key)
    assert session is not None
    return session


def assert_same_rows(warm: Session, cold: Session) -> None:
    """The cached rows of both, over the rows that both have, agree as far as fp32 with other chunks can."""
    length = min(warm.length, cold.length)
    for mine, theirs in zip(warm.cache.layers, cold.cache.layers, strict=True):
        assert mine.length == warm.length
        for a, b in ((mine.keys, theirs.keys), (mine.values, theirs.values)):
            torch.testing.assert_close(a[:, :, :length], b[:, :, :length], rtol=1e-3, atol=1e-3)


@contextmanager
def failing(loaded: Loaded, error: BaseException, after: int, times: int = 10**9) -> Iterator[None]:
    """The second layer of the model raises `error`, from its `after`-th call on, `times` times."""
    calls = 0

    def hook(*_: object) -> None:
        nonlocal calls
        calls += 1
        if after < calls <= after + times:
            raise error

    handle = loaded.hirope.model.model.layers[1].register_forward_pre_hook(hook)
    decoder = loaded.hirope._decoder
    if decoder is not None:  # its blocks call no module
        first, second, *rest = decoder.blocks
        second = second._replace(before=lambda x, before=second.before: hook() or before(x))
        loaded.hirope._decoder = replace(decoder, blocks=(first, second, *rest))
    quick = loaded.hirope._quick
    if quick is not None:
        quick._layer = lambda own, *rest: (own is quick._layers[1] and hook()) or type(quick)._layer(quick, own, *rest)
    try:
        yield
    finally:
        handle.remove()
        loaded.hirope._decoder = decoder
        if quick is not None:
            del quick._layer
