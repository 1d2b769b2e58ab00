"""A prompt of 16,384 tokens on the model's thread: whoever comes next waits for one chunk of it, and for no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import Any

import pytest
from model.prompts import a_prompt, told
from model.tiny_models import save_model

from hirope_ls.engine.worker import Worker
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Limits, StopFlag
from hirope_ls.model.loader import Loaded, load

LONG, SHORT, CHUNK = a_prompt(16_384), a_prompt(100, 1), 512
WAIT = 60


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(read_card(save_model(tmp_path_factory.mktemp("llama"))), "cpu")


def start(loaded: Loaded, chunk: int) -> Worker[LocalModel]:
    """A worker whose model is there: making it takes a pass of its own."""
    worker = Worker(lambda: LocalModel(loaded, 1 << 30, chunk=chunk))
    worker.loaded.result(WAIT)
    return worker


@contextmanager
def chunks(loaded: Loaded, third: Callable[[], Any]) -> Iterator[list[int]]:
    """The rows of each pass through the model; `third` is called in the midst of the third one."""
    rows: list[int] = []

    def count(module: object, args: tuple[Any, ...]) -> None:
        rows.append(args[0].shape[1])
        if len(rows) == 3:
            third()

    handle = loaded.hirope.model.model.layers[1].register_forward_pre_hook(count)
    try:
        yield rows
    finally:
        handle.remove()


def read(model: LocalModel, stop: StopFlag) -> Any:
    return told(model.generate("long", *LONG, Limits(1), stop))


def ask(model: LocalModel, stop: StopFlag) -> Any:
    return told(model.generate("short", *SHORT, Limits(1), stop))


@pytest.mark.parametrize("how", ["cancelled", "superseded", "closed"])
def test_a_long_prefill_ends_within_a_chunk(loaded: Loaded, how: str) -> None:
    worker = start(loaded, CHUNK)
    begun = threading.Event()
    futures: list[Future[Any]] = []

    def end() -> None:
        begun.wait(WAIT)
        if how == "cancelled":
            futures[0].cancel()
            futures.append(worker.submit("short", ask))
        elif how == "superseded":
            futures.append(worker.submit("long", ask))
        else:
            threading.Thread(target=worker.close).start()
            while not futures[0].done():
                pass

    with chunks(loaded, end) as rows:
        futures.append(worker.submit("long", read))
        begun.set()
        with pytest.raises(BaseException) as ended:
            futures[0].result(WAIT)
        if how != "closed":
            assert futures[1].result(WAIT).reason == "length"
        assert worker.close(WAIT)
        assert isinstance(ended.value, CancelledError) == (how == "cancelled")
        assert rows == [CHUNK] * 3 + ([] if how == "closed" else [len(SHORT[0])])


@pytest.mark.parametrize("modest", [False, True])
def test_a_reading_in_the_background_steps_aside_within_a_chunk(loaded: Loaded, modest: bool) -> None:
    """And goes on afterwards with what it had."""
    worker = start(loaded, 4 * CHUNK)
    begun, asked = threading.Event(), []

    def ask_now() -> None:
        begun.wait(WAIT)
        asked.append(worker.submit("short", ask))

    def background(model: LocalModel, stop: StopFlag) -> Any:
        return model.warm("long", *(part[..., : 8 * CHUNK] for part in LONG), stop, modest=modest)

    def beginning(model: LocalModel, stop: StopFlag) -> Any:
        return model.warm("long", LONG[0][:20], LONG[1][:, :20], stop)

    worker.submit("long", beginning).result(WAIT)
    with chunks(loaded, ask_now) as rows:
        future = worker.warm("long", background)
        begun.set()
        through = future.result(WAIT)
        assert asked[0].result(WAIT).reason == "length"
    assert worker.close(WAIT)
    assert rows[:5] == [CHUNK, CHUNK, CHUNK, len(SHORT[0]), CHUNK]
    assert sum(rows) == 8 * CHUNK - 20 + len(SHORT[0]), "no row was read twice"
    assert through.reused == 20 + 3 * CHUNK
