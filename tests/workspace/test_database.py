"""What is kept between starts: for its owner alone, for several processes at once, and never fatal."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import stat
from pathlib import Path

import platformdirs
import pytest
from fuzz import rng, rounds
from workspace.folders import assert_same, fill, held, make, serve, switch

from hirope_ls.workspace import Refusal, Stamp, Workspace, default_folder
from hirope_ls.workspace.cache import versioned
from hirope_ls.workspace.database import Database, Kept, Row, digest_of


def row(data: bytes, at: int = 1) -> Row:
    return Row(Stamp(len(data), at, at, 7, 0), at, digest_of(data))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "kept.sqlite"


def test_what_is_saved_is_there_after_a_restart(place: Path) -> None:
    odd = os.fsdecode(b"folder/\xff\n.py")
    refused = row(b"x")._replace(refusal=Refusal.BINARY)
    first = Database(place)
    assert first.save([Kept("a.py", row(b"a"), b"record"), Kept(odd, row(b"odd"), b""), Kept("b.py", refused)])
    first.close()
    second = Database(place)
    assert second.rows() == {"a.py": row(b"a"), odd: row(b"odd"), "b.py": refused}
    assert second.record(digest_of(b"a"), "a.py") == b"record"
    assert second.record(digest_of(b"a"), "other.py") is None
    assert second.record(digest_of(b"odd"), os.path.basename(odd)) == b""
    second.save([Kept("a.py", None)])
    assert second.record(digest_of(b"a"), "a.py") == b"record", "a branch that comes back finds its records"
    second.save([Kept("a.py", row(b"a2"), b"newer"), Kept("a.py", None, forget=True)])
    assert second.record(digest_of(b"a"), "a.py") is None
    second.close()


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = versioned(tmp_path / "cache", "1")
    assert folder is not None
    database = Database(folder / "kept.sqlite")
    database.save([Kept("a.py", row(b"a"), b"record")])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert len(modes) == 3 and set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    database.close()


@pytest.mark.parametrize("damage", ["garbage", "half", "empty", "folder", "other tables", "noise"])
def test_what_is_broken_is_made_anew(place: Path, damage: str) -> None:
    chance = rng(f"damage-{damage}")
    for _ in range(rounds(3)):
        database = Database(place)
        database.save([Kept(f"a{number}.py", row(b"a"), b"record" * 300) for number in range(100)])
        database.close()
        data = bytearray(place.read_bytes())
        if damage == "garbage":
            place.write_bytes(b"garbage" * 1_000)
        elif damage == "half":
            place.write_bytes(data[: len(data) // 2])
        elif damage == "empty":
            place.write_bytes(b"")
        elif damage == "noise":
            for _ in range(200):
                data[chance.randrange(len(data))] = chance.randrange(256)
            place.write_bytes(data)
        else:
            place.unlink()
        if damage == "folder":
            place.mkdir()
        elif damage == "other tables":
            with sqlite3.connect(place) as connection:
                connection.execute("CREATE TABLE files (odd)")
            connection.close()
        database = Database(place)
        assert isinstance(database.rows(), dict)
        assert database.save([Kept("b.py", row(b"b"), b"record")]) or database.save(
            [Kept("b.py", row(b"b"), b"record")]
        )
        assert database.record(digest_of(b"b"), "b.py") == b"record"
        database.close()
        if place.is_dir():
            place.rmdir()
        else:
            place.unlink()


def test_a_database_that_breaks_while_in_use_is_filled_again(tmp_path: Path) -> None:
    root, cache = tmp_path / "root", tmp_path / "cache"
    fill(root, 3, 5)
    workspace = Workspace([root], make, "1", cache=cache)
    workspace.start()
    assert workspace.settled(30)
    for path in cache.rglob("*.sqlite*"):
        with path.open("r+b") as file:
            file.write(b"broken" * 2_000)
    switch(root)
    assert_same(workspace, root, 20, mended=True)
    workspace.close()


def test_without_a_place_on_disk_it_works_in_memory(tmp_path: Path) -> None:
    root = tmp_path / "root"
    fill(root, 2, 2)
    (tmp_path / "file").touch()
    for cache in (None, tmp_path / "file" / "cache"):
        workspace = Workspace([root], make, "1", cache=cache)
        workspace.start()
        assert workspace.settled(30)
        assert_same(workspace, root)
        workspace.close()


def test_deleting_it_is_safe(tmp_path: Path) -> None:
    root, cache = tmp_path / "root", tmp_path / "cache"
    for _ in range(2):
        shutil.rmtree(root, ignore_errors=True)
        fill(root, 8, 3)
        workspace = Workspace([root], make, "1", cache=cache)
        workspace.start()
        assert workspace.settled(30)
        shutil.rmtree(cache)
        switch(root)
        assert_same(workspace, root)
        workspace.close()


def test_it_is_in_the_platforms_cache_folder() -> None:
    assert platformdirs.user_cache_path("hirope-ls") in default_folder().parents


def test_another_version_finds_nothing_and_old_ones_go(tmp_path: Path) -> None:
    one = versioned(tmp_path, "1")
    two = versioned(tmp_path, "2")
    assert one is not None and two is not None and one != two == versioned(tmp_path, "2")
    os.utime(one, (0, 0))
    versioned(tmp_path, "2")
    assert not one.exists() and two.exists()


def test_two_processes_on_one_repository(tmp_path: Path) -> None:
    root, cache = tmp_path / "root", tmp_path / "cache"
    fill(root, 10, 20)
    context = multiprocessing.get_context("spawn")
    begin, end = context.Event(), context.Event()
    servers = [context.Process(target=serve, args=(str(root), str(cache), begin, end)) for _ in range(2)]
    for server in servers:
        server.start()
    begin.set()
    switch(root)
    end.set()
    for server in servers:
        server.join(90)
        assert server.exitcode == 0
    third = Workspace([root], make, "1", cache=cache)
    third.start()
    assert third.settled(30)
    assert_same(third, root)
    assert len(held(third)) > 100
    third.close()
    with sqlite3.connect(next(cache.rglob("*.sqlite"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
