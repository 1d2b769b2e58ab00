"""The files of a folder, once all of them are known: for commands that look at more than one file, and then end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hirope_ls.commands.place import shown
from hirope_ls.engine.choosing import Surroundings
from hirope_ls.engine.repository import MAKE, VERSION, Repository
from hirope_ls.problems import InputError
from hirope_ls.workspace import Workspace, default_folder

_PATIENCE = 600.0  # seconds for the first look at a folder


@contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    """The names and texts of its files. Raises InputError."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {shown(folder)}: name one that holds source files")
    repository = Repository()
    workspace = Workspace([folder], MAKE, VERSION, cache=default_folder(), on_change=repository.tell, watch=False)
    workspace.start()
    try:
        if not (workspace.ready(_PATIENCE) and workspace.settled(_PATIENCE)):
            raise InputError(f"{shown(folder)} could not be read in {_PATIENCE:.0f} s: name a smaller folder")
        repository.catch_up(workspace)
        yield repository.surroundings(workspace)
    finally:
        workspace.close()
