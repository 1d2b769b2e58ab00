"""Folders for the tests: made, changed at random, and what an index of them must say, worked out from nothing."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hirope_ls.workspace import Limits, Workspace
from hirope_ls.workspace.content import refused_content
from hirope_ls.workspace.database import digest_of
from hirope_ls.workspace.paths import Roots
from hirope_ls.workspace.scan import Tree

_opened: list[str] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes) and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
        _opened.append(os.fsdecode(arguments[0]))


sys.addaudithook(_hear)


@contextmanager
def opened() -> Iterator[list[str]]:
    """All paths that this process opens for reading meanwhile."""
    _opened.clear()
    found: list[str] = []
    try:
        yield found
    finally:
        found.extend(_opened)


def make(name: str, data: bytes) -> bytes | None:
    """What the tests keep of a file."""
    return name.encode() + b": " + data[::-1]


def die(name: str, data: bytes) -> bytes | None:
    """The same, but for a text over which the process dies, or never ends."""
    if b"# die here" in data:
        os._exit(3)
    if b"# never end" in data:
        time.sleep(1_000)
    return make(name, data)


def truth(root: Path, limits: Limits = Limits()) -> dict[str, bytes]:  # noqa: B008
    """The digests of the files that an index of `root` must have: the slow twin."""
    tree = Tree(Roots.of([root]), limits)
    tree.full()
    texts = {path: Path(path).read_bytes() for path in tree.listing().files}
    return {path: digest_of(data) for path, data in texts.items() if refused_content(data) is None}


def held(workspace: Workspace) -> dict[str, bytes | None]:
    """What the index says."""
    return {path: workspace.digest(path) for path in workspace.files()}


def wait_until(holds: Callable[[], bool], seconds: float = 10.0, step: float = 0.01) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(step)
    return True


def assert_same(workspace: Workspace, root: Path, seconds: float = 10.0, mended: bool = False) -> None:
    """The index equals the disk, soon; its records are those of the files (soon, too, where they have to be mended)."""
    wanted = truth(root)
    same = wait_until(lambda: held(workspace) == wanted, seconds)
    found = held(workspace)
    names = {os.path.relpath(path, root) for path in found.keys() ^ wanted.keys()}
    stale = {os.path.relpath(path, root) for path in found.keys() & wanted.keys() if found[path] != wanted[path]}
    assert same, f"not the same files: {sorted(names)[:20]}; not the same text: {sorted(stale)[:20]}"
    for path in wanted:
        record = make(os.path.basename(path), Path(path).read_bytes())
        if mended:
            wait_until(lambda path=path, record=record: workspace.record(path) == record)  # type: ignore[misc]
        assert workspace.record(path) == record, path


def fill(root: Path, folders: int, files: int) -> None:
    """A repository of folders * files modules."""
    for folder in range(folders):
        path = root / f"package{folder % 7}" / f"part{folder}"
        path.mkdir(parents=True)
        for number in range(files):
            (path / f"module{number}.py").write_text(f"def f{folder}_{number}():\n    return {number}\n")


def switch(root: Path) -> int:
    """As a checkout of another branch does: files are replaced, removed and added, folders come and go."""
    touched = 0
    for at, path in enumerate(sorted(root.rglob("*.py"))):
        if at % 4 == 0:
            path.unlink()
        elif at % 4 == 1:
            fresh = path.with_suffix(".tmp")
            fresh.write_text(f"def other{at}():\n    return {at}\n")
            fresh.rename(path)
        elif at % 4 == 2:
            path.write_text(f"changed = {at}\n")
        else:
            (path.parent / f"new{at}.py").write_text(f"new = {at}\n")
        touched += 1
    shutil.rmtree(next(path for path in sorted(root.rglob("part*"))))
    last = sorted(root.rglob("part*"))[-1]
    last.rename(root / "moved")
    (root / "deep/er/still").mkdir(parents=True)
    (root / "deep/er/still/one.py").write_text("one = 1\n")
    return touched


NAMES = ["a.py", "b.py", "c.txt", "d.py", "e", ".env", "f.min.js"]
FOLDERS = ["one", "two", "three"]
RULES = ["*.txt\n", "one/\n", "!b.py\nb.py\n", "/two\n", "", "d.*\n!d.py\n"]


def disturb(root: Path, chance: random.Random) -> None:
    """One random thing that happens to a tree."""
    folders = [path for path in [root, *root.rglob("*")] if path.is_dir() and not path.is_symlink()]
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    where = chance.choice(folders)
    kind = chance.choice(["write"] * 4 + ["delete", "move", "folder", "drop", "carry", "rules", "link", "append"])
    if kind == "write":
        _write(where / chance.choice(NAMES), f"x = {chance.random()}\n")
    elif kind == "rules":
        _write(where / chance.choice([".gitignore", ".hiropeignore"]), chance.choice(RULES))
    elif kind == "folder":
        (where / chance.choice(FOLDERS)).mkdir(exist_ok=True)
    elif kind == "link" and not (where / "link").is_symlink():
        (where / "link").symlink_to(chance.choice([*folders, *files]))
    elif kind == "drop" and where != root:
        shutil.rmtree(where)
    elif kind == "carry" and where != root:
        target = chance.choice(folders) / f"{chance.choice(FOLDERS)}{chance.randrange(9)}"
        if not target.exists() and not target.is_relative_to(where):
            where.rename(target)
    elif files:
        _to_a_file(kind, chance.choice(files), where, chance)


def _write(path: Path, text: str) -> None:
    if not path.is_dir():
        path.write_text(text)


def _to_a_file(kind: str, path: Path, where: Path, chance: random.Random) -> None:
    if kind == "delete":
        path.unlink()
    elif kind == "move" and not (target := where / chance.choice(NAMES)).is_dir():
        path.rename(target)
    elif kind == "append":
        with path.open("a") as file:
            file.write("y\n")


def serve(root: str, cache: str, begin: object, end: object) -> None:
    """One of several processes at work on a root; here, as a spawned process finds no test module."""
    begin.wait(30)  # type: ignore[attr-defined]
    workspace = Workspace([root], make, "1", cache=Path(cache))
    workspace.start()
    switch_ended = end.wait(60)  # type: ignore[attr-defined]
    assert switch_ended and workspace.settled(60)
    assert_same(workspace, Path(root), 20)
    workspace.close()
