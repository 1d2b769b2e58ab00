"""The language model in this process: prefix reuse, chunked prefill, greedy decode.

Implements `LanguageModel` of generator.py over a patched model and a KV store. Knows ids and positions; knows no text,
no documents, no threads but its owner's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hirope_ls.model.choice import Choice
from hirope_ls.model.generator import Event, Finished, Generated, IntArray, Limits, Prefilled, Reason, StopFlag
from hirope_ls.model.kv import BudgetError, KVStore, Session
from hirope_ls.model.loader import Loaded
from hirope_ls.model.needs import measure
from hirope_ls.problems import InputError

_SCORING = "\0score"  # no editor's session is called so
_CHUNK_WORK = 3e10  # multiplications in one prefilled chunk on a CPU: a fraction of a second on two cores
_LOGITS_AT_ONCE = 2**25  # numbers in one block of scored logits: 128 MiB


@dataclass
class _Run:
    """One generation: its prompt, what it has said, and when to stop."""

    key: str
    ids: IntArray
    positions: IntArray
    limits: Limits
    stop: StopFlag
    started: float = field(default_factory=time.monotonic)
    said: list[int] = field(default_factory=list)
    told: bool = False  # whether Prefilled was sent

    def prompt(self) -> tuple[IntArray, IntArray]:
        """The prompt and what was said so far, with the positions that a generated token gets."""
        if not self.said:
            return self.ids, self.positions
        last = np.repeat(self.positions[:, -1:], len(self.said), axis=1)
        last[-1] += np.arange(1, len(self.said) + 1, dtype=np.int32)
        return np.append(self.ids, np.array(self.said, np.int32)), np.append(self.positions, last, axis=1)

    def halted(self) -> Reason | None:
        if self.stop.is_set():
            return "cancelled"
        if self.limits.deadline is not None and time.monotonic() >= self.limits.deadline:
            return "deadline"
        return None

    def prefilled(self, reused: int, prefilled: int) -> Iterator[Prefilled]:
        if not self.told:
            self.told = True
            yield Prefilled(reused, prefilled, (time.monotonic() - self.started) * 1e3)


class LocalModel:
    """A loaded model with its caches. Made and used by one thread; see `LanguageModel` for what the methods promise.

    `budget_bytes` bounds the KV caches. `special` ids are never generated (but stop ids end a generation), nor are ids
    from `vocab_size` on, which have no text. `chunk`: rows prefilled between two looks at the stop flag. Raises
    ValueError for a scheme without row_switch, under which a row depends on how long the prompt becomes.
    """

    def __init__(
        self,
        loaded: Loaded,
        budget_bytes: int,
        special: frozenset[int] = frozenset(),
        vocab_size: int | None = None,
        chunk: int | None = None,
    ) -> None:
        if loaded.hirope.scheme.hierarchical and not loaded.hirope.scheme.row_switch:
            raise ValueError("cached rows would change when a prompt grows: LocalModel needs a scheme with row_switch")
        on_cpu = loaded.device.type == "cpu"
        self._hirope, self._device = loaded.hirope, loaded.device
        self._chunk = chunk or (_rows_on_cpu(loaded.card.parameters) if on_cpu else 2048)
        self._warm_chunk = max(1, self._chunk // 4)  # nobody waits for it, but somebody may wait for it to stop
        needs = measure(loaded)
        self._vocab = needs.vocab_size
        self._choice = Choice(special | frozenset(range(vocab_size or self._vocab, self._vocab)), loaded.device)
        self._store = KVStore(needs.layers, needs.dtype, loaded.device, budget_bytes)

    @property
    def used_bytes(self) -> int:
        """Bytes of all caches together; never more than the budget."""
        return self._store.used_bytes

    def generate(
        self, session: str, ids: IntArray, positions: IntArray, limits: Limits, stop: StopFlag
    ) -> Iterator[Event]:
        self._check(ids, positions)
        return self._generate(_Run(session, ids, positions, limits, stop))

    def warm(self, session: str, ids: IntArray, positions: IntArray, stop: StopFlag) -> Prefilled:
        self._check(ids, positions)
        run = _Run(session, ids, positions, Limits(0), stop)
        try:
            reused, rows = self._warm(run)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            self._forget_all()
            reused, rows = 0, 0
        return next(iter(run.prefilled(reused, rows)))

    def cached(self, session: str) -> tuple[int, int]:
        held = self._store.get(session)
        return (held.length, held.cache.nbytes) if held else (0, 0)

    def drop(self, session: str) -> None:
        self._store.drop(session)

    def score(self, ids: IntArray, positions: IntArray) -> NDArray[np.float32]:
        """As in `LanguageModel`. Raises InputError where the budget does not hold the text."""
        self._check(ids, positions)
        session = self._store.open(_SCORING, len(positions))
        scores = []
        try:
            session.truncate(0)
            self._store.reserve(_SCORING, len(ids), len(ids))
            size = max(16, min(self._chunk, _LOGITS_AT_ONCE // self._vocab))
            for start in range(0, len(ids) - 1, size):
                part = slice(start, min(start + size, len(ids) - 1))
                logits = self._advance(session, ids[part], positions[:, part], last_only=False)
                scores.append(_log_probabilities(logits[0], ids[part.start + 1 : part.stop + 1]))
        except BudgetError:
            raise InputError(f"{len(ids)} tokens need more cache than the KV budget: raise it to score them") from None
        finally:
            self._store.drop(_SCORING)
        return np.concatenate(scores) if scores else np.zeros(0, np.float32)

    def _check(self, ids: IntArray, positions: IntArray) -> None:
        if ids.ndim != 1 or not len(ids) or positions.ndim != 2 or positions.shape[1] != len(ids):
            raise ValueError(f"ids of shape {ids.shape} with positions of shape {positions.shape}")
        if ids.min() < 0 or ids.max() >= self._vocab:  # on CUDA it would poison the device
            raise ValueError(f"ids outside the vocabulary of {self._vocab}")

    def _generate(self, run: _Run) -> Iterator[Event]:
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

    def _events(self, run: _Run) -> Iterator[Event]:
        ids, positions = run.prompt()
        try:
            session = self._resume(run.key, ids, positions, run.limits.max_new_tokens - len(run.said))
        except BudgetError:
            yield from run.prefilled(0, 0)
            yield Finished("memory")
            return
        lease, reused = session.lease, session.length
        logits, reason = self._prefill(session, ids, positions, self._chunk, run.halted)
        yield from run.prefilled(reused, session.length - reused)
        reason = reason or self._ended(run, session, lease)
        while not reason:
            token, logprob = self._choice.best(logits[0, -1], run.limits)
            if token is None:
                reason = "stop"
                break
            run.said.append(token)
            yield Generated(token, logprob)
            reason = self._ended(run, session, lease)
            if not reason:
                logits = self._step(session, token)
        yield Finished(reason)

    def _resume(self, key: str, ids: IntArray, positions: IntArray, new: int) -> Session:
        """The session cut to what it shares with the prompt, less a row to compute logits from, with room to go on."""
        session = self._store.open(key, len(positions))
        session.truncate(min(session.shared(ids, positions), len(ids) - 1))
        self._store.reserve(key, len(ids), len(ids) + new)
        return session

    def _warm(self, run: _Run) -> tuple[int, int]:
        """(rows reused, rows computed)."""
        session = self._store.open(run.key, len(run.positions))
        shared = session.shared(run.ids, run.positions)
        if shared == len(run.ids):
            return shared, 0  # what lies beyond may be wanted again
        session.truncate(shared)
        try:
            self._store.reserve(run.key, len(run.ids), len(run.ids))
        except BudgetError:
            return shared, 0
        reused = session.length
        self._prefill(session, run.ids, run.positions, self._warm_chunk, run.halted)
        return reused, session.length - reused

    def _prefill(
        self,
        session: Session,
        ids: IntArray,
        positions: IntArray,
        chunk: int,
        halted: Callable[[], Reason | None],
    ) -> tuple[Tensor, Reason | None]:
        """Compute the rows that are missing; the last one's logits [1, 1, vocab], or why it stopped before."""
        logits = torch.empty(0)
        while session.length < len(ids):
            reason = halted()
            if reason:
                return logits, reason
            part = slice(session.length, session.length + chunk)
            logits = self._advance(session, ids[part], positions[:, part])
        return logits, None

    def _ended(self, run: _Run, session: Session, lease: object) -> Reason | None:
        if len(run.said) >= run.limits.max_new_tokens:
            return "length"
        if session.lease is not lease:  # while this generation was paused, the session went to another call
            return "cancelled"
        return run.halted() or ("memory" if session.length >= session.cache.capacity else None)

    def _step(self, session: Session, token: int) -> Tensor:
        keys = session.stage_next(token)
        return self._forward(session, torch.tensor([[token]], device=self._device), keys)

    def _advance(self, session: Session, ids: IntArray, positions: IntArray, last_only: bool = True) -> Tensor:
        """Append rows to the session; logits [1, 1 or n, vocab]."""
        keys = session.stage(ids, positions)
        rows = torch.from_numpy(ids.astype(np.int64)).to(self._device)[None]
        return self._forward(session, rows, keys, last_only)

    def _forward(self, session: Session, rows: Tensor, keys: Tensor, last_only: bool = True) -> Tensor:
        try:
            with torch.inference_mode():
                logits = self._hirope.forward(rows, keys, session.cache, last_only=last_only)
        except BaseException:
            session.cache.truncate(session.length)  # some layers may have the new rows, others not
            raise
        session.commit(rows.shape[1])
        return logits

    def _forget_all(self) -> None:
        self._store.clear()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _rows_on_cpu(parameters: int) -> int:
    """A power of two from 32 to 512: large chunks are quicker by the row, small ones can be stopped sooner."""
    rows = 512
    while rows > 32 and rows * parameters > _CHUNK_WORK:
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
