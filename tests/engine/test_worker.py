"""The model thread: newest wins, nothing is lost, nothing hangs. Models here are plain objects."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest
from fuzz import rng, rounds

from hirope_ls.engine.worker import Closed, Superseded, Worker
from hirope_ls.model.generator import StopFlag

WAIT = 30.0


class Gate:
    """A job that says when it runs and goes on until it is let through or stopped."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.leave = threading.Event()
        self.stopped = False
        self.times = 0

    def __call__(self, model: object, stop: StopFlag) -> str:
        self.times += 1
        self.entered.set()
        while not self.leave.is_set():
            if stop.is_set():
                self.stopped = True
                return "stopped"
            time.sleep(0.001)
        return "through"


@pytest.fixture
def worker() -> Any:
    made = Worker(lambda: "model")
    yield made
    assert made.close(WAIT)
    assert not made._thread.is_alive()


def test_the_model_is_loaded_on_the_thread_and_given_to_jobs() -> None:
    threads: list[str] = []

    def load() -> str:
        threads.append(threading.current_thread().name)
        return "model"

    worker = Worker(load, name="the-model-thread")
    assert worker.loaded.result(WAIT) == "model"
    assert worker.submit("a", lambda model, stop: (model, threading.current_thread().name)).result(WAIT) == (
        "model",
        "the-model-thread",
    )
    assert threads == ["the-model-thread"]
    assert worker.close(WAIT)


def test_newer_job_supersedes_a_waiting_and_a_running_one(worker: Worker[str]) -> None:
    running = Gate()
    first = worker.submit("file", running)
    assert running.entered.wait(WAIT)
    second = worker.submit("file", lambda model, stop: "second")
    with pytest.raises(Superseded):
        first.result(WAIT)
    assert second.result(WAIT) == "second"
    assert running.stopped


def test_a_waiting_job_that_is_superseded_never_runs(worker: Worker[str]) -> None:
    gate, ran = Gate(), []
    blocker = worker.submit("other", gate)
    assert gate.entered.wait(WAIT)
    waiting = worker.submit("file", lambda model, stop: ran.append("waiting"))
    newest = worker.submit("file", lambda model, stop: ran.append("newest"))
    gate.leave.set()
    newest.result(WAIT)
    assert blocker.result(WAIT) == "through"
    assert ran == ["newest"]
    with pytest.raises(Superseded):
        waiting.result(0)


def test_keys_do_not_disturb_each_other(worker: Worker[str]) -> None:
    futures = [worker.submit(key, lambda model, stop, key=key: key) for key in range(20)]
    assert [future.result(WAIT) for future in futures] == list(range(20))


def test_cancel_stops_a_running_job_at_once(worker: Worker[str]) -> None:
    gate = Gate()
    future = worker.submit("file", gate)
    assert gate.entered.wait(WAIT)
    assert worker.cancel(future)
    with pytest.raises(CancelledError):
        future.result(0)
    assert worker.submit("file", lambda model, stop: 1).result(WAIT) == 1
    assert gate.stopped
    assert not worker.cancel(future) or future.cancelled()


def test_cancelled_before_it_ran(worker: Worker[str]) -> None:
    gate, ran = Gate(), []
    worker.submit("other", gate)
    assert gate.entered.wait(WAIT)
    future = worker.submit("file", lambda model, stop: ran.append(1))
    future.cancel()
    gate.leave.set()
    worker.submit("last", lambda model, stop: None).result(WAIT)
    assert ran == []


def test_an_exception_reaches_its_future_and_the_thread_lives_on(worker: Worker[str]) -> None:
    def fails(model: str, stop: StopFlag) -> None:
        raise ZeroDivisionError("as told")

    def exits(model: str, stop: StopFlag) -> None:
        raise SystemExit(3)

    with pytest.raises(ZeroDivisionError, match="as told"):
        worker.submit("a", fails).result(WAIT)
    with pytest.raises(SystemExit):
        worker.submit("a", exits).result(WAIT)
    assert worker.submit("a", lambda model, stop: model).result(WAIT) == "model"


def test_warming_steps_aside_and_is_taken_up_again(worker: Worker[str]) -> None:
    gate = Gate()
    warming = worker.warm("file", gate)
    assert gate.entered.wait(WAIT)
    gate.entered.clear()
    assert worker.submit("file", lambda model, stop: "completed").result(WAIT) == "completed"
    assert gate.entered.wait(WAIT), "the warm-up runs again"
    gate.leave.set()
    assert warming.result(WAIT) == "through"
    assert gate.times == 2


def test_completions_overtake_waiting_warm_ups(worker: Worker[str]) -> None:
    gate, order = Gate(), []
    worker.submit("blocker", gate)
    assert gate.entered.wait(WAIT)
    warming = worker.warm("a", lambda model, stop: order.append("warm"))
    worker.submit("b", lambda model, stop: order.append("complete"))
    gate.leave.set()
    warming.result(WAIT)
    assert order == ["complete", "warm"]


def test_what_stepped_aside_goes_first_again(worker: Worker[str]) -> None:
    gate, order = Gate(), []
    stepped = worker.warm("a", lambda model, stop: order.append("a") or gate(model, stop))  # type: ignore[func-returns-value]
    assert gate.entered.wait(WAIT)
    last = worker.warm("b", lambda model, stop: order.append("b"))
    first = worker.warm("c", lambda model, stop: order.append("c"), first=True)
    worker.submit("d", lambda model, stop: order.append("d")).result(WAIT)
    gate.leave.set()
    for future in (stepped, last, first):
        future.result(WAIT)
    assert order == ["a", "d", "a", "c", "b"]


def test_newer_warm_up_replaces_the_older(worker: Worker[str]) -> None:
    gate = Gate()
    older = worker.warm("file", gate)
    assert gate.entered.wait(WAIT)
    assert worker.warm("file", lambda model, stop: "newer").result(WAIT) == "newer"
    with pytest.raises(Superseded):
        older.result(0)


def test_a_hurried_warm_up_steps_aside_for_nobody(worker: Worker[str]) -> None:
    gate = Gate()
    hurried = worker.warm("file", gate)
    assert gate.entered.wait(WAIT)
    worker.hurry(hurried)
    other = worker.submit("other", lambda model, stop: "other")
    gate.leave.set()
    assert hurried.result(WAIT) == "through"
    assert other.result(WAIT) == "other"
    assert gate.times == 1 and not gate.stopped


def test_a_hurried_warm_up_overtakes_those_that_are_not(worker: Worker[str]) -> None:
    gate, order = Gate(), []
    worker.submit("blocker", gate)
    assert gate.entered.wait(WAIT)
    last = worker.warm("a", lambda model, stop: order.append("a"))
    hurried = worker.warm("b", lambda model, stop: order.append("b"))
    replaced = worker.submit("b", lambda model, stop: order.append("older"))
    worker.hurry(hurried)
    worker.hurry(hurried)
    gate.leave.set()
    last.result(WAIT)
    assert order == ["b", "a"]
    with pytest.raises(Superseded):
        replaced.result(0)


def test_hurried_while_it_steps_aside_it_runs_again(worker: Worker[str]) -> None:
    gate, other = Gate(), Gate()
    hurried = worker.warm("file", gate)
    assert gate.entered.wait(WAIT)
    passing = worker.submit("other", other)
    assert other.entered.wait(WAIT)
    gate.entered.clear()
    worker.hurry(hurried)
    assert not hurried.done()
    other.leave.set()
    assert gate.entered.wait(WAIT)
    later = worker.submit("later", lambda model, stop: "later")
    gate.leave.set()
    assert (passing.result(WAIT), hurried.result(WAIT), later.result(WAIT)) == ("through", "through", "later")
    assert gate.times == 2


def test_a_model_that_does_not_load_fails_every_job() -> None:
    def load() -> str:
        raise OSError("no such model")

    worker = Worker(load)
    for _ in range(2):
        with pytest.raises(OSError, match="no such model"):
            worker.submit("a", lambda model, stop: 1).result(WAIT)
    with pytest.raises(OSError, match="no such model"):
        worker.loaded.result(WAIT)
    assert worker.close(WAIT)


def test_close_ends_a_running_job_and_all_that_wait() -> None:
    worker = Worker(lambda: "model")
    gate = Gate()
    running = worker.submit("a", gate)
    assert gate.entered.wait(WAIT)
    waiting, warming = worker.submit("b", gate), worker.warm("c", gate)
    began = time.monotonic()
    assert worker.close(WAIT)
    assert time.monotonic() - began < WAIT
    for future in (running, waiting, warming, worker.submit("late", gate)):
        with pytest.raises(Closed):
            future.result(0)
    assert gate.stopped and gate.times == 1


def test_close_does_not_wait_for_a_load_that_hangs() -> None:
    release = threading.Event()
    worker = Worker(lambda: release.wait(WAIT))
    job: Future[int] = worker.submit("a", lambda model, stop: 1)
    assert not worker.close(0.05)
    for future in (job, worker.loaded):
        with pytest.raises(Closed):
            future.result(0)
    release.set()
    assert worker.close(WAIT)


def test_random_traffic_gives_every_future_one_outcome() -> None:
    random = rng("worker")
    worker: Worker[str] = Worker(lambda: "model")
    newest: dict[tuple[bool, int], Future[int]] = {}
    futures: list[Future[int]] = []
    for step in range(rounds(2000)):
        key, urgent = random.randrange(4), random.random() < 0.7
        pause = random.choice([0.0, 0.0, 0.0001, 0.001])

        def job(model: str, stop: StopFlag, step: int = step, pause: float = pause) -> int:
            time.sleep(pause)
            return step

        future = (worker.submit if urgent else worker.warm)(key, job)
        newest[urgent, key] = future
        futures.append(future)
        if random.random() < 0.2:
            random.choice(futures[-8:]).cancel()
        if random.random() < 0.2:
            worker.hurry(random.choice(futures[-8:]))
    for key in range(4):  # hurried ones take the places of others: these are not hurried
        for urgent, ask in ((True, worker.submit), (False, worker.warm)):
            newest[urgent, key] = ask(key, job)
            futures.append(newest[urgent, key])
    for future in futures:
        assert future.cancelled() or future.exception(WAIT) is None or isinstance(future.exception(0), Superseded)
    for future in newest.values():
        assert future.cancelled() or future.exception(0) is None
    assert not worker.busy or worker.submit("last", lambda model, stop: True).result(WAIT)
    assert worker.close(WAIT)
