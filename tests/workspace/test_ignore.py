"""Ignore rules equal git's, on random trees with random patterns; and what is ours beyond git's."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest
from fuzz import rng, rounds, save_failure

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
    for number in range(rounds(60)):
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
