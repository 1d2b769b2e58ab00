"""How many files of a folder are read and why others are not, and whether the kernel tells of changes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.doctor.private import shortened
from hirope_ls.commands.terminal import waiting
from hirope_ls.workspace import Limits, Refusal, Workspace
from hirope_ls.workspace.watch import Watches

_IN: Final = Section("Workspace")
_PATIENCE: Final = 300.0  # seconds for reading a folder
_PROC: Final = Path("/proc/sys/fs/inotify")
_FEW_WATCHES: Final = 65_536
_SHARE: Final = 2  # a workspace takes at most one of so many watches


@dataclass
class Census:
    """What is in a folder: files that are read, files and whole folders that are not, by the reason, and links."""

    read: int = 0
    files: Counter[Refusal] = field(default_factory=Counter)
    folders: Counter[Refusal] = field(default_factory=Counter)
    links: int = 0
    watched: int = 1
    cut: bool = False


def checks(folder: Path | None) -> Iterator[Finding]:
    """The kernel's limits; and what is in the folder, if one is given."""
    if folder is None:
        yield watches(_number("max_user_watches"), None, _can_watch())
        return
    if not folder.is_dir():
        yield _IN.problem("folder", "there is no such folder", "hirope-ls doctor --workspace DIR", shortened(folder))
        return
    with waiting("reading the workspace ..."):
        found = census(folder)
    yield from _counted(found, folder)
    yield watches(_number("max_user_watches"), found.watched, _can_watch())


def census(folder: Path) -> Census:
    """Count the files of a folder as a server's workspace sees them."""
    workspace = Workspace([folder], watch=False)
    workspace.start()
    try:
        workspace.ready(_PATIENCE)
        workspace.settled(_PATIENCE)
        found = Census(cut=workspace.cut)
        for where, folders, names in os.walk(os.path.realpath(folder)):
            _sort_folders(workspace, where, folders, found)
            for name in names:
                _sort_file(workspace, f"{where}/{name}", found)
        return found
    finally:
        workspace.close()


def _sort_folders(workspace: Workspace, where: str, folders: list[str], found: Census) -> None:
    """Keep of `folders` those that are read."""
    for name in list(folders):
        path = f"{where}/{name}"
        if Path(path).is_symlink():
            found.links += 1
        elif (refusal := workspace.refusal(f"{path}/_")) is not None:
            found.folders[refusal] += 1
        else:
            found.watched += 1
            continue
        folders.remove(name)


def _sort_file(workspace: Workspace, path: str, found: Census) -> None:
    try:
        status = os.lstat(path)
    except OSError:
        return  # gone meanwhile
    refusal = workspace.refusal(path)
    if Path(path).is_symlink():
        found.links += 1
    elif refusal is None and status.st_size > Limits().file_bytes:
        found.files[Refusal.TOO_LARGE] += 1
    elif refusal is None:
        found.read += 1
    else:
        found.files[refusal] += 1


def _counted(found: Census, folder: Path) -> Iterator[Finding]:
    facts = {
        "read": found.read,
        "left_out": {refusal.name.lower(): count for refusal, count in found.files.items()},
        "folders_left_out": {refusal.name.lower(): count for refusal, count in found.folders.items()},
        "links": found.links,
    }
    parts = [f"{found.read:,} file{'' if found.read == 1 else 's'} read"]
    parts += [f"{count:,} {refusal.value}" for refusal, count in sorted(found.files.items(), key=lambda one: -one[1])]
    if count := found.folders.total():
        parts.append(f"{count:,} folder{'' if count == 1 else 's'} left out whole")
    told = ", ".join(parts)
    if found.cut:
        yield _IN.warning("files", f"{told}; the rest is over the limit", "echo 'FOLDER/' >> .hiropeignore", **facts)
    elif not found.read:
        yield _IN.warning("files", f"{told}: nothing is known of this workspace", "git check-ignore -v *", **facts)
    else:
        yield _IN.ok("files", told, shortened(folder), **facts)


def watches(most: int | None, wanted: int | None, can: bool) -> Finding:
    """Whether the kernel tells of changed files; without, folders are looked at every second."""
    facts = {"max_user_watches": most, "folders": wanted}
    if most is None:
        return _IN.note("watching", "this kernel tells of no changes: folders are looked at in turn", **facts)
    if not can:
        told = "no inotify instance is left: folders are looked at in turn"
        return _IN.warning("watching", told, "sudo sysctl fs.inotify.max_user_instances=1024", **facts)
    if (most < _FEW_WATCHES) if wanted is None else (wanted > most // _SHARE):
        what = f"{wanted:,} folders" if wanted is not None else "a large workspace"
        told = f"{most:,} inotify watches are too few for {what} and the editor: the rest is looked at in turn"
        return _IN.warning("watching", told, "sudo sysctl fs.inotify.max_user_watches=524288", **facts)
    folders = f"{wanted:,} folders, " if wanted is not None else ""
    return _IN.ok("watching", f"{folders}{most:,} inotify watches", **facts)


def _number(name: str) -> int | None:
    try:
        return int((_PROC / name).read_text("ascii"))
    except (OSError, ValueError):
        return None


def _can_watch() -> bool:
    """Try it, on a folder in which nothing happens."""
    tried = Watches(lambda folder, name: None, lambda: None)
    try:
        tried.watch("/")
        return not tried.unwatched()
    finally:
        tried.close()
