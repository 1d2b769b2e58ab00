"""The decode loop of one generation: a token is chosen, told, and read again for the next one.

Where drafts promise to pay, several rows are computed in one pass and the tokens that came true are told one by one:
the same tokens as without, and only rows of tokens that were chosen stay in the session. Knows ids and a session; the
model is two functions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from torch import Tensor

from hirope_ls.model.choice import Choice
from hirope_ls.model.drafts import Drafts
from hirope_ls.model.generator import Event, Generated, Reason
from hirope_ls.model.pace import Pace
from hirope_ls.model.pointer import Pointed
from hirope_ls.model.run import Run
from hirope_ls.model.session import Session

Step = Callable[[Session, int, Sequence[int]], Tensor]
"""Reads one token that mentions these units; logits [1, 1, vocab]."""
Pass = Callable[[Session, Sequence[int], Sequence[Sequence[int]]], Tensor]
"""Reads several tokens, each with what it mentions; logits [1, n, vocab]."""


class Loop:
    """One generation in one session, which is taken to be leased for it. `drafts` is None where none are wanted, and
    `pointed` where the model alone says what comes."""

    def __init__(
        self,
        run: Run,
        session: Session,
        choice: Choice,
        step: Step,
        verify: Pass,
        drafts: Drafts | None,
        pace: Pace,
        pointed: Pointed | None = None,
    ) -> None:
        self._run, self._session, self._choice = run, session, choice
        self._step, self._verify = step, verify
        self._drafts, self._pace, self._pointed = drafts, pace, pointed
        self._lease = session.lease

    def events(self, logits: Tensor) -> Generator[Event, None, Reason]:
        """All tokens from `logits` [1, 1, vocab] of the prompt's last row on; returns why there are no more."""
        self._pace.begin()
        chosen = self._choose(logits, [])
        while True:
            for event in chosen:
                if event is None:
                    return "stop"
                self._run.said.append(event.id)
                yield event
                reason = self.ended()
                if reason:
                    return reason
            chosen = self._next()

    def ended(self) -> Reason | None:
        """Why no further token may be computed."""
        run, said = self._run, len(self._run.said)
        if said >= run.limits.max_new_tokens:
            return "length"
        if self._session.lease is not self._lease:  # while this generation was paused, the session went to another call
            return "cancelled"
        return run.halted() or ("memory" if len(run.prompt.ids) + said > self._session.cache.capacity else None)

    def _next(self) -> list[Generated | None]:
        """What follows the token told last, which is the only one that the session lacks."""
        run, session = self._run, self._session
        drafts, matched = self._guess()
        began = time.perf_counter()
        if not drafts:
            chosen = self._choose(self._step(session, run.said[-1], run.mentioned()), drafts)
            self._pace.stepped(time.perf_counter() - began)
            return chosen
        chosen = self._choose(self._verify(session, [run.said[-1], *drafts], run.mentioned_by(drafts)), drafts)
        self._pace.verified(matched, len(chosen) - 1, time.perf_counter() - began)
        if chosen[0] is not None:
            chosen[0] = replace(chosen[0], drafted=len(drafts), accepted=len(chosen) - 1)
        return chosen

    def _guess(self) -> tuple[list[int], int]:
        """Drafts that are worth a pass, and how many tokens matched before them."""
        run, session = self._run, self._session
        room = min(run.limits.max_new_tokens - len(run.said), session.cache.capacity - session.length) - 1
        if self._drafts is None or room < 1:
            return [], 0
        self._drafts.follow(run.said)
        place, matched = self._drafts.look_up()
        most = min(self._pace.most(matched), room)
        return (self._drafts.at(place, most) if most else []), matched

    def _choose(self, logits: Tensor, drafts: Sequence[int]) -> list[Generated | None]:
        """The tokens that the last rows' `logits` [1, n, vocab] call for: the drafts that come true, and the one after
        them; None for the end of the text. The rows of the other drafts are forgotten."""
        chosen: list[Generated | None] = []
        said = self._run.said
        for count, (row, draft) in enumerate(zip(logits[0], [*drafts, None], strict=True)):
            text = [*said, *drafts[:count]]
            shares = self._pointed.after(text) if self._pointed else None
            token, logprob = self._choice.best(row, self._run.limits, text, shares)
            chosen.append(None if token is None else Generated(token, logprob))
            if token != draft:
                break
        self._session.retract(len(drafts) + 1 - len(chosen))
        return chosen
