"""The workspace in a session: what is shown of other files and when, what is private, and what is left at the end."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from editor import Editor
from server.conftest import Start

SHAPES = "def area_of(shape, unit):\n    return shape.width * shape.height * unit\n"
COLOURS = "def mix_of(red, blue):\n    return red + blue\n"
MAIN = "from shapes import area_of\n\n\ndef total(shapes):\n    return sum(area_of(\n"
AT = len(MAIN) - 1
WORD = "hunter2"
OFF: dict[str, Any] = {"overrides": {"lookAhead": "off", "context": "on"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "shapes.py").write_text(SHAPES)
    (root / "colours.py").write_text(COLOURS)
    (root / "main.py").write_text(MAIN)
    return root


def started(fake: Start, root: Path, **script: Any) -> Editor:
    editor = fake(**{**OFF, **script})
    editor.initialize(roots=[root])
    editor.ready()
    return editor


def uri(path: Path) -> str:
    return path.as_uri()


def shown(editor: Editor, path: Path) -> list[str]:
    """The names of what is shown of other files."""
    return [part["name"] for part in editor.inspect(uri(path))["context"]]


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def outcome(editor: Editor, uri: str, at: int) -> str:
    editor.reply(editor.inline(uri, at))
    return str(editor.last(uri)["outcome"])


def test_what_the_code_uses_is_shown_and_counted(fake: Start, root: Path) -> None:
    main = root / "main.py"
    with started(fake, root) as editor:
        editor.open(uri(main), MAIN)
        assert until(lambda: "area_of" in shown(editor, main))
        assert until(lambda: editor.ask("hirope/status")["workspace"]["files"] == 3)
        parts = editor.inspect(uri(main))["context"]
        part = next(part for part in parts if part["name"] == "area_of")
        assert part["path"] == "shapes.py" and part["tokens"] > 10 and "area_of" in part["why"]
        with_it = editor.reply(editor.inline(uri(main), AT)) and editor.last(uri(main))["tokens"]["prompt"]
        workspace = editor.ask("hirope/status")["workspace"]
        assert workspace["roots"] == 1 and workspace["indexing"] is None and workspace["waiting"] == 0
        assert workspace["contextTokens"] == sum(part["tokens"] for part in parts)
        # A copy that is outside of all roots has the same text and no context.
        outside = "file:///elsewhere/main.py"
        editor.open(outside, MAIN)
        editor.reply(editor.inline(outside, AT))
        assert editor.last(outside)["tokens"]["prompt"] + workspace["contextTokens"] == with_it
        assert editor.inspect(outside)["context"] == []


def test_a_context_stays_while_one_types_and_is_renewed_in_a_pause(fake: Start, root: Path) -> None:
    main = root / "main.py"
    with started(fake, root) as editor:
        editor.open(uri(main), MAIN)
        assert until(lambda: "area_of" in shown(editor, main))
        before = shown(editor, main)
        editor.change(uri(main), (0, 0, "from colours import mix_of\n"))
        end = len(editor.texts[uri(main)].text)
        for letter in "mix_of(1, 2)" * 3:
            editor.change(uri(main), (end, end, letter))
            end += 1
            editor.reply(editor.inline(uri(main), end))
            assert shown(editor, main) == before
            time.sleep(0.05)
        assert until(lambda: "mix_of" in shown(editor, main))
        assert shown(editor, main)[: len(before)] == before, "what was there keeps its place"


def test_a_context_follows_the_disk_and_open_buffers(fake: Start, root: Path) -> None:
    main, shapes = root / "main.py", root / "shapes.py"
    with started(fake, root) as editor:
        editor.open(uri(main), MAIN)
        assert until(lambda: "area_of" in shown(editor, main))

        def cost() -> int:
            return int(sum(part["tokens"] for part in editor.inspect(uri(main))["context"]))

        short = cost()
        shapes.write_text(SHAPES.replace("shape.width", "shape.width_in_metres_as_measured"))
        assert until(lambda: cost() > short)
        editor.open(uri(shapes), SHAPES)
        editor.notify("hirope/didFocus", {"uri": uri(main)})
        assert until(lambda: cost() == short), "the open buffer counts"
        editor.close(uri(shapes))
        assert until(lambda: cost() > short)
        shapes.unlink()
        assert until(lambda: "area_of" not in shown(editor, main))


def test_answers_of_a_former_context_serve_only_what_is_typed_along(fake: Start, root: Path) -> None:
    main, shapes = root / "main.py", root / "shapes.py"
    shapes.unlink()
    (root / "colours.py").unlink()
    with started(fake, root, says="shape, 1)") as editor:
        editor.open(uri(main), MAIN)
        assert outcome(editor, uri(main), AT) == "shown"
        assert outcome(editor, uri(main), AT) == "cached"
        assert shown(editor, main) == []
        shapes.write_text(SHAPES)
        assert until(lambda: "area_of" in shown(editor, main))
        editor.change(uri(main), (AT, AT, "sha"))
        assert outcome(editor, uri(main), AT + 3) == "cached:former"
        editor.change(uri(main), (AT, AT + 3, ""))
        assert outcome(editor, uri(main), AT) == "shown"
        assert outcome(editor, uri(main), AT) == "cached"
        editor.change(uri(main), (AT, AT, "sha"))
        assert outcome(editor, uri(main), AT + 3) == "cached"


PRIVATE = {
    ".env": "secret",
    "keys/server.pem": "secret",
    "secrets/a.py": "secret",
    "link.py": "secret",
    "ignored.py": "ignored",
    "out/deep/b.py": "ignored",
    ".git/config": "ignored",
}


def test_private_files_are_in_no_answer_log_index_or_cache(fake: Start, root: Path, tmp_path: Path) -> None:
    for name in PRIVATE:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if name != "link.py":
            (root / name).write_text(f"def {WORD}():\n    return 1\n")
    (root / "link.py").symlink_to(root / ".env")
    (root / ".gitignore").write_text("ignored.py\nout/\n")
    (root / "main.py").write_text(f"from ignored import {WORD}x\n" + MAIN)
    opens = tmp_path / "opens"
    with started(fake, root, opens=str(opens)) as editor:
        editor.open(uri(root / "main.py"), MAIN)
        text = f"{WORD} = 1\nx = "
        for name, rule in PRIVATE.items():
            document = uri(root / name)
            editor.open(document, text)
            assert outcome(editor, document, len(text)) == f"filtered:{rule}", name
            editor.change(document, (0, 0, f"{WORD}\n"))
            assert editor.reply(editor.inline(document, 0)) == {"items": []}
            assert outcome(editor, document, 0) == f"filtered:{rule}", name
        editor.notify("hirope/didFocus", {"uri": uri(root / "main.py")})
        assert until(lambda: "area_of" in shown(editor, root / "main.py"))
        editor.notify("hirope/didFocus", {"uri": uri(root / ".env")})
        time.sleep(1.0)
        assert shown(editor, root / "main.py") and WORD not in str(editor.inspect(uri(root / "main.py")))
        before = editor.inspect(uri(root / "main.py"))["cache"]
        assert before["tokens"] > 0
        logs = str(editor.told("window/logMessage"))
    names = [Path(line) for line in opens.read_text().splitlines()]
    assert root / "shapes.py" in names, "the hook hears"
    assert not [path for path in names if any(path.resolve() == (root / name).resolve() for name in PRIVATE)]
    for told in (logs, editor.stderr.decode()):
        assert WORD not in told and not [name for name in PRIVATE if Path(name).name in told]
    cache = list(opens.parent.parent.glob("**/index/**/*"))
    assert not [path for path in cache if path.is_file() and WORD.encode() + b"()" in path.read_bytes()]


@pytest.mark.parametrize("context", ["on", "off"])
def test_other_names_of_secrets_are_secret(fake: Start, root: Path, tmp_path: Path, context: str) -> None:
    (root / ".env").write_text(f"{WORD} = 1\n")
    (root / "hard.py").hardlink_to(root / ".env")
    (root / "target.py").write_text(f"def {WORD}():\n    return 1\n")
    (root / "secrets").mkdir()
    (root / "secrets/linked").symlink_to(root / "target.py")
    (root / "loop").symlink_to(root)
    opens = tmp_path / "opens"
    overrides = {"lookAhead": "off", "context": context}
    with started(fake, root, overrides=overrides, opens=str(opens)) as editor:
        for name in ("hard.py", "target.py", "loop/hard.py", "loop/loop/target.py", "main.py"):
            editor.open(uri(root / name), MAIN)
            expected = "shown" if name == "main.py" else "filtered:secret"
            assert outcome(editor, uri(root / name), AT) == expected, name
        if context == "on":
            assert until(lambda: "area_of" in shown(editor, root / "main.py"))
        assert WORD not in str(editor.inspect(uri(root / "main.py")))
        assert WORD not in str(editor.told("window/logMessage"))
    names = {os.path.realpath(line) for line in opens.read_text().splitlines()}
    assert not names & {str(root / name) for name in (".env", "hard.py", "target.py")}


def test_what_becomes_private_is_shown_and_served_no_more(fake: Start, root: Path) -> None:
    main, shapes = root / "main.py", root / "shapes.py"
    with started(fake, root) as editor:
        editor.open(uri(main), MAIN)
        editor.open(uri(shapes), SHAPES)
        assert outcome(editor, uri(shapes), 10) in ("shown", "filtered:blank")
        editor.notify("hirope/didFocus", {"uri": uri(main)})
        assert until(lambda: "area_of" in shown(editor, main))
        (root / ".hiropeignore").write_text("shapes.py\n")
        assert until(lambda: "area_of" not in shown(editor, main))
        assert until(lambda: outcome(editor, uri(shapes), 10) == "filtered:ignored")
        (root / ".hiropeignore").unlink()
        assert until(lambda: outcome(editor, uri(shapes), 10) in ("shown", "filtered:blank"))


ELSEWHERE = {
    "untitled:Untitled-1": None,
    "file:///elsewhere/plain.py": None,
    "vscode-notebook-cell:/elsewhere/notebook.ipynb#W0sZmlsZQ": None,
    "git:/repository/main.py?ref=HEAD": "read-only",
    "fugitive:///repository/.git//0/main.py": "read-only",
    "output:tasks": "read-only",
    "untitled:/repository/.env": "secret",
    "file:///home/me/.ssh/config": "secret",
    "file:///home/me/id_rsa": "secret",
}


def test_documents_that_are_no_files_of_the_workspace(fake: Start, root: Path) -> None:
    with started(fake, root, says="return 1\n") as editor:
        for document, rule in ELSEWHERE.items():
            editor.open(document, "def f():\n    ")
            assert outcome(editor, document, 13) == (f"filtered:{rule}" if rule else "shown"), document
        notebook = {"uri": "file:///elsewhere/notebook.ipynb", "notebookType": "jupyter-notebook", "version": 1}
        editor.notify("notebookDocument/didOpen", {"notebookDocument": {**notebook, "cells": []}})
        assert editor.ask("hirope/status")["state"] == "ready"


def test_a_private_notebook(fake: Start, root: Path) -> None:
    (root / "secrets").mkdir()
    book, cell = uri(root / "secrets/book.ipynb"), f"vscode-notebook-cell:{root}/secrets/book.ipynb#0"
    editor = fake(**OFF)
    with editor:
        editor.initialize(roots=[root], capabilities={"notebookDocument": {"synchronization": {}}})
        editor.ready()
        item = {"uri": cell, "languageId": "python", "version": 1, "text": "x = "}
        notebook = {"uri": book, "notebookType": "jupyter-notebook", "version": 1}
        cells = [{"kind": 2, "document": cell}]
        params = {"notebookDocument": {**notebook, "cells": cells}, "cellTextDocuments": [item]}
        editor.notify("notebookDocument/didOpen", params)
        place = {"textDocument": {"uri": cell}, "position": {"line": 0, "character": 4}}
        found = editor.ask("textDocument/inlineCompletion", {**place, "context": {"triggerKind": 2}})
        assert found == {"items": []}
        assert editor.last(cell)["outcome"] == "filtered:secret"


def test_private_while_the_model_is_loading(fake: Start, root: Path) -> None:
    with fake(load_s=1.0, **OFF) as editor:
        editor.initialize(roots=[root])
        editor.open(uri(root / ".env"), "x = ")
        assert until(lambda: outcome(editor, uri(root / ".env"), 4) == "filtered:secret", 0.9)
        editor.ready()


def test_nothing_but_open_files_is_read_without_a_context(fake: Start, root: Path, tmp_path: Path) -> None:
    opens = tmp_path / "opens"
    (root / ".gitignore").write_text("ignored.py\n")
    with started(fake, root, overrides={"context": "off", "lookAhead": "off"}, opens=str(opens)) as editor:
        editor.open(uri(root / "main.py"), MAIN)
        editor.open(uri(root / "ignored.py"), MAIN)
        assert outcome(editor, uri(root / "ignored.py"), AT) == "filtered:ignored"
        editor.reply(editor.inline(uri(root / "main.py"), AT))
        time.sleep(1.0)
        assert shown(editor, root / "main.py") == []
        assert editor.ask("hirope/status")["workspace"]["files"] == 0
    assert not [line for line in opens.read_text().splitlines() if line.startswith(str(root)) and line.endswith(".py")]


def test_folders_come_and_go(fake: Start, root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "more.py").write_text("def more_of(this):\n    return this\n")
    main = root / "main.py"
    folders = "workspace/didChangeWorkspaceFolders"

    def folder(path: Path) -> dict[str, str]:
        return {"uri": path.as_uri(), "name": "x"}

    with fake(**OFF) as editor:
        capabilities = editor.initialize(capabilities={"workspace": {"workspaceFolders": True}})
        assert capabilities["workspace"] == {"workspaceFolders": {"supported": True, "changeNotifications": True}}
        editor.ready()
        editor.notify(folders, {"event": {"added": [folder(root)], "removed": []}})
        editor.open(uri(main), MAIN)
        assert until(lambda: "area_of" in shown(editor, main))
        editor.notify(folders, {"event": {"added": [folder(other)], "removed": []}})
        assert until(lambda: editor.ask("hirope/status")["workspace"]["files"] == 4)
        editor.notify(folders, {"event": {"added": [], "removed": [folder(root)]}})
        assert until(lambda: editor.ask("hirope/status")["workspace"]["files"] == 1)
        assert until(lambda: shown(editor, main) == [])
        for bad in (None, {}, {"event": 3}, {"event": {"added": [{}], "removed": []}}):
            editor.notify(folders, bad)
        assert editor.reply(editor.inline(uri(main), AT))["items"]


def test_what_the_client_announced_is_used_and_nothing_else(fake: Start, root: Path) -> None:
    with started(fake, root) as editor:
        editor.open(uri(root / "main.py"), MAIN)
        assert until(lambda: "area_of" in shown(editor, root / "main.py"))
        assert editor.asked == [] and not editor.told("$/progress")
    for number in range(200):
        (root / f"m{number}.py").write_text(f"def f{number}():\n    pass\n" * 20)
    with fake(**OFF) as editor:
        watching = {"didChangeWatchedFiles": {"dynamicRegistration": True}}
        editor.initialize(roots=[root], capabilities={"workspace": watching, "window": {"workDoneProgress": True}})
        editor.ready()
        assert until(lambda: editor.ask("hirope/status")["workspace"]["files"] == 203)
        assert "client/registerCapability" in editor.asked
        bars = [told["value"]["kind"] for told in editor.told("$/progress") if told["token"] == "hirope/index"]
        assert bars[0] == "begin" and bars[-1] == "end"
        changes = [{"uri": uri(root / "m1.py"), "type": 2}, {"uri": "nonsense", "type": 9}]
        for bad in (None, {"changes": 5}, {"changes": [{}]}, {"changes": changes}):
            editor.notify("workspace/didChangeWatchedFiles", bad)


def test_nothing_stays_behind(fresh: Start, root: Path) -> None:
    for number in range(400):
        (root / f"m{number}.py").write_text(f"def f{number}():\n    pass\n" * 100)
    editor = started(fresh, root)
    family = psutil.Process(editor.process.pid)
    assert until(lambda: bool(family.children(recursive=True))), "files are read in a process of its own"
    children = family.children(recursive=True)
    assert editor.process.stdin is not None
    editor.process.stdin.close()
    editor.process.wait(30)
    assert until(lambda: not [child for child in children if child.is_running()], 5)
    assert isinstance(editor.process, subprocess.Popen) and editor.process.returncode == 1
