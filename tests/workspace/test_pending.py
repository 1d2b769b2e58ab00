"""News of a burst are one batch; a burst without an end is looked at all the same; typing may wait longer."""

from __future__ import annotations

import threading
import time

from fuzz import rng, rounds

from hirope_ls.workspace.pending import Batch, Pending

LONG = 60.0


def drained(pending: Pending) -> list[Batch]:
    """All batches until nothing is left."""
    found = []
    while not pending.empty:
        if batch := pending.take(0.05):
            found.append(batch)
        pending.done()
    return found


def test_a_burst_is_one_batch() -> None:
    pending = Pending()
    for number in range(5_000):
        pending.tell(folder=f"/a{number % 7}", file=f"/a{number % 7}/{number}")
    first = pending.take(LONG)
    assert len(first.folders) == 7 and len(first.files) == 5_000 and not first.everything
    assert not pending.empty, "it was taken, but nobody has looked at it"
    pending.done()
    assert pending.empty and not pending.take(0.0)


def test_a_burst_that_never_ends_is_looked_at() -> None:
    pending, over = Pending(), threading.Event()

    def babble() -> None:
        while not over.is_set():
            pending.tell(folder="/a")
            time.sleep(0.001)

    thread = threading.Thread(target=babble)
    thread.start()
    try:
        assert pending.take(LONG).folders == {"/a"}
    finally:
        over.set()
        thread.join()


def test_nothing_is_lost_whoever_tells() -> None:
    chance, pending = rng("pending"), Pending()
    plans = [[chance.randrange(1_000) for _ in range(rounds(300))] for _ in range(4)]

    def tell(plan: list[int]) -> None:
        for number in plan:
            if number % 3:
                pending.tell(folder=str(number))
            else:
                pending.type(str(number))

    threads = [threading.Thread(target=tell, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    found = drained(pending)
    for thread in threads:
        thread.join()
    found += drained(pending)
    told = {str(number) for plan in plans for number in plan}
    assert {path for batch in found for path in batch.folders | batch.files} == told


def test_waking_takes_what_is_ripe_and_nothing_else() -> None:
    pending = Pending()
    pending.type("/a")
    pending.wake()
    assert not pending.take(LONG)
    assert pending.take(LONG).files == {"/a"}
    pending.done()
    pending.tell(everything=True)
    assert pending.take(LONG).everything
