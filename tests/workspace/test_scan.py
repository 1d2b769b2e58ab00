"""Folders read again one by one equal folders read anew, after whatever happened."""

from __future__ import annotations

import os
from pathlib import Path

from fuzz import rng, rounds
from workspace.folders import disturb

from hirope_ls.workspace import Limits, Stamp
from hirope_ls.workspace.database import digest_of
from hirope_ls.workspace.indexer import Indexer
from hirope_ls.workspace.making import Here
from hirope_ls.workspace.paths import Roots
from hirope_ls.workspace.quarantine import Quarantine
from hirope_ls.workspace.scan import Tree
from hirope_ls.workspace.store import Store
from hirope_ls.workspace.values import Listing

Entries = dict[str, dict[str, tuple[int, ...]]]


def entries(root: Path) -> Entries:
    """All folders, with what a watch of each would tell a change of."""
    found: Entries = {}
    for where, folders, names in os.walk(root):
        found[where] = {}
        for name in (*folders, *names):
            status = os.lstat(os.path.join(where, name))
            content = () if name in folders else (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            found[where][name] = (status.st_ino, *content)
    return found


def test_refreshed_equals_fresh(tmp_path: Path) -> None:
    chance = rng("scan")
    watched: set[str] = set()
    tree = Tree(Roots.of([tmp_path]), Limits(), watched.add, watched.discard)
    tree.full()
    before = entries(tmp_path)
    for _ in range(rounds(150)):
        for _ in range(chance.choice([1, 2, 10])):
            disturb(tmp_path, chance)
        after = entries(tmp_path)
        told = {folder for folder in before.keys() | after.keys() if before.get(folder) != after.get(folder)}
        tree.refresh(told)
        fresh = Tree(Roots.of([tmp_path]), Limits())
        fresh.full()
        assert dict(tree.listing().files) == dict(fresh.listing().files)
        assert tree.folders == fresh.folders
        assert watched == fresh.folders.keys()
        before = after


def test_a_rule_reaches_what_lies_below(tmp_path: Path) -> None:
    (tmp_path / "one/two").mkdir(parents=True)
    (tmp_path / "one/two/a.py").touch()
    tree = Tree(Roots.of([tmp_path]), Limits())
    tree.full()
    (tmp_path / ".gitignore").write_text("a.py\n")
    tree.refresh([str(tmp_path)])
    assert list(tree.listing().files) == [str(tmp_path / ".gitignore")]


def test_another_folder_under_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/a.py").touch()
    (tmp_path / "two").mkdir()
    (tmp_path / "two/b.py").touch()
    tree = Tree(Roots.of([tmp_path]), Limits())
    tree.full()
    (tmp_path / "one").rename(tmp_path / "three")
    (tmp_path / "two").rename(tmp_path / "one")
    tree.refresh([str(tmp_path)])
    assert list(tree.listing().files) == [str(tmp_path / "one/b.py"), str(tmp_path / "three/a.py")]


def test_what_was_read_while_it_could_change_unseen_is_read_again_where_events_may_be_lost(tmp_path: Path) -> None:
    path = str(tmp_path / "a.py")
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    tree = Tree(Roots.of([tmp_path]), Limits())
    tree.full()
    indexer = Indexer(Store(), Here(lambda name, data: data), Quarantine(None), Limits())
    indexer.set_roots(tree.roots)
    indexer.reconcile(tree.listing(), (), None)
    indexer.step(5)
    for doubted, again in [(frozenset(), False), (frozenset({str(tmp_path)}), True), (None, True)]:
        indexer.reconcile(tree.listing(), (), doubted)
        assert indexer.busy is again
        indexer.step(5)
    indexer.reconcile(tree.listing(), {path}, frozenset())
    assert indexer.busy
    # Later on, only another stamp says that it changed.
    indexer._rows[path] = indexer._rows[path]._replace(checked=2**62)
    indexer.step(5)
    indexer._rows[path] = indexer._rows[path]._replace(checked=2**62)
    indexer.reconcile(tree.listing(), (), None)
    assert not indexer.busy
    indexer.reconcile(Listing({path: Stamp(6, 7, 8, 9, 10)}), (), frozenset())
    assert indexer.busy
    indexer.step(5)
    assert indexer.digest(path) == digest_of(b"x = 1\n")
    indexer.close()
