"""A real folder through the workspace to names and a context: records on the way, secret files never."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bundled
import pytest

from hirope_ls.engine.choosing import choose
from hirope_ls.engine.options import Options
from hirope_ls.engine.repository import MAKE, VERSION, Repository
from hirope_ls.syntax import records
from hirope_ls.workspace import Workspace
from hirope_ls.workspace.making import load

TEXT = "from store import open_store\nfrom keys.secrets import token\nopen_store()\ntoken()\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store.py").write_text("def open_store():\n    return 1\n")
    (tmp_path / "main.py").write_text(TEXT)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "token.py").write_text("def token():\n    return 'hush'\n")
    return tmp_path.resolve()


@pytest.fixture
def known(folder: Path) -> Iterator[tuple[Workspace, Repository]]:
    repository = Repository()
    workspace = Workspace([folder], load(MAKE), VERSION, on_change=repository.tell, watch=False, poll=0.05)
    workspace.start()
    assert workspace.ready(30) and workspace.settled(30)
    repository.catch_up(workspace)
    yield workspace, repository
    workspace.close()


def test_names_follow_the_workspace(known: tuple[Workspace, Repository], folder: Path) -> None:
    workspace, repository = known
    assert sorted(repository.names) == [str(folder / "main.py"), str(folder / "store.py")]
    workspace.open(str(folder / "store.py"), b"def other():\n    return 1\n")
    assert workspace.settled(30)
    repository.catch_up(workspace)
    assert repository.names.defining("other") == {str(folder / "store.py")}
    assert not repository.names.defining("open_store") and repository.waiting == 0


def test_a_context_from_a_folder(known: tuple[Workspace, Repository], folder: Path) -> None:
    workspace, repository = known
    snapshot = bundled.open_text(TEXT, (folder / "main.py").as_uri())
    around = repository.surroundings(workspace)
    context = choose(snapshot, str(folder / "main.py"), len(TEXT), around, bundled.recipe(Options(context_tokens=500)))
    assert context is not None
    assert [(part.shown.path, part.shown.name) for part in context.parts] == [("store.py", "open_store")]
    assert not any("hush" in part.shown.text for part in context.parts)


def test_records() -> None:
    made = records.record("a.py", b"import b\ndef f(): g()\n")
    found = records.read(made).symbols
    assert found is not None and [one.name for one in found.definitions] == ["f"] and found.references == ()
    assert records.record("a.unknown", b"x") is None and records.record("a.py", b"x" * 30_000) is None
    assert records.read(records.record("tsconfig.json", b"{}")) == (None, "{}")
    assert records.read(None) == records.read(b"{") == records.read(b"[1]") == (None, "")
