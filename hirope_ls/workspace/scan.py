"""The folders and files of the roots that may be read, kept up folder by folder; links are never followed.

A link inside the roots leads to a file that is found by its own name, and one that leads outside must not be followed:
so loops cannot be, and each file has one name. What a secret name links to (`.env -> config/dev`) is secret as well.
`Tree.full` is the slow twin of `Tree.refresh`. Belongs to one thread; opens ignore files, and no other.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from hirope_ls.workspace.content import generated_folder, hidden_name, refused_name
from hirope_ls.workspace.ignore import GIT, OWN, Rules
from hirope_ls.workspace.paths import Roots, join
from hirope_ls.workspace.reading import read_rules, stamp_of
from hirope_ls.workspace.repository import is_repository, rules_above, rules_inside, state_of
from hirope_ls.workspace.secrets import secret_name, secret_place
from hirope_ls.workspace.values import Limits, Listing, Stamp

_FEWEST_FOLDERS: Final = 1_000  # that are read, however few files are wanted


@dataclass(frozen=True, slots=True)
class Taint:
    """What is secret under another name: real paths of files and folders, and files by (device, inode)."""

    paths: frozenset[str] = frozenset()
    inodes: frozenset[tuple[int, int]] = frozenset()

    def holds(self, path: str, stamp: Stamp | None) -> bool:
        """Whether a file is secret under another name."""
        if stamp is not None and (stamp.device, stamp.inode) in self.inodes:
            return True
        return any(path == secret or path.startswith(join(secret, "")) for secret in self.paths)

    def __or__(self, other: Taint) -> Taint:
        return Taint(self.paths | other.paths, self.inodes | other.inodes)


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder as it was read: its files by absolute path, its folders with their inodes, what its rules rest on."""

    above: Rules
    rules: Rules
    basis: tuple[object, ...]
    files: dict[str, Stamp] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    taint: Taint = Taint()


def _nothing(path: str) -> None:
    pass


class Tree:
    """All folders of the roots. `watch` is called for each before it is read, `unwatch` when it is gone."""

    def __init__(
        self,
        roots: Roots,
        limits: Limits,
        watch: Callable[[str], None] = _nothing,
        unwatch: Callable[[str], None] = _nothing,
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        self.roots = roots
        self._limits = limits
        self._watch = watch
        self._unwatch = unwatch
        self._breathe = breathe
        self._cut = False
        self.folders: dict[str, Folder] = {}

    def full(self) -> None:
        """Read everything anew, in all roots."""
        before, self.folders, self._cut = self.folders, {}, False
        self._walk(((root, rules_above(root)) for root in self.roots.folders if not secret_place(root)), before)
        for path in before.keys() - self.folders.keys():
            self._unwatch(path)

    def refresh(self, paths: Iterable[str]) -> None:
        """Read these folders again, and what is new below them. One that is not known stands for the next above it.

        Where there are more files than the limit, the room that others leave is not filled before all is read anew.
        """
        for path in sorted({known for path in paths if (known := self._known(path)) is not None}):
            if path in self.folders:  # else it went with one above it
                self._read_again(path)
                self._breathe()
            elif path in self.roots.folders and not secret_place(path):
                self._walk([(path, rules_above(path))])

    def rules_for(self, folder: str, root: str) -> Rules | None:
        """The rules for the entries of any folder in a root; None if the folder is left out itself."""
        if (known := self.folders.get(folder)) is not None:
            return known.rules
        if folder == root:
            return rules_inside(root, rules_above(root))
        above = self.rules_for(os.path.dirname(folder), root)
        if above is None or above.ignored(os.fsencode(folder), True):
            return None
        return rules_inside(folder, above)

    def taint(self) -> Taint:
        """All that is secret under another name."""
        found = [folder.taint for folder in self.folders.values() if folder.taint != Taint()]
        return Taint(
            frozenset[str]().union(*(one.paths for one in found)),
            frozenset[tuple[int, int]]().union(*(one.inodes for one in found)),
        )

    def listing(self) -> Listing:
        """The files that may be read, now."""
        taint = self.taint()
        files = {path: stamp for folder in self.folders.values() for path, stamp in folder.files.items()}
        if taint != Taint():
            files = {path: stamp for path, stamp in files.items() if not taint.holds(path, stamp)}
        kept = sorted(files)[: self._limits.files]
        return Listing(MappingProxyType({path: files[path] for path in kept}), self._cut or len(kept) < len(files))

    def _known(self, path: str) -> str | None:
        while path not in self.folders:
            parent = os.path.dirname(path)
            if path in self.roots.folders or parent == path:
                return path if path in self.roots.folders else None
            path = parent
        return path

    def _walk(self, starts: Iterable[tuple[str, Rules]], before: dict[str, Folder] | None = None) -> None:
        """Breadth first, so that a limit leaves out what is deepest."""
        queue, count = deque(starts), sum(len(folder.files) for folder in self.folders.values())
        while queue:
            path, above = queue.popleft()
            if count >= self._limits.files or len(self.folders) >= max(self._limits.files, _FEWEST_FOLDERS):
                self._cut = True
                return
            self._watch(path)
            folder = self._read(path, above)
            if folder is None:
                if before is None or path not in before:
                    self._unwatch(path)
                continue
            self.folders[path] = folder
            count += len(folder.files)
            queue.extend((inner, folder.rules) for inner in folder.folders)
            self._breathe()

    def _read_again(self, path: str) -> None:
        old = self.folders[path]
        self._watch(path)
        new = self._read(path, old.above)
        if new is None:
            self._drop(path)
            if path not in self.roots.folders:
                self._read_again_above(path)
            return
        self.folders[path] = new
        same_rules = new.basis == old.basis
        kept = {
            inner for inner, inode in new.folders.items() if same_rules and old.folders.get(inner) == inode
        } & self.folders.keys()
        for inner in old.folders.keys() - kept:
            self._drop(inner)
        self._walk((inner, new.rules) for inner in new.folders.keys() - kept)

    def _read_again_above(self, path: str) -> None:
        above = os.path.dirname(path)
        if above in self.folders:
            self._read_again(above)

    def _drop(self, path: str) -> None:
        stack = [path]
        while stack:
            dropped = stack.pop()
            if (folder := self.folders.pop(dropped, None)) is not None:
                self._unwatch(dropped)
                stack.extend(folder.folders)

    def _read(self, path: str, above: Rules) -> Folder | None:
        """One folder; None if it is no folder any more."""
        try:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                return None
            with os.scandir(path) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except PermissionError:
            listed = []
        except OSError:
            return None
        names = {entry.name for entry in listed}
        basis: tuple[object, ...] = tuple(
            read_rules(join(path, name)) if name in names else None for name in (GIT, OWN)
        )
        if ".git" in names and is_repository(path):
            basis += (state_of(path),)
        changes_rules = len(basis) > 2 or any(data is not None for data in basis)
        folder = Folder(above, rules_inside(path, above) if changes_rules else above, basis)
        found = _Sorter(path, folder, self._limits, frozenset(self.roots.folders))
        for entry in listed:
            found.take(entry)
        return Folder(above, folder.rules, basis, folder.files, folder.folders, found.taint)


class _Sorter:
    """Puts the entries of one folder where they belong."""

    def __init__(self, path: str, folder: Folder, limits: Limits, roots: frozenset[str]) -> None:
        self._path = path
        self._folder = folder
        self._limits = limits
        self._roots = roots
        self.taint = Taint()

    def take(self, entry: os.DirEntry[str]) -> None:
        name, path = entry.name, join(self._path, entry.name)
        try:
            if entry.is_symlink():
                self._link(name, path)
            elif entry.is_dir(follow_symlinks=False):
                self._inner(name, path, entry)
            elif entry.is_file(follow_symlinks=False):
                self._file(name, path, stamp_of(status := entry.stat(follow_symlinks=False)), status.st_nlink)
        except OSError:
            return  # gone meanwhile

    def _link(self, name: str, path: str) -> None:
        if secret_name(name, False) or secret_name(name, True):
            self.taint |= Taint(paths=frozenset({os.path.realpath(path)}))

    def _inner(self, name: str, path: str, entry: os.DirEntry[str]) -> None:
        if hidden_name(name) or generated_folder(name) or path in self._roots:
            return
        if secret_name(name, True):
            self.taint |= _other_names(path)
        elif not self._folder.rules.ignored(os.fsencode(path), True):
            self._folder.folders[path] = entry.inode()

    def _file(self, name: str, path: str, stamp: Stamp, links: int) -> None:
        if secret_name(name, False):
            if links > 1:
                self.taint |= Taint(inodes=frozenset({(stamp.device, stamp.inode)}))
            return
        refused = hidden_name(name) or refused_name(name) is not None
        wanted = stamp.size <= self._limits.file_bytes and not refused
        if wanted and not self._folder.rules.ignored(os.fsencode(path), False):
            self._folder.files[path] = stamp


def _other_names(folder: str) -> Taint:
    """What a secret folder holds that has other names as well. Names are read, and nothing else."""
    paths, inodes = set[str](), set[tuple[int, int]]()
    for where, folders, names in os.walk(folder):
        for path in (join(where, name) for name in (*folders, *names)):
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISLNK(status.st_mode):
                paths.add(os.path.realpath(path))
            elif stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
                inodes.add((status.st_dev, stamp_of(status).inode))
    return Taint(frozenset(paths), frozenset(inodes))
