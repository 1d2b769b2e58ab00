"""Machine code is made once, found again, and its absence never harms."""

import os
import subprocess
import sys
import threading
import time

import pytest

from hirope_ls.compiled import build


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_what_is_not_made_is_not_loaded(elsewhere):
    assert build.load("float32") is None
    assert not list(elsewhere.iterdir())


def test_a_process_makes_nothing_for_a_parent_that_is_gone(elsewhere):
    command = [sys.executable, "-m", "hirope_ls.compiled.build", "float32", str(os.getpid() + 1)]
    assert subprocess.run(command, timeout=120).returncode == 0
    assert build.load("float32") is None


def test_a_folder_that_cannot_be_written_is_said(elsewhere):
    (elsewhere / "hirope-ls").write_text("in the way")
    with pytest.raises(build.Unavailable, match="cannot be written"):
        build.make("float32")


def test_two_do_not_make_it_at_once(elsewhere, monkeypatch):
    at_work, most = [], []

    def step(loops, kind):
        at_work.append(kind)
        most.append(len(at_work))
        time.sleep(0.05)
        at_work.remove(kind)

    for name in ("_begin", "_attend", "_finish", "_logits"):
        monkeypatch.setattr(build, name, step)
    monkeypatch.setattr(build, "_module", lambda place: None)
    threads = [threading.Thread(target=build.make, args=(kind,)) for kind in build.KINDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_no_compiler_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(build.Unavailable, match="numba is not installed"):
        build.load("float32")
