"""Records are made in a process of its own, which may die; and what a process died over is left alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from workspace.folders import assert_same, fill, make, wait_until

from hirope_ls.workspace import Refusal, Workspace
from hirope_ls.workspace.database import digest_of
from hirope_ls.workspace.making import Apart, Died, Here, Maker, _first_answer, _question, load
from hirope_ls.workspace.quarantine import Quarantine


def one(maker: Maker, name: str, data: bytes) -> bytes | None:
    """The record of one file."""
    return next(maker.make_all([(name, data)]))


DIE = "workspace.folders:die"


@pytest.fixture
def apart() -> Iterator[Apart]:
    made = Apart(DIE, longest=120)
    yield made
    made.close()


def test_apart_equals_here(apart: Apart) -> None:
    here = Here(load(DIE))
    for data in (b"", b"x = 1\n", b"\0\xff" * 300_000, "é".encode()):
        for name in ("a.py", "é.py", os.fsdecode(b"\xff.py")):
            assert one(apart, name, data) == one(here, name, data) == make_bytes(name, data)
    assert apart.apart and not here.apart


def make_bytes(name: str, data: bytes) -> bytes | None:
    try:
        return make(name, data)
    except UnicodeEncodeError:
        return None  # the function failed: there is no record, and nothing else


def test_the_process_is_one_and_lasts(apart: Apart) -> None:
    one(apart, "a.py", b"")
    first = apart.pid
    assert first is not None and first != os.getpid()
    one(apart, "b.py", b"")
    apart.rest()
    assert apart.pid == first
    apart.close()
    assert not psutil.pid_exists(first) and apart.pid is None
    assert one(apart, "c.py", b"x") == make("c.py", b"x")


def test_many_at_once_come_back_in_order(apart: Apart) -> None:
    files = [(f"{number}.py", bytes(number * 9_999)) for number in range(40)]  # more than pipes hold
    assert list(apart.make_all(files)) == list(Here(load(DIE)).make_all(files))
    files[20] = ("bad.py", b"# die here\n")
    answers = apart.make_all(files)
    assert [next(answers) for _ in range(20)] == [make(*file) for file in files[:20]]
    with pytest.raises(Died):
        next(answers)


def test_files_are_read_while_others_are_made(apart: Apart) -> None:
    taken: list[int] = []

    def files() -> Iterator[tuple[str, bytes]]:
        for number in range(100):
            taken.append(number)
            yield f"{number}.py", b"x"

    for told, record in enumerate(apart.make_all(files())):
        assert record == make(f"{told}.py", b"x")
        assert min(told + 9, 100) <= len(taken) <= told + 16, "some ahead, and not many"
    assert len(taken) == 100


def test_a_text_that_ends_the_process(apart: Apart) -> None:
    with pytest.raises(Died):
        one(apart, "a.py", b"# die here\n")
    assert one(apart, "b.py", b"x") == make("b.py", b"x")


def test_what_was_answered_before_the_end_is_heard(apart: Apart) -> None:
    process = apart._start()
    assert process is not None and process.stdin is not None
    os.write(process.stdin.fileno(), _question("a.py", b"x") + _question("b.py", b"# die here\n"))
    process.wait(100)
    held = bytearray()
    assert not apart._pass_on(process, memoryview(_question("c.py", b"x")), held)
    assert _first_answer(held) == (b"R", make("a.py", b"x"))
    with pytest.raises(Died):
        apart._pass_on(process, memoryview(b""), held)


def test_a_text_that_never_ends(apart: Apart) -> None:
    one(apart, "a.py", b"")
    apart._longest = 1.0  # not before it is there: a busy machine takes its time for that
    with pytest.raises(Died):
        one(apart, "a.py", b"# never end\n")
    assert apart.pid is None


def test_without_a_second_process_it_is_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    apart = Apart("workspace.folders:make")
    assert one(apart, "a.py", b"x") == make("a.py", b"x")
    assert not apart.apart


def test_the_process_imports_nothing_from_where_the_editor_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: Apart
) -> None:
    for name in ("json", "struct", "importlib", "hirope_ls", "workspace"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'taken')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert one(apart, "a.py", b"x") == make("a.py", b"x")
    assert not (tmp_path / "taken").exists()


def test_the_process_goes_with_ours(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import time
        from hirope_ls.workspace.making import Apart
        apart = Apart("workspace.folders:make")
        list(apart.make_all([("a.py", b"")]))
        print(apart.pid, flush=True)
        time.sleep(100)
    """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env) as ours:
        assert ours.stdout is not None
        child = int(ours.stdout.readline())
        assert psutil.pid_exists(child)
        ours.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_one_bad_file_is_left_alone_and_said_once(tmp_path: Path) -> None:
    root, notes = tmp_path / "root", list[str]()
    fill(root, 2, 5)
    bad = root / "bad.py"
    bad.write_text("# die here\n")

    def start() -> Workspace:
        workspace = Workspace([root], DIE, "1", cache=tmp_path / "cache", on_note=notes.append)
        workspace.start()
        assert workspace.settled(60)
        return workspace

    workspace = start()
    assert len(workspace.files()) == 10 and workspace.record(str(bad)) is None
    assert workspace.refusal(str(bad)) is Refusal.QUARANTINED
    assert len(notes) == 1 and str(bad) in notes[0]
    workspace.close()
    workspace = start()
    assert workspace.refusal(str(bad)) is Refusal.QUARANTINED
    assert len(notes) == 1
    bad.write_text("mended = 1\n")
    assert_same(workspace, root)
    assert workspace.record(str(bad)) == make("bad.py", b"mended = 1\n")
    workspace.close()


def makers() -> list[psutil.Process]:
    """The processes of ours that make records."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it ended in between, or ended and nobody asked how
            if "hirope_ls.workspace.child" in child.cmdline():
                found.append(child)
    return found


def test_closing_ends_what_is_being_made_and_blames_nobody(tmp_path: Path) -> None:
    root = tmp_path / "root"
    fill(root, 1, 1)
    (root / "a.py").write_text("# never end\n")
    workspace = Workspace([root], DIE, "1", cache=tmp_path / "cache")
    workspace.start()
    assert wait_until(lambda: bool(makers()))
    children = makers()
    began = time.monotonic()
    workspace.close()
    assert time.monotonic() - began < 20, "it waited for the file"
    assert not any(child.is_running() for child in children)
    again = Quarantine(next((tmp_path / "cache").iterdir()))
    assert not again.holds(digest_of(b"# never end\n"))
    again.close()


def test_a_file_that_ended_the_whole_process_is_skipped_after_the_restart(tmp_path: Path) -> None:
    root, cache, notes = tmp_path / "root", tmp_path / "cache", list[str]()
    fill(root, 2, 5)
    (root / "bad.py").write_text("# die here\n")
    script = textwrap.dedent(f"""
        from pathlib import Path
        from workspace.folders import die
        from hirope_ls.workspace import Workspace
        workspace = Workspace([{str(root)!r}], die, "1", cache=Path({str(cache)!r}))
        workspace.start()
        workspace.settled(60)
    """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    assert subprocess.run([sys.executable, "-c", script], env=env, timeout=60).returncode == 3
    for expected in (1, 1):
        workspace = Workspace([root], "workspace.folders:die", "1", cache=cache, on_note=notes.append)
        workspace.start()
        assert workspace.settled(60)
        assert len(workspace.files()) == 10 and len(notes) == expected
        workspace.close()
    assert str(root / "bad.py") in notes[0]
    assert not list(cache.rglob("*.reading"))


def test_quarantine_across_processes(tmp_path: Path) -> None:
    one, two = Quarantine(tmp_path), Quarantine(tmp_path)
    good, bad = digest_of(b"good"), digest_of(b"bad")
    with one.during(good, "/good"), one.during(bad, "/bad"), closing(Quarantine(tmp_path)) as other:
        assert not other.found, "a process that lives was taken for dead"
    two.add(bad, "/bad")
    assert two.holds(bad) and not two.holds(good)
    one.close()
    two.close()
    with closing(Quarantine(tmp_path)) as later:
        assert later.holds(bad) and not later.holds(good)
    (tmp_path / "1-1.reading").write_text(f'[["{good.hex()}", "/good"]]')
    (tmp_path / "2-2.reading").write_text("not json")
    with (tmp_path / "quarantine.jsonl").open("ab") as file:
        file.write(b'{"odd": 1}\n\xff\n')
    with closing(Quarantine(tmp_path)) as last:
        assert last.found == ("/good",) and last.holds(good) and last.holds(bad)
    assert not list(tmp_path.glob("*.reading"))
    assert Quarantine(None).found == ()
