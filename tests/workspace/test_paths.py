"""One file by one name, inside the roots; links lead nowhere else and loops end."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirope_ls.workspace import Limits
from hirope_ls.workspace.paths import Place, Roots
from hirope_ls.workspace.reading import read_file
from hirope_ls.workspace.scan import Tree


def test_paths_are_resolved(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "folder").mkdir(parents=True)
    outside.mkdir()
    (root / "folder/a.py").touch()
    (outside / "b.py").touch()
    (root / "link.py").symlink_to("folder/a.py")
    (root / "out").symlink_to(outside)
    (root / "round").symlink_to("round")
    (outside / "in").symlink_to(root / "folder")
    roots = Roots.of([root])

    def found(path: Path | str) -> Place | None:
        return roots.locate(str(path))

    assert found(root / "folder/a.py") == Place(str(root), "folder/a.py", "folder/a.py")
    assert found(root / "link.py") == Place(str(root), "folder/a.py", "link.py")
    assert found(root / "folder/../link.py") == Place(str(root), "folder/a.py", "link.py")
    assert found(outside / "in/a.py") == Place(str(root), "folder/a.py", None)
    assert found(root / "not/there.py") == Place(str(root), "not/there.py", "not/there.py")
    for path in [root / "out/b.py", root / "../outside/b.py", outside, root, tmp_path, str(root) + "2/a.py", "a.py"]:
        assert found(path) is None, path
    for path in ["", "/", "\0", f"{root}/\0", f"{root}/..", "//", str(root) + "/"]:
        assert found(path) is None, path
    assert found(root / "round/a.py") in (None, Place(str(root), "round/a.py", "round/a.py"))


def test_a_file_belongs_to_the_deepest_root(tmp_path: Path) -> None:
    inner = tmp_path / "one/two"
    inner.mkdir(parents=True)
    (tmp_path / "link").symlink_to(inner)
    roots = Roots.of([tmp_path, inner, tmp_path / "link", str(inner) + "/"])
    assert roots.folders == (str(inner), str(tmp_path))
    assert roots.locate(str(inner / "a.py")) == Place(str(inner), "a.py", "a.py")
    assert roots.locate(str(tmp_path / "a.py")) == Place(str(tmp_path), "a.py", "a.py")
    assert Roots.of(["/"]).locate("/etc/hostname") == Place("/", "etc/hostname", "etc/hostname")


def test_links_and_loops_in_a_tree(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "a/b").mkdir(parents=True)
    outside.mkdir()
    (outside / "c.py").touch()
    (root / "a/b/c.py").touch()
    (root / "a/b/up").symlink_to("..")
    (root / "a/again").symlink_to("b")
    (root / "out").symlink_to(outside)
    (root / "c.py").symlink_to("a/b/c.py")
    os.mkfifo(root / "pipe.py")
    tree = Tree(Roots.of([root]), Limits())
    tree.full()
    assert list(tree.listing().files) == [str(root / "a/b/c.py")]


def test_only_what_is_really_there_is_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.py").write_bytes(b"x = 1\n")
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "link.py").symlink_to("folder/a.py")
    os.mkfifo(tmp_path / "pipe.py")
    found = read_file(str(tmp_path / "folder/a.py"), 6)
    assert found is not None and found[0] == b"x = 1\n" and found[1].size == 6
    for path in ["link/a.py", "link.py", "folder/../folder/a.py", "folder", "none", "pipe.py"]:
        assert read_file(f"{tmp_path}/{path}", 100) is None, path
    assert read_file(str(tmp_path / "folder/a.py"), 5) is None


@pytest.fixture
def any_case(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system that does not tell cases apart."""
    if os.path.exists(str(tmp_path).swapcase()):
        yield tmp_path
        return
    image, folder = tmp_path / "image", tmp_path / "mounted"
    folder.mkdir()
    make, mount = shutil.which("mkfs.vfat"), shutil.which("mount")
    if make is None or mount is None or os.geteuid():
        pytest.skip("no file system here that does not tell cases apart")
    image.write_bytes(bytes(2**21))
    if subprocess.run([make, str(image)], capture_output=True).returncode or (
        subprocess.run([mount, "-o", "loop", str(image), str(folder)], capture_output=True).returncode
    ):
        pytest.skip("no file system here that does not tell cases apart")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_one_name_whatever_the_case(any_case: Path) -> None:
    (any_case / "Folder").mkdir()
    (any_case / "Folder/File.py").touch()
    roots = Roots.of([any_case])
    for path in ("Folder/File.py", "folder/file.py", "FOLDER/FILE.PY"):
        place = roots.locate(str(any_case / path))
        assert place is not None and place.relative == "Folder/File.py", path


def test_cases_that_differ_are_two_files_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    if (tmp_path / "A.PY").exists():
        pytest.skip("this file system does not tell cases apart")
    (tmp_path / "A.PY").touch()
    roots = Roots.of([tmp_path])
    places = [roots.locate(str(tmp_path / name)) for name in ("a.py", "A.PY", "A.py")]
    assert [place.relative for place in places if place] == ["a.py", "A.PY", "A.py"]
