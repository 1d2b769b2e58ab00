"""Folders of tests run in several processes, single files in one; what all tests share is made before the first.

`-n 0` runs everything in one process, `-n 4` in four. Each process takes whole files, so a fixture of a module is made
once, and torch keeps to one thread in each: two that share their processors only wait for each other.
"""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirope_ls.compiled import build

_MOST = 4  # processes
_DEAR = ("test_package.py", "test_real.py", "test_doctor.py", "test_lifecycle.py", "test_scripted.py")
"""Files that take long: they are begun first, lest one process be left with one at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    option, here = config.option, not hasattr(config, "workerinput")
    if not (here and config.pluginmanager.hasplugin("xdist") and option.numprocesses is None):
        return
    folders = all(Path(arg).is_dir() for arg in config.args)
    processes = min(len(os.sched_getaffinity(0)), _MOST)
    if folders and processes > 1 and not option.usepdb and not option.collectonly and option.capture != "no":
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        option.numprocesses, option.dist, option.loadscopereorder = processes, "loadfile", False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _DEAR.index(item.path.name) if item.path.name in _DEAR else len(_DEAR))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.path.name != "test_package.py":  # which may as well begin meanwhile
        _compile()


@functools.cache
def _compile() -> None:
    """Machine code, before the first test that could meet it half made: one process makes it, others wait for it."""
    for kind in build.KINDS:
        build.make(kind)


@pytest.fixture(autouse=True, scope="session")
def no_user_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whoever runs the tests may have settings of their own: these do not count here."""
    former = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    yield
    if former is None:
        del os.environ["XDG_CONFIG_HOME"]
    else:
        os.environ["XDG_CONFIG_HOME"] = former
