"""The language model in this process: prefix reuse, chunked prefill, greedy decode with drafts.

Implements `LanguageModel` of generator.py over a patched model and a KV store. Knows ids and positions; knows no text,
no documents, no threads but its owner's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hirope_ls.model.choice import Choice
from hirope_ls.model.drafts import LONGEST, Drafts
from hirope_ls.model.generator import (
    Event,
    Finished,
    IntArray,
    Limits,
    Mentions,
    Prefilled,
    Reason,
    StopFlag,
)
from hirope_ls.model.kv import BudgetError, KVStore
from hirope_ls.model.loader import Loaded
from hirope_ls.model.loop import Loop
from hirope_ls.model.needs import measure
from hirope_ls.model.pace import Pace
from hirope_ls.model.pointer import Lexicon, Pointed
from hirope_ls.model.run import NO_MENTIONS, Rows, Run
from hirope_ls.model.session import Session
from hirope_ls.problems import InputError

_SCORING = "\0score"  # no editor's session is called so
_CHUNK_WORK = 3e10  # multiplications in one prefilled chunk on a CPU: a fraction of a second on two cores
_LOGITS_AT_ONCE = 2**25  # numbers in one block of scored logits: 128 MiB


class LocalModel:
    """A loaded model with its caches. Made and used by one thread; see `LanguageModel` for what the methods promise.

    `budget_bytes` bounds the KV caches, `host_bytes` those of them that had to leave the device for host memory (None:
    as many again on a GPU, none on a CPU). `special` ids are never generated (but stop ids end a generation), nor are
    ids from `vocab_size` on, which have no text. `chunk`: rows prefilled between two looks at the stop flag. `drafts`:
    whether tokens are guessed from what was read before, and several verified in one pass; the answer is the same.
    `pieces`: the bytes of each id, without which limits can have no prefix and a pointer knows no indentation.
    Raises ValueError for a scheme without row_switch, under which a row depends on how long the prompt becomes.
    """

    def __init__(
        self,
        loaded: Loaded,
        budget_bytes: int,
        special: frozenset[int] = frozenset(),
        vocab_size: int | None = None,
        chunk: int | None = None,
        drafts: bool = True,
        pieces: Sequence[bytes] | None = None,
        host_bytes: int | None = None,
    ) -> None:
        if loaded.hirope.scheme.hierarchical and not loaded.hirope.scheme.row_switch:
            raise ValueError("cached rows would change when a prompt grows: LocalModel needs a scheme with row_switch")
        on_cpu = loaded.device.type == "cpu"
        loaded.hirope.compile()
        self._hirope, self._device = loaded.hirope, loaded.device
        self._chunk = chunk or (_rows_on_cpu(loaded.card.parameters) if on_cpu else 2048)
        self._warm_chunk = max(1, self._chunk // 4)  # nobody waits for it, but somebody may wait for it to stop
        needs = measure(loaded)
        self._vocab = needs.vocab_size
        never = special | frozenset(range(vocab_size or self._vocab, self._vocab))
        self._choice = Choice(never, loaded.device, pieces)
        self._drafting, self._pace = drafts, Pace()
        pointer = loaded.card.pointer
        self._pointing = None if pointer is None else (pointer, Lexicon.of(self._vocab, never, pieces))
        host_bytes = (0 if on_cpu else budget_bytes) if host_bytes is None else host_bytes
        self._store = KVStore(needs.layers, needs.dtype, loaded.device, budget_bytes, host_bytes)

    @property
    def used_bytes(self) -> int:
        """Bytes of all caches together; never more than the budget."""
        return self._store.used_bytes

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device

    def few_rows(self) -> str:
        """What computes a few rows, in words; waits for machine code that is being made."""
        return self._hirope.few_rows(wait=True)

    def generate(
        self,
        session: str,
        ids: IntArray,
        positions: IntArray,
        limits: Limits,
        stop: StopFlag,
        mentions: Mentions | None = None,
    ) -> Iterator[Event]:
        prompt = self._rows(ids, positions, mentions)
        self._choice.check(limits)
        return self._generate(Run(session, prompt, limits, stop, mentions if self._listens else None))

    def warm(self, session: str, ids: IntArray, positions: IntArray, stop: StopFlag, modest: bool = False) -> Prefilled:
        run = Run(session, self._rows(ids, positions, None), Limits(0), stop)
        try:
            reused, rows = self._warm_beside(run) if modest else self._warm(run)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            self._forget_all()
            reused, rows = 0, 0
        return next(iter(run.prefilled(reused, rows)))

    def cached(self, session: str) -> tuple[int, int]:
        held = self._store.get(session)
        return (held.length, held.nbytes) if held else (0, 0)

    def drop(self, session: str) -> None:
        self._store.drop(session)

    def score(self, ids: IntArray, positions: IntArray, mentions: Mentions | None = None) -> NDArray[np.float32]:
        """As in `LanguageModel`. Raises InputError where the budget does not hold the text."""
        rows = self._rows(ids, positions, mentions)
        session = self._store.open(_SCORING, len(positions))
        scores = []
        try:
            session.truncate(0)
            self._store.reserve(_SCORING, len(ids), len(ids))
            size = max(16, min(self._chunk, _LOGITS_AT_ONCE // self._vocab))
            for start in range(0, len(ids) - 1, size):
                logits = self._advance(session, rows, min(size, len(ids) - 1 - start), last_only=False)
                scores.append(_log_probabilities(logits[0], ids[start + 1 : start + 1 + size]))
        except BudgetError:
            raise InputError(f"{len(ids)} tokens need more cache than the KV budget: raise it to score them") from None
        finally:
            self._store.drop(_SCORING)
        return np.concatenate(scores) if scores else np.zeros(0, np.float32)

    @property
    def _listens(self) -> bool:
        return self._hirope.scheme.mention_gain > 0

    def _rows(self, ids: IntArray, positions: IntArray, mentions: Mentions | None) -> Rows:
        """What the rows are computed from, checked."""
        pairs = mentions.pairs.astype(np.int64) if mentions is not None and self._listens else NO_MENTIONS
        return Rows(ids, positions, pairs).check(self._vocab)

    def _generate(self, run: Run) -> Iterator[Event]:
        for _ in range(2):
            try:
                yield from self._events(run)
                return
            except (MemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
                    raise
            self._forget_all()  # outside the handler: the traceback held the step's tensors
        yield from run.prefilled(0, 0)
        yield Finished("memory")

    def _events(self, run: Run) -> Iterator[Event]:
        rows, drafts = run.rows(), self._drafts(run)  # before the session forgets what it does not share
        try:
            session = self._resume(run, rows)
        except BudgetError:
            yield from run.prefilled(0, 0)
            yield Finished("memory")
            return
        pointed = None
        if self._pointing is not None:
            pointer, lexicon = self._pointing
            pointed = Pointed(pointer, run.prompt.ids, run.limits.max_new_tokens, lexicon)
        loop = Loop(run, session, self._choice, self._step, self._verify, drafts, self._pace, pointed)
        logits, reason = self._prefill(session, rows, self._chunk, run.halted)
        exact = session.exact if session.exact < session.length else None
        yield from run.prefilled(session.length - session.computed, session.computed, exact)
        reason = reason or loop.ended() or (yield from loop.events(logits))
        yield Finished(reason)

    def _drafts(self, run: Run) -> Drafts | None:
        """All that may foretell this generation: what the caches were computed from, and what this one held before."""
        room = run.limits.max_new_tokens
        if not self._drafting or room < 2:
            return None
        held = {key: session for key in self._store if (session := self._store.get(key))}
        others = [
            each.ids[max(0, each.shared(run.prompt) - LONGEST) if key == run.key else 0 :] for key, each in held.items()
        ]
        return Drafts(others, run.prompt.ids, room)

    def _resume(self, run: Run, rows: Rows) -> Session:
        """The session cut to what it shares with the prompt, less a row to compute logits from, with room to go on."""
        new = run.limits.max_new_tokens - len(run.said)
        return self._store.resume(run.key, rows, len(rows.ids) - 1, new, run.limits.approximate)

    def _warm(self, run: Run) -> tuple[int, int]:
        """(rows reused, rows computed)."""
        session, size = self._store.open(run.key, len(run.prompt.positions)), len(run.prompt.ids)
        shared = session.shared(run.prompt)
        if shared == size:
            return shared, 0  # what lies beyond may be wanted again
        try:
            session = self._store.resume(run.key, run.prompt, size, 0)
        except BudgetError:
            return shared, 0
        self._prefill(session, run.prompt, self._warm_chunk, run.halted)
        return session.length - session.computed, session.computed

    def _warm_beside(self, run: Run) -> tuple[int, int]:
        """As `_warm`, where nothing has to go for it."""
        with self._store.beside(run.key, run.prompt) as session:
            if session is None:
                return 0, 0
            self._prefill(session, run.prompt, self._warm_chunk, run.halted)
            return session.length - session.computed, session.computed

    def _prefill(
        self, session: Session, rows: Rows, chunk: int, halted: Callable[[], Reason | None]
    ) -> tuple[Tensor, Reason | None]:
        """Compute the rows that are missing; the last one's logits [1, 1, vocab], or why it stopped before."""
        logits = torch.empty(0)
        while session.length < len(rows.ids):
            reason = halted()
            if reason:
                return logits, reason
            logits = self._advance(session, rows, chunk)
        return logits, None

    def _step(self, session: Session, token: int, mentioned: Sequence[int]) -> Tensor:
        keys = session.stage_next(token, mentioned)
        return self._forward(session, torch.tensor([[token]], device=self._device), keys)

    def _verify(self, session: Session, tokens: Sequence[int], mentioned: Sequence[Sequence[int]]) -> Tensor:
        """As `_step`, for several tokens; logits [1, n, vocab]."""
        keys = session.stage_all(tokens, mentioned)
        return self._forward(session, torch.tensor([tokens], device=self._device), keys, last_only=False)

    def _advance(self, session: Session, rows: Rows, count: int, last_only: bool = True) -> Tensor:
        """Append up to `count` of the rows that the session lacks; logits [1, 1 or n, vocab]."""
        keys = session.stage(rows, count)
        ids = torch.from_numpy(rows.ids[session.length : keys.shape[1]].astype(np.int64))
        return self._forward(session, ids.to(self._device)[None], keys, last_only)

    def _forward(self, session: Session, ids: Tensor, keys: Tensor, last_only: bool = True) -> Tensor:
        try:
            with torch.inference_mode():
                logits = self._hirope.forward(ids, keys, session.cache, last_only, session.mentions)
        except BaseException:
            session.cache.truncate(session.length)  # some layers may have the new rows, others not
            raise
        session.commit(ids.shape[1])
        return logits

    def _forget_all(self) -> None:
        self._store.clear()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _rows_on_cpu(parameters: int) -> int:
    """From 48 to 768: large chunks are quicker by the row, small ones can be stopped sooner. From 768 on torch's flash
    kernel takes queries 256 at a time, and costs a quarter less."""
    rows = 768
    while rows > 48 and rows * parameters > _CHUNK_WORK:
        rows //= 2
    return rows


def _log_probabilities(logits: Tensor, targets: IntArray) -> NDArray[np.float32]:
    """float32[n] of the targets' log-probabilities under logits [n, vocab]."""
    logits = logits.float()
    index = torch.from_numpy(targets.astype(np.int64)).to(logits.device)[:, None]
    chosen = logits.gather(1, index)[:, 0] - logits.logsumexp(1)
    result: NDArray[np.float32] = chosen.cpu().numpy()
    return result


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
