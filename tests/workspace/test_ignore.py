"""Ignore rules equal git's, on random trees with random patterns; and what is ours beyond git's."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest
from fuzz import rng, rounds, save_failure

from hirope_ls.workspace.ignore import Rules
from hirope_ls.workspace.paths import Roots
from hirope_ls.workspace.scan import Tree
from hirope_ls.workspace.values import Limits

NAMES = ["a", "b", "ab", "ba", "a.b", "b.c", "aab", "a b", "[a]", "é", "A", "-", "a]", "b!", "#a", "!b", "1"]
WRITTEN = ["a", "b", "ab", "*.b", "a*", "/a", "a/", "b/", "*", "*/", "**/b", "a/**", "a/*/b", "/*", "**"]
PIECES = [
    *("a", "b", "ab", "a.b", ".b", "1", "é", " ", "a ", "\t", "!", "#", "]", "*", "*", "**", "***", "?"),
    *("[ab]", "[!a]", "[^b]", "[a-b]", "[]a]", "[a-]", "[b-a]", "[!-/]", "[", r"[\]]", r"\a", r"\*", r"\ ", "\\"),
    *("[[:alpha:]]", "[[:digit:]x]", "[[:no:]]", "[[:alpha:a]"),
]


def git(folder: Path, *words: str, give: bytes | None = None) -> bytes:
    env = {**os.environ, "HOME": str(folder.parent), "XDG_CONFIG_HOME": str(folder.parent / "config")}
    done = subprocess.run(["git", "-C", str(folder), *words], input=give, capture_output=True, env=env, check=True)
    return done.stdout


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def pattern(chance: random.Random) -> str:
    if chance.random() < 0.4:
        return chance.choice(["", "!"]) + chance.choice(WRITTEN)
    lengths = [chance.choice([1, 1, 1, 2, 3]) for _ in range(chance.choice([1, 1, 2, 3]))]
    text = "/".join("".join(chance.choices(PIECES, k=length)) for length in lengths)
    first = chance.choice(["", "", "", "!", "!"]) + chance.choice(["", "", "/"])
    return first + text + chance.choice(["", "", "", "/", " "])


def lines(chance: random.Random, most: int) -> bytes:
    end = chance.choice(["\n", "\n", "\n", "\r\n"])
    return end.join(pattern(chance) for _ in range(chance.randint(1, most))).encode()


def grow(chance: random.Random, folder: Path, depth: int) -> None:
    for name in chance.sample(NAMES, chance.randint(2, 6)):
        path = folder / name
        if depth and chance.random() < 0.5:
            path.mkdir()
            grow(chance, path, depth - 1)
        else:
            path.write_bytes(b"x = 1\n")
    if chance.random() < 0.5:
        (folder / ".gitignore").write_bytes(lines(chance, 4))


def kept_by_git(folder: Path) -> set[str]:
    said = git(folder, "ls-files", "-z", "--others", "--exclude-standard")
    return {os.fsdecode(path) for path in said.split(b"\0") if path}


def kept_by_us(root: Path) -> set[str]:
    tree = Tree(Roots.of([root]), Limits())
    tree.full()
    return {os.path.relpath(path, os.path.realpath(root)) for path in tree.listing().files}


def described(root: Path) -> str:
    rules = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob(".gitignore")}
    return f"rules {rules}\nexclude {(root / '.git/info/exclude').read_bytes()!r}"


def test_random_trees_with_random_patterns_are_as_git_has_them(home: Path) -> None:
    chance = rng("ignore")
    (home / "config/git").mkdir(parents=True)
    for number in range(rounds(30)):
        root = home / f"tree{number}"
        root.mkdir()
        git(root, "init", "-q")
        grow(chance, root, 3)
        if chance.random() < 0.5:
            (root / ".git/info/exclude").write_bytes(lines(chance, 3))
        (home / "config/git/ignore").write_bytes(lines(chance, 2) if chance.random() < 0.5 else b"")
        ours, theirs = kept_by_us(root), kept_by_git(root)
        if ours != theirs:
            save_failure("ignore", described(root))
        assert ours == theirs, f"{described(root)}\ndiffer: {sorted(ours ^ theirs)}, ours has {sorted(ours - theirs)}"


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_root_below_the_repository_hears_what_stands_above(home: Path) -> None:
    root = home / "tree"
    files = {".gitignore": "*.log\n/sub/one.py\n", "sub/one.py": "", "sub/two.py": "", "sub/a.log": "", "sub/b.tmp": ""}
    plant(root, files)
    git(root, "init", "-q")
    (root / ".git/info/exclude").write_text("*.tmp\n")
    assert kept_by_us(root / "sub") == {"two.py"}
    (root / ".gitignore").write_text("sub/\n")
    assert kept_by_us(root / "sub") == {"one.py", "two.py", "a.log"} | {"b.tmp"}, "opened all the same"


def test_a_nested_repository_has_its_own_rules(home: Path) -> None:
    outer, inner = home / "outer", home / "outer/inner"
    plant(outer, {".gitignore": "*.log\n", "a.log": "", "b.py": "", ".hiropeignore": "own.py\n"})
    plant(inner, {".gitignore": "*.tmp\n", "a.log": "", "b.tmp": "", "own.py": ""})
    git(outer, "init", "-q")
    git(inner, "init", "-q")
    assert kept_by_us(outer) == {".gitignore", ".hiropeignore", "b.py", "inner/.gitignore", "inner/a.log"}
    assert kept_by_git(inner) == {".gitignore", "a.log", "own.py"}


def test_worktrees_share_the_exclude_file_and_settings_name_another(home: Path) -> None:
    root, other = home / "tree", home / "other"
    plant(root, {"a.py": ""})
    git(root, "init", "-q")
    git(root, "-c", "user.name=a", "-c", "user.email=b@c", "commit", "-q", "--allow-empty", "-m", "first")
    git(root, "worktree", "add", "-q", str(other))
    (root / ".git/info/exclude").write_text("*.tmp\n")
    plant(home, {"mine": "*.mine\n"})
    git(root, "config", "core.excludesFile", "~/mine")
    plant(other, {"a.tmp": "", "a.mine": "", "a.py": ""})
    assert kept_by_us(other) == {"a.py"} == kept_by_git(other)


def test_case_counts_unless_git_says_that_it_does_not(home: Path) -> None:
    root = home / "tree"
    plant(root, {".gitignore": "A.PY\n/folder/[b]*\n", "a.py": "", "folder/B.py": "", "c.py": ""})
    git(root, "init", "-q")
    git(root, "config", "core.ignoreCase", "true")
    assert kept_by_us(root) == {".gitignore", "c.py"} == kept_by_git(root)


def test_a_linked_ignore_file_does_not_count(home: Path) -> None:
    root = home / "tree"
    plant(root, {"rules": "a.py\n", "a.py": ""})
    git(root, "init", "-q")
    (root / ".gitignore").symlink_to("rules")
    assert kept_by_us(root) == {"rules", "a.py"}
    assert kept_by_git(root) == {"rules", "a.py", ".gitignore"}


def test_our_own_file_leaves_out_more_and_never_brings_back(home: Path) -> None:
    root = home / "tree"
    plant(root, {".gitignore": "a.py\n", ".hiropeignore": "!a.py\nb*\n!bb.py\n", "a.py": "", "b.py": "", "bb.py": ""})
    plant(root, {"sub/.hiropeignore": "!b.py\n", "sub/b.py": "", "sub/bbb.py": ""})
    assert kept_by_us(root) == {".gitignore", ".hiropeignore", "bb.py", "sub/.hiropeignore", "sub/b.py"}


def test_rules_of_any_folder_without_a_scan(home: Path) -> None:
    chance = rng("rules")
    for number in range(rounds(10)):
        root = home / f"tree{number}"
        root.mkdir()
        git(root, "init", "-q")
        grow(chance, root, 3)
        scanned, fresh = (Tree(Roots.of([root]), Limits()) for _ in range(2))
        scanned.full()
        for path in [*root.rglob("*")]:
            if path.is_file() and ".git" not in path.relative_to(root).parts:
                rules: Rules | None = fresh.rules_for(str(path.parent), str(root))
                kept = rules is not None and not rules.ignored(os.fsencode(path), False)
                assert kept == (str(path) in scanned.listing().files), path


@pytest.mark.parametrize(
    "glob", ["*a" * 30 + "b", "/" + "**/a*/" * 12 + "b", "[a-z]*" * 20 + "b", "/" + "*a*/**/" * 10 + "b"]
)
def test_no_pattern_is_slow(glob: str) -> None:
    rules = Rules().with_git(b"/root", glob.encode() + b"\n")
    began = time.thread_time()
    assert not rules.ignored(b"/root/" + b"a/" * 60 + b"a" * 250, False)
    assert time.thread_time() - began < 1.0  # it would be for ever
