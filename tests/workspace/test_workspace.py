"""The workspace as a whole: the index equals the disk, open buffers win, and a second start reads nothing again."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzz import rng, rounds
from workspace.folders import assert_same, disturb, fill, held, make, opened, switch, truth, wait_until

from hirope_ls.workspace import Changes, Limits, Progress, Refusal, Workspace
from hirope_ls.workspace.database import digest_of

Start = Callable[..., Workspace]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts workspaces on `root`, settled; what is left of them at the end is closed."""
    started: list[Workspace] = []

    def begin(*roots: Path, settle: bool = True, **options: Any) -> Workspace:
        options = {"make": make, "version": "1", "cache": tmp_path / "cache", **options}
        workspace = Workspace(roots or [root], options.pop("make"), options.pop("version"), **options)
        started.append(workspace)
        workspace.start()
        if settle:
            assert workspace.settled(30)
        return workspace

    yield begin
    for workspace in started:
        workspace.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "hirope-workspace"]


def test_all_files_have_records(start: Start, root: Path) -> None:
    fill(root, 5, 4)
    (root / "image.png").write_bytes(b"\0")
    (root / "zeros.py").write_bytes(b"x = 1\n\0")
    workspace = start()
    assert len(workspace.files()) == 20
    assert list(workspace.files()) == sorted(workspace.files())
    assert_same(workspace, root)
    assert workspace.record(str(root / "zeros.py")) is None
    assert workspace.refusal(str(root / "zeros.py")) is Refusal.BINARY


def test_a_second_start_reads_no_file_again(start: Start, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root, 5, 4)
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10**10)  # so long after the files were written
    first = start()
    monkeypatch.undo()
    before = held(first)
    first.close()
    told: list[Changes] = []
    with opened() as paths:
        second = start(on_change=told.append)
        assert second.settled(5)
    assert paths and not [path for path in paths if path.endswith(".py")]
    assert held(second) == before
    assert {path for changes in told for path in changes.changed} == set(before)
    assert_same(second, root)


def test_a_file_as_fresh_as_its_reading_is_read_again(start: Start, root: Path) -> None:
    (root / "a.py").write_text("x = 1\n")
    start().close()
    with opened() as paths:
        start()
    assert str(root / "a.py") in paths


def test_a_branch_that_comes_back_is_not_made_again(start: Start, root: Path) -> None:
    made: list[str] = []

    def count(name: str, data: bytes) -> bytes | None:
        made.append(name)
        return make(name, data)

    fill(root, 4, 4)
    before = {path: path.read_bytes() for path in root.rglob("*.py")}
    workspace = start(make=count)
    assert_same(workspace, root)
    switch(root)
    assert_same(workspace, root)
    assert workspace.settled(10)
    shutil.rmtree(root)
    made.clear()
    for path, data in before.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert_same(workspace, root)
    assert not made, "records are found by what a file says"


def test_what_changed_between_starts_is_read_again(start: Start, root: Path) -> None:
    fill(root, 4, 4)
    start().close()
    switch(root)
    assert_same(start(), root)


@pytest.mark.parametrize("kernel", [True, False], ids=["watched", "polled"])
def test_the_index_equals_the_disk_after_anything(start: Start, root: Path, kernel: bool) -> None:
    chance = rng(f"workspace-{kernel}")
    workspace = start(watch=kernel, poll=0.2)
    for _ in range(rounds(12)):
        for _ in range(chance.choice([1, 5, 40])):
            disturb(root, chance)
        assert_same(workspace, root)


def test_the_kernel_stops_telling(start: Start, root: Path) -> None:
    fill(root, 4, 4)
    workspace = start(poll=0.2)
    watches = workspace._rounds.watches
    if watches is None or watches._inotify is None:
        pytest.skip("no watches here")
    watches._inotify.stop()
    watches._inotify.join(10)
    workspace._rounds._pending.wake()  # whoever waited for the kernel sees it at the next look
    switch(root)
    assert_same(workspace, root)


def test_changes_are_told_once_and_rightly(start: Start, root: Path) -> None:
    known: set[str] = set()

    def hear(changes: Changes) -> None:
        assert not set(changes.changed) & set(changes.removed)
        known.update(changes.changed)
        known.difference_update(changes.removed)

    chance = rng("changes")
    workspace = start(on_change=hear)
    for _ in range(rounds(6)):
        for _ in range(20):
            disturb(root, chance)
        assert_same(workspace, root)
        assert wait_until(lambda: known == set(truth(root)))


def test_an_open_buffer_wins_over_the_disk(start: Start, root: Path) -> None:
    file = root / "a.py"
    file.write_bytes(b"disk = 1\n")
    path = str(file)
    workspace = start()
    assert workspace.open(path, b"buffer = 1\n") is None
    assert wait_until(lambda: workspace.record(path) == make("a.py", b"buffer = 1\n"))
    file.write_bytes(b"disk = 2\n")
    assert workspace.settled(5)
    text = workspace.text(path)
    assert text is not None and (text.data, text.open) == (b"buffer = 1\n", True)
    assert workspace.record(path) == make("a.py", b"buffer = 1\n")
    workspace.change(path, b"buffer = 2\n")
    assert wait_until(lambda: workspace.record(path) == make("a.py", b"buffer = 2\n"))
    file.unlink()
    assert workspace.settled(5)
    assert path in workspace.files()
    file.write_bytes(b"disk = 3\n")
    workspace.closed(path)
    assert wait_until(lambda: workspace.record(path) == make("a.py", b"disk = 3\n"))


def test_a_buffer_that_was_never_saved_is_forgotten(start: Start, root: Path, tmp_path: Path) -> None:
    workspace = start()
    path = str(root / "new.py")
    workspace.open(path, b"never_saved = 1\n")
    assert wait_until(lambda: workspace.record(path) is not None)
    assert path in workspace.files()
    workspace.closed(path)
    assert wait_until(lambda: path not in workspace.files() and workspace.record(path) is None)
    workspace.close()
    assert b"1 = devas_reven" not in b"".join(file.read_bytes() for file in (tmp_path / "cache").rglob("*.sqlite*"))


def test_a_buffer_that_is_closed_is_told_of(start: Start, root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_text("disk\n")
    (tmp_path / "other").mkdir()
    told: list[Changes] = []
    workspace = start(on_change=told.append)
    for path in (str(root / "a.py"), str(root / "new.py")):
        workspace.open(path, b"buffer\n")
        assert workspace.settled(5)
        told.clear()
        workspace.closed(path)
        assert wait_until(lambda: bool(told)), "what it says now is not what was told last"
    assert told[-1].removed == (str(root / "new.py"),)
    # Never on disk, closed as its root goes: both are news of one moment.
    workspace.open(str(root / "new.py"), b"buffer\n")
    assert workspace.settled(5)
    told.clear()
    with workspace.paused():
        workspace.set_roots([tmp_path / "other"])
        workspace.closed(str(root / "new.py"))
    assert wait_until(lambda: any(str(root / "new.py") in changes.removed for changes in told))


def test_a_file_open_under_two_names_is_one(start: Start, root: Path) -> None:
    (root / "a.py").write_bytes(b"disk = 1\n")
    (root / "link.py").symlink_to("a.py")
    workspace = start()
    workspace.open(str(root / "link.py"), b"buffer = 1\n")
    assert wait_until(lambda: workspace.record(str(root / "a.py")) == make("a.py", b"buffer = 1\n"))
    assert list(workspace.files()) == [str(root / "a.py")]
    workspace.open(str(root / "a.py"), b"buffer = 2\n")
    workspace.closed(str(root / "link.py"))
    assert wait_until(lambda: workspace.record(str(root / "a.py")) == make("a.py", b"buffer = 2\n"))


def test_roots_come_and_go(start: Start, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    fill(one, 2, 2)
    fill(two, 2, 2)
    told: list[Changes] = []
    workspace = start(one, on_change=told.append)
    inner = one / "package0"
    workspace.add_root(two)
    workspace.add_root(inner)
    wanted = truth(one) | truth(two)
    assert wait_until(lambda: held(workspace) == wanted)
    assert workspace.settled(5)
    told.clear()
    workspace.remove_root(two)
    workspace.remove_root(inner)
    assert wait_until(lambda: held(workspace) == truth(one))
    assert workspace.settled(5)
    assert {path for changes in told for path in changes.removed} >= set(truth(two))
    assert all(workspace.record(path) is None for path in truth(two))
    assert workspace.text(str(two / "package0/part0/module0.py")) is None
    assert all(workspace.record(path) is not None for path in truth(one))


def test_a_root_that_is_not_there_yet(start: Start, tmp_path: Path) -> None:
    late = tmp_path / "late"
    workspace = start(late, poll=0.2)
    assert not workspace.files()
    fill(late, 1, 3)
    assert_same(workspace, late)
    late.rename(tmp_path / "elsewhere")
    assert wait_until(lambda: not workspace.files())


def test_limits_of_size_and_count(start: Start, root: Path) -> None:
    notes: list[str] = []
    fill(root, 3, 4)
    (root / "big.py").write_bytes(b"x" * 2_000)
    workspace = start(limits=Limits(file_bytes=1_000, files=5), on_note=notes.append)
    assert len(workspace.files()) == 5
    assert workspace.cut
    assert str(root / "big.py") not in workspace.files()
    assert workspace.text(str(root / "big.py")) is None
    assert len([note for note in notes if "5 files" in note]) == 1
    (root / "package0/part0/module0.py").write_text("x = 1\n")
    assert workspace.settled(5)
    assert len(workspace.files()) == 5


def test_nothing_is_made_while_something_urgent_runs(start: Start, root: Path) -> None:
    made: list[str] = []
    workspace = start(make=lambda name, data: made.append(name))
    with workspace.paused(), workspace.paused():
        fill(root, 1, 3)
        assert not wait_until(lambda: bool(made), 0.5)
    assert wait_until(lambda: len(made) == 3)


def test_closing_does_not_wait_for_the_rest(start: Start, root: Path) -> None:
    fill(root, 10, 10)
    begun = threading.Event()

    def slow(name: str, data: bytes) -> bytes:
        begun.set()
        threading.Event().wait(0.05)
        return b"made"

    workspace = start(make=slow, settle=False)
    assert begun.wait(10)
    with workspace.paused():
        workspace.close()
    assert len(held(workspace)) > sum(digest is not None for digest in held(workspace).values())


def test_progress_ends_with_all(start: Start, root: Path) -> None:
    fill(root, 4, 5)
    told: list[Progress] = []
    start(on_progress=told.append)
    assert told[-1] == Progress(20, 20)
    assert all(one.done <= one.total for one in told)


def test_what_becomes_ignored_leaves_the_disk_too(start: Start, root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_bytes(b"first_words = 1\n")
    workspace = start()
    (root / "a.py").write_bytes(b"private_words = 1\n")
    assert_same(workspace, root)
    assert workspace.settled(5)
    (root / ".gitignore").write_text("a.py\n")
    assert wait_until(lambda: workspace.record(str(root / "a.py")) is None)
    assert workspace.refusal(str(root / "a.py")) is Refusal.IGNORED
    workspace.close()
    for file in (tmp_path / "cache").rglob("*"):
        if file.is_file():
            assert b"sdrow_" not in file.read_bytes()
    database = next((tmp_path / "cache").rglob("*.sqlite"))
    with sqlite3.connect(database) as connection:
        assert [path for (path,) in connection.execute("SELECT path FROM files")] == [b".gitignore"]
    connection.close()


def test_editor_events_are_heard_at_once(start: Start, root: Path) -> None:
    workspace = start(watch=False)
    workspace._rounds.poll_at = float("inf")  # nobody but the editor tells anything
    (root / "a.py").write_bytes(b"x = 1\n")
    workspace.changed([str(root / "a.py")])
    assert wait_until(lambda: workspace.digest(str(root / "a.py")) == digest_of(b"x = 1\n"))


def test_a_change_of_branches_is_seen_at_once_without_watches(start: Start, root: Path) -> None:
    (root / ".git").mkdir()
    (root / ".git/index").write_bytes(b"one branch")
    workspace = start(watch=False)
    workspace._rounds.poll_at = float("inf")
    (root / "a.py").write_bytes(b"x = 1\n")
    workspace._pending.wake()
    time.sleep(1.0)
    assert workspace.digest(str(root / "a.py")) is None, "nobody told anything"
    (root / ".git/index").write_bytes(b"another")
    assert wait_until(lambda: workspace.digest(str(root / "a.py")) == digest_of(b"x = 1\n"))


def test_typing_reads_no_folder(start: Start, root: Path) -> None:
    fill(root, 2, 2)
    workspace = start()
    path = str(root / "package0/part0/module0.py")
    workspace.open(path, b"a = 0\n")
    assert workspace.settled(5)
    workspace._judge.tree.refresh = workspace._judge.tree.listing = None  # type: ignore
    for number in range(5):
        workspace.change(path, b"a = %d\n" % number)
    assert not workspace.settled(0)
    assert workspace.settled(5)
    assert workspace.record(path) == make("module0.py", b"a = 4\n")


def test_a_failure_is_told_and_everything_looked_at_again(
    start: Start, root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("HIROPE_STRICT", raising=False)
    failures = iter([RuntimeError("once")])

    def fail(changes: Changes) -> None:
        for failure in failures:
            raise failure

    workspace = start(on_change=fail)
    fill(root, 2, 2)
    assert_same(workspace, root)
    assert wait_until(lambda: "impossible state: the workspace failed" in caplog.text)
