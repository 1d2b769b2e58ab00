"""The model thread: it alone touches the model, so the model needs no locks.

Completions of one key replace each other (the newest wins), warm-up jobs run when nothing else waits and step
aside for completions. The worker knows nothing of torch, documents or LSP: jobs are functions of (model, stop
flag), and what they raise reaches their future and nobody else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hirope_ls.model.generator import StopFlag

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger("hirope_ls")


class Superseded(Exception):
    """A newer job of the same key took this one's place."""


class Closed(Exception):
    """The worker was closed before the job was done."""


@dataclass(eq=False)
class _Job:
    key: Hashable
    run: Callable[[Any, StopFlag], Any]
    future: Future[Any]
    urgent: bool
    stop: threading.Event = field(default_factory=threading.Event)
    aside: bool = False  # stopped only to let another one pass


class Worker(Generic[T]):
    """One thread that loads a model and runs jobs on it, one at a time.

    `load` is called on the thread, at once; `loaded` holds its result or its exception, which every job then gets.
    All methods may be called from any thread and return without waiting for the model. Futures may also be
    cancelled directly (`future.cancel()`), also while their job runs: the job's stop flag is set.
    """

    def __init__(self, load: Callable[[], T], name: str = "hirope-model") -> None:
        self.loaded: Future[T] = Future()
        self._load = load
        self._wake = threading.Condition()
        self._waiting: dict[tuple[bool, Hashable], _Job] = {}  # in order of arrival
        self._running: _Job | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        with self._wake:
            return self._running is not None or bool(self._waiting)

    @property
    def queue(self) -> tuple[int, int]:
        """How many jobs run or wait: those that somebody waits for, and warm-ups."""
        with self._wake:
            jobs = [*self._waiting.values(), *([self._running] if self._running else [])]
        urgent = sum(job.urgent for job in jobs)
        return urgent, len(jobs) - urgent

    def submit(self, key: Hashable, job: Callable[[T, StopFlag], R]) -> Future[R]:
        """Run a job soon; an older one of this key ends with Superseded, whether it waits or runs."""
        return self._add(key, job, urgent=True)

    def warm(self, key: Hashable, job: Callable[[T, StopFlag], R], first: bool = False) -> Future[R]:
        """Run a job when no other waits. It is stopped for a completion and run again afterwards, from its start.

        So it must be worth repeating: prefilling is, as what is already in the cache costs nothing. `first`: before
        all other warm-ups that wait.
        """
        return self._add(key, job, urgent=False, first=first)

    def hurry(self, future: Future[Any]) -> None:
        """Somebody waits for this warm-up now: from here on it is a job like those submitted, under its own key."""
        with self._wake:
            jobs = [job for job in (*self._waiting.values(), self._running) if job is not None]
            job = next((job for job in jobs if job.future is future and not job.urgent), None)
            older = self._promote(job) if job is not None else []
        for old in older:
            _fail(old.future, Superseded())

    def cancel(self, future: Future[Any]) -> bool:
        """End a job's future with CancelledError and stop the job; False if it was over already."""
        return future.cancel()

    def close(self, timeout: float = 2.0) -> bool:
        """End all jobs with Closed and the thread with them; False if it is still busy after `timeout` seconds.

        The thread is a daemon: a model call that does not look at its stop flag cannot hold up the process's end.
        """
        with self._wake:
            self._closed = True
            jobs = [*self._waiting.values(), *([self._running] if self._running else [])]
            self._waiting.clear()
            self._wake.notify_all()
        for job in jobs:
            _fail(job.future, Closed())
        _fail(self.loaded, Closed())
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _add(self, key: Hashable, run: Callable[[T, StopFlag], R], urgent: bool, first: bool = False) -> Future[R]:
        future: Future[R] = Future()
        job = _Job(key, run, future, urgent)
        with self._wake:
            closed = self._closed
            older = [] if closed else self._replace(job)
            if first and not closed:
                self._waiting = {(urgent, key): job, **self._waiting}
            self._wake.notify_all()
        # Callbacks of futures are other people's code: never under the lock.
        future.add_done_callback(lambda _: self._ended(job))
        for old in older:
            _fail(old.future, Superseded())
        if closed:
            _fail(future, Closed())
        return future

    def _replace(self, job: _Job) -> list[_Job]:
        """Queue a job and return those whose place it takes."""
        slot = (job.urgent, job.key)
        older = [self._waiting.pop(slot)] if slot in self._waiting else []
        self._waiting[slot] = job
        running = self._running
        if running is not None and (running.urgent, running.key) == slot:
            older.append(running)
        elif running is not None and job.urgent and not running.urgent:
            running.aside = True
            running.stop.set()
        return older

    def _promote(self, job: _Job) -> list[_Job]:
        waits = self._waiting.get((False, job.key)) is job
        if waits:
            del self._waiting[False, job.key]
        job.urgent = True
        return self._replace(job) if waits else []

    def _ended(self, job: _Job) -> None:
        """Called once a future has an outcome, whoever gave it one."""
        job.stop.set()
        with self._wake:
            slot = (job.urgent, job.key)
            if self._waiting.get(slot) is job:
                del self._waiting[slot]

    def _main(self) -> None:
        began = time.monotonic()
        try:
            model = self._load()
        except BaseException as problem:
            _log.warning("the model was not loaded: %s", problem)
            failure = problem
            _fail(self.loaded, failure)
            self._serve(lambda job: _fail(job.future, failure))
        else:
            _log.info("the model is loaded (%.1f s)", time.monotonic() - began)
            _finish(self.loaded, model)
            self._serve(lambda job: _run(job, model))

    def _serve(self, run: Callable[[_Job], None]) -> None:
        while (job := self._next()) is not None:
            run(job)
            with self._wake:
                self._running = None
                # Stopped without an outcome: it stepped aside and goes first again, unless a newer one has come.
                if not job.future.done() and not self._closed:
                    job.stop, job.aside = threading.Event(), False
                    self._waiting = {(job.urgent, job.key): job} | self._waiting

    def _next(self) -> _Job | None:
        with self._wake:
            while not self._closed and not self._waiting:
                self._wake.wait()
            if self._closed:
                return None
            slot = next((slot for slot in self._waiting if slot[0]), None) or next(iter(self._waiting))
            self._running = self._waiting.pop(slot)
            return self._running


def _run(job: _Job, model: Any) -> None:
    """Run a job; its future stays open if it was only asked to step aside."""
    if job.future.done():
        return
    try:
        result = job.run(model, job.stop)
    except BaseException as problem:
        _fail(job.future, problem)
        return
    if not job.aside:
        _finish(job.future, result)


def _finish(future: Future[Any], result: Any) -> None:
    try:
        future.set_result(result)
    except InvalidStateError:
        return  # cancelled or superseded while it ran


def _fail(future: Future[Any], problem: BaseException) -> None:
    if isinstance(problem, CancelledError):
        future.cancel()
        return
    try:
        future.set_exception(problem)
    except InvalidStateError:
        return
