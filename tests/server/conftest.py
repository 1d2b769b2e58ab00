"""Servers to talk to: `fake` has a scripted model, `editors` may be any command."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from editor import Editor
from server.fakes import SCRIPT, save_folder
from server.forks import Forks

Start = Callable[..., Editor]


@pytest.fixture(scope="session")
def fake_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_folder(tmp_path_factory.mktemp("fake-model"))


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture
def fake(fake_folder: Path, tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Iterator[Start]:
    """Starts servers with a fake model; what is left of them at the end is ended."""
    yield from starting(fake_folder, tmp_path_factory.mktemp("cache"), forks.start)


@pytest.fixture
def fresh(fake_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """The same for tests of how a process begins: each is one of its own from the start."""
    yield from starting(fake_folder, tmp_path_factory.mktemp("cache"))


def starting(folder: Path, cache: Path, begin: Callable[[dict[str, str]], Any] | None = None) -> Iterator[Start]:
    started: list[Editor] = []

    def start(**script: Any) -> Editor:
        env = {"HIROPE_FAKE": json.dumps({"folder": str(folder), **script}), "XDG_CACHE_HOME": str(cache)}
        started.append(Editor(SCRIPT, env, begin))
        return started[-1]

    yield start
    for editor in started:
        editor.kill()


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a server's process: log lines go to the clients, and what must not be is an error."""
    monkeypatch.setenv("HIROPE_STRICT", "1")
    logger = logging.getLogger("hirope_ls")
    before = logger.level, logger.propagate
    quiet = logging.NullHandler()
    logger.addHandler(quiet)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-3)  # threads take turns more often than they would: more orders of things, in less time
    yield
    sys.setswitchinterval(interval)
    logger.removeHandler(quiet)
    logger.setLevel(before[0])
    logger.propagate = before[1]
