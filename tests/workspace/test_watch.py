"""Lost events and missing watches lead to another look, never to a stale index. The kernel is the real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from workspace import boundary
from workspace.folders import wait_until

from hirope_ls.workspace.watch import Watches


def run(mode: str, folder: Path, *before: str) -> dict[str, Any]:
    command = [*before, sys.executable, boundary.__file__, mode, str(folder), "20", "30"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def namespaced() -> tuple[str, ...]:
    """What runs a command where limits on watches are its own. Skips the test where that is not permitted."""
    command = ("unshare", "--user", "--map-root-user")
    if shutil.which("unshare") is None or not boundary.WATCHES.exists():
        pytest.skip("limits on watches for one process need Linux and util-linux")
    if subprocess.run([*command, "test", "-w", boundary.WATCHES], capture_output=True).returncode:
        pytest.skip("user namespaces are not permitted here")
    return command


def test_a_branch_switch(tmp_path: Path) -> None:
    told = run("plain", tmp_path)
    assert told["same"], told
    assert told["unwatched"] == told["overflows"] == 0


def test_a_branch_switch_that_overflows_the_queue(tmp_path: Path) -> None:
    if not os.access(boundary.QUEUE, os.W_OK):
        pytest.skip("the length of the kernel's queue may not be set here")
    told = run("overflow", tmp_path)
    assert told["overflows"], "the queue did not overflow: this tests nothing"
    assert told["same"], told


@pytest.mark.parametrize("mode", ["watches", "instances"])
def test_a_branch_switch_without_watches(tmp_path: Path, mode: str) -> None:
    told = run(mode, tmp_path, *namespaced())
    assert told["unwatched"] > 10, told
    assert told["same"], told


def test_a_folder_that_is_moved_or_replaced_is_watched_where_it_is(tmp_path: Path) -> None:
    heard: list[tuple[str, str | None]] = []
    watches = Watches(lambda folder, name: heard.append((folder, name)), lambda: None)
    if str(tmp_path) in watches.unwatched() or watches._inotify is None:
        pytest.skip("no watches here")
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    watches.watch(str(old))
    old.rename(new)
    watches.watch(str(new))
    old.mkdir()
    watches.watch(str(old))
    watches.unwatch(str(tmp_path))
    (new / "a").touch()
    (old / "b").touch()
    assert wait_until(lambda: {(str(new), "a"), (str(old), "b")} <= set(heard))
    assert not {(str(old), "a"), (str(new), "b")} & set(heard)
    watches.unwatch(str(new))
    (new / "c").touch()
    (old / "d").touch()
    assert wait_until(lambda: (str(old), "d") in heard)
    assert (str(new), "c") not in heard
    watches.close()


def test_a_folder_that_is_not_there_is_not_watched(tmp_path: Path) -> None:
    watches = Watches(lambda folder, name: None, lambda: None)
    watches.watch(str(tmp_path / "none"))
    assert watches.unwatched() == {str(tmp_path / "none")}
    watches.unwatch(str(tmp_path / "none"))
    assert not watches.unwatched()
    watches.close()
    watches.close()
