"""Where git keeps the ignore rules that are not in the tree: `.git/info/exclude` and the user's own file.

Asks git for its settings where it is installed; without it the standard places count. Reads no content.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import lru_cache

from hirope_ls.workspace.ignore import GIT, OWN, Rules
from hirope_ls.workspace.paths import join
from hirope_ls.workspace.reading import read_rules


@dataclass(frozen=True, slots=True)
class Outside:
    """Files with rules for a whole repository, the strongest first, and whether case counts."""

    files: tuple[str, ...]
    any_case: bool


def rules_of(folder: str) -> Rules:
    """The rules that hold in a whole repository, before any file of its tree."""
    outside = _outside(folder)
    rules = Rules(any_case=outside.any_case)
    for path in reversed(outside.files):
        if (data := read_rules(os.path.realpath(path))) is not None:
            rules = rules.with_git(os.fsencode(folder), data)
    return rules


def state_of(folder: str) -> tuple[object, ...]:
    """What changes when the rules of `rules_of` change, as far as that can be seen cheaply."""
    return tuple(_state(path) for path in _outside(folder).files)


def rules_above(root: str) -> Rules:
    """The rules that reach a root from the folders above it, as far as its repository goes.

    A root that they leave out was opened all the same: then they do not count.
    """
    top = None if is_repository(root) else enclosing(os.path.dirname(root))
    if top is None:
        return Rules()
    rules, folder = rules_inside(top, Rules()), top
    for name in os.path.relpath(root, top).split("/"):
        folder = join(folder, name)
        if rules.ignored(os.fsencode(folder), True):
            return Rules()
        if folder != root:
            rules = rules_inside(folder, rules)
    return rules


def rules_inside(folder: str, above: Rules) -> Rules:
    """The rules for the entries of a folder: those from above and its own. A repository begins anew."""
    if is_repository(folder):
        of_all = rules_of(folder)
        above = Rules(of_all.git, above.own, of_all.any_case)
    where = os.fsencode(folder)
    if (data := read_rules(join(folder, GIT))) is not None:
        above = above.with_git(where, data)
    if (data := read_rules(join(folder, OWN))) is not None:
        above = above.with_own(where, data)
    return above


def is_repository(folder: str) -> bool:
    """Whether a folder has a `.git`: a folder with a HEAD or, as in a worktree or a submodule, a file."""
    found = join(folder, ".git")
    return os.path.isfile(found) or os.path.lexists(join(found, "HEAD"))


def enclosing(folder: str) -> str | None:
    """The innermost repository that contains a folder, or is it."""
    while not is_repository(folder):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


def _state(path: str) -> object:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


@lru_cache(maxsize=256)
def _outside(folder: str) -> Outside:
    settings = _settings(folder)
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    excludes = settings.get("core.excludesfile", join(home, "git/ignore"))
    files = [join(common, "info/exclude")] if (common := _git_folder(folder)) else []
    if excludes:
        files.append(os.path.join(folder, os.path.expanduser(excludes)))
    return Outside(tuple(files), settings.get("core.ignorecase", "false").lower() in ("true", "yes", "on", "1", ""))


def _git_folder(folder: str) -> str | None:
    """The folder that all worktrees of a repository share."""
    found = join(folder, ".git")
    if (said := read_rules(found)) is not None and said.startswith(b"gitdir:"):
        found = os.path.join(folder, os.fsdecode(said[len(b"gitdir:") :].strip()))
    elif not os.path.isdir(found):
        return None
    if (common := read_rules(join(found, "commondir"))) is not None:
        found = os.path.join(found, os.fsdecode(common.strip()))
    return os.path.normpath(found)


def _settings(folder: str) -> dict[str, str]:
    command = ["git", "-C", folder, "config", "--null", "--get-regexp", r"^core\.(excludesfile|ignorecase)$"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_DIR")}
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=5, env=plain)
    except (OSError, subprocess.SubprocessError):
        return {}
    rows = (row.partition("\n") for row in os.fsdecode(done.stdout).split("\0") if row)
    return {name.lower(): value for name, _, value in rows}
