"""Explanations over LSP: offers, facts at once, the model's words in pieces, and every way to show them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from editor import Editor, ReplyError
from server.conftest import Start

from hirope_ls.model.folder import bundled_folder

BODY = '    """How large."""\n    return side * side\n'
FILLER = "".join(f"x{n} = {n}\n" for n in range(60))
FAR = f"def area(side: int) -> int:\n{BODY}\n\n{FILLER}\nprint(area(3))\n"
MAIN = "from shapes import area\n\nprint(area(3))\n"
SAYS = " squares the side.\n# It adds nothing.\n\ndef other():"
TOLD = "squares the side.\nIt adds nothing."

ACTION = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}
LAZY = {"dataSupport": True, "resolveSupport": {"properties": ["command"]}, "tagSupport": {"valueSet": [1]}}
OWN_VIEW = {"textDocument": {"codeAction": ACTION | LAZY}, "experimental": {"hirope": {"explain": True}}}
FILES = {"textDocument": {"codeAction": ACTION, "hover": {}}, "window": {"showDocument": {"support": True}}}
HOVER = {"textDocument": {"codeAction": ACTION, "hover": {}}, "workspace": {"executeCommand": {}}}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "shapes.py").write_text(f"def area(side: int) -> int:\n{BODY}")
    (folder / "main.py").write_text(MAIN)
    return folder


def at(editor: Editor, uri: str, word: str, nth: int = -1) -> dict[str, Any]:
    """The parameters of a request about the last such word of a document."""
    text = editor.texts[uri]
    index = text.text.rindex(word) if nth < 0 else text.text.index(word)
    return {"textDocument": {"uri": uri}, "position": text.position(index)}


def actions(editor: Editor, uri: str, word: str, nth: int = -1, **context: Any) -> list[dict[str, Any]]:
    place = at(editor, uri, word, nth)
    span = {"start": place["position"], "end": place["position"]}
    params = {"textDocument": place["textDocument"], "range": span, "context": {"diagnostics": [], **context}}
    found: list[dict[str, Any]] = editor.ask("textDocument/codeAction", params)
    return found


def offered(editor: Editor, uri: str, word: str) -> list[dict[str, Any]]:
    """The actions, once the files are known."""
    for _ in range(600):
        if found := actions(editor, uri, word):
            return found
        editor.wait(lambda: False, 0.1)
    raise AssertionError("nothing was offered")


def said(editor: Editor, token: object) -> tuple[str, dict[str, Any]]:
    """The pieces of an explanation in a row, and the last notification."""

    def notes() -> list[dict[str, Any]]:
        return [note for note in editor.told("hirope/explanation") if note["token"] == token]

    assert editor.wait(lambda: any(note.get("done") for note in notes()))
    *pieces, last = notes()
    return "".join(piece["text"] for piece in pieces), last


def test_offered_for_what_is_out_of_sight_alone(fake: Start) -> None:
    with fake() as editor:
        offer = editor.initialize(capabilities=OWN_VIEW)
        assert offer["codeActionProvider"] == {"codeActionKinds": ["hirope.explain"], "resolveProvider": True}
        assert "hoverProvider" not in offer
        editor.ready()
        editor.open("file:///far.py", FAR)
        (action,) = offered(editor, "file:///far.py", "area")
        assert action["title"] == "Explain `area` (defined 66 lines above)" and action["kind"] == "hirope.explain"
        assert action["tags"] == [1] and "command" not in action
        done = editor.ask("codeAction/resolve", action)
        assert done["command"]["command"] == "hirope.showExplanation"
        assert done["command"]["arguments"][0]["position"] == at(editor, "file:///far.py", "area")["position"]
        for word, nth in (("area", 0), ("side", 0), ("print", -1), ("x1 ", -1)):
            assert actions(editor, "file:///far.py", word, nth) == [], word
        assert actions(editor, "file:///far.py", "area", only=["refactor", "hirope.other"]) == []
        for kind in ("", "hirope", "hirope.explain"):
            assert len(actions(editor, "file:///far.py", "area", only=[kind])) == 1, kind
        for uri, language in (("file:///notes.txt", "plaintext"), ("file:///page.x", "unheard-of"), ("untitled:1", "")):
            editor.open(uri, FAR, language)
            assert actions(editor, uri, "area") == [] and editor.ask("hirope/explain", at(editor, uri, "area")) is None
        editor.open("untitled:2", FAR)
        assert len(actions(editor, "untitled:2", "area")) == 1
        editor.ask("hirope/explain", {**at(editor, "untitled:2", "area"), "token": 9})
        assert "(<untitled:2#L1>)" in said(editor, 9)[1]["markdown"]
        editor.open("file:///near.py", FAR.replace(FILLER, ""))
        assert actions(editor, "file:///near.py", "area") == []


def test_facts_at_once_then_the_words(fake: Start) -> None:
    with fake(says=SAYS, step_s=0.01) as editor:
        editor.initialize(capabilities=OWN_VIEW)
        editor.ready()
        editor.open("file:///far.py", FAR)
        place = at(editor, "file:///far.py", "area")
        first = editor.ask("hirope/explain", {**place, "token": 5})
        assert (first["token"], first["name"], first["state"]) == (5, "area", "writing")
        assert "def area(side: int) -> int" in first["markdown"] and "66 lines above" in first["markdown"]
        assert "It is being written" in first["markdown"]
        pieces, last = said(editor, 5)
        assert pieces == TOLD and last["reason"] == "end"
        assert last["markdown"].startswith(first["markdown"].partition("---")[0])
        assert "> squares the side.\n> It adds nothing." in last["markdown"] and "too few" in last["markdown"]
        editor.change("file:///far.py", (len(FAR) - 1, len(FAR) - 1, "  # more"))
        known = editor.ask("hirope/explain", {**at(editor, "file:///far.py", "area")})
        assert known["state"] == "known" and "> squares the side." in known["markdown"]
        titles = [one["title"] for one in actions(editor, "file:///far.py", "area")]
        assert titles[1:] == ["Explain `area` again, in other words"]
        assert editor.ask("hirope/explain", at(editor, "file:///far.py", "x9")) is None


def test_again_in_other_words_and_anew_after_an_edit(fake: Start) -> None:
    with fake(says=SAYS, draws=[" one.\n\nx", " two.\n\nx", " three.\n\nx"]) as editor:
        editor.initialize(capabilities=OWN_VIEW)
        editor.ready()
        editor.open("file:///far.py", FAR)
        place = at(editor, "file:///far.py", "area")
        for token, (again, words) in enumerate([(False, TOLD), (True, "two."), (True, "three."), (True, "one.")]):
            editor.ask("hirope/explain", {**place, "again": again, "token": token})
            assert said(editor, token)[0] == words
        assert "> one." in editor.ask("hirope/explain", place)["markdown"]
        start = FAR.index("side * side")
        editor.change("file:///far.py", (start, start + 4, "edge"))
        changed = editor.ask("hirope/explain", {**at(editor, "file:///far.py", "area"), "token": "new"})
        assert changed["state"] == "writing" and said(editor, "new")[0] == TOLD


def test_cancelled_while_it_is_written(fake: Start) -> None:
    with fake(says=SAYS, step_s=30) as editor:
        editor.initialize(capabilities=OWN_VIEW)
        editor.ready()
        editor.open("file:///far.py", FAR)
        place = at(editor, "file:///far.py", "area")
        request = editor.request("hirope/explain", {**place, "token": "a"})
        editor.reply(request)
        editor.notify("$/cancelRequest", {"id": request})
        pieces, last = said(editor, "a")
        assert pieces == "" and last["reason"] == "cancelled" and "It was stopped." in last["markdown"]
        editor.ask("hirope/explain", {**place, "token": "b"})
        editor.ask("hirope/explain", {**place, "token": "c"})
        assert said(editor, "b")[1]["reason"] == "superseded"
        # The one that still runs does not hold up the end.


def test_a_completion_goes_first_and_nothing_is_told_twice(fake: Start) -> None:
    with fake(says=SAYS, step_s=0.03) as editor:
        editor.initialize(capabilities=OWN_VIEW, options={"deadlineMs": 60_000})
        editor.ready()
        editor.open("file:///far.py", FAR)
        editor.ask("hirope/explain", {**at(editor, "file:///far.py", "area"), "token": 1})
        assert editor.wait(lambda: editor.told("hirope/explanation"))
        assert editor.reply(editor.inline("file:///far.py", len(FAR)))["items"]
        assert not any(note.get("done") for note in editor.told("hirope/explanation"))
        pieces, last = said(editor, 1)
        assert pieces == TOLD and last["reason"] == "end"


def test_other_files(fake: Start, work: Path) -> None:
    uri = (work / "main.py").as_uri()
    with fake(says=SAYS) as editor:
        editor.initialize(capabilities=OWN_VIEW, roots=[work])
        editor.ready()
        editor.open(uri, MAIN)
        (action,) = offered(editor, uri, "area(")
        assert action["title"] == "Explain `area` (defined in shapes.py:1)"
        assert [one["title"] for one in actions(editor, uri, "area", 0)] == [action["title"]]
        editor.ask("hirope/explain", {**at(editor, uri, "area("), "token": 1})
        pieces, last = said(editor, 1)
        assert pieces == TOLD and "[shapes.py:1](<file:///" in last["markdown"]


@pytest.mark.parametrize("options", [{"context": "off"}, {"workspaceIndex": "off"}])
def test_no_other_file_is_read_where_that_is_not_wished(fake: Start, work: Path, options: dict[str, str]) -> None:
    uri = (work / "main.py").as_uri()
    with fake(says=SAYS) as editor:
        editor.initialize(options=options, capabilities=OWN_VIEW, roots=[work])
        editor.ready()
        editor.open(uri, MAIN)
        for _ in range(20):  # far longer than two files take
            assert actions(editor, uri, "area(") == []
            editor.wait(lambda: False, 0.1)
        assert editor.ask("hirope/status")["workspace"]["files"] == 0


def test_private_files_are_not_explained(fake: Start, work: Path) -> None:
    (work / ".gitignore").write_text("hidden.py\n")
    (work / "hidden.py").write_text(FAR)
    (work / "main.py").write_text("from hidden import area\nfrom shapes import area as other\narea(1)\nother(2)\n")
    hidden, main = (work / "hidden.py").as_uri(), (work / "main.py").as_uri()
    with fake(says=SAYS) as editor:
        editor.initialize(capabilities=OWN_VIEW, roots=[work])
        editor.ready()
        editor.open(main, (work / "main.py").read_text())
        assert offered(editor, main, "other")
        editor.open(hidden, FAR)
        assert (
            actions(editor, hidden, "area") == [] and editor.ask("hirope/explain", at(editor, hidden, "area")) is None
        )
        assert actions(editor, main, "area(1") == []
        told = editor.ask("hirope/explain", at(editor, main, "area(1"))
        assert told is None or "hidden.py" not in told["markdown"]
        (work / ".gitignore").write_text("hidden.py\nmain.py\n")
        editor.notify(
            "workspace/didChangeWatchedFiles", {"changes": [{"uri": (work / ".gitignore").as_uri(), "type": 2}]}
        )
        for _ in range(600):
            if editor.ask("hirope/explain", at(editor, main, "other")) is None:
                return
            editor.wait(lambda: False, 0.1)
        raise AssertionError("a file that is ignored by now is still explained")


def test_shown_as_a_file(fake: Start) -> None:
    with fake(says=SAYS) as editor:
        offer = editor.initialize(capabilities=FILES)
        assert offer["executeCommandProvider"] == {"commands": ["hirope.explain", "hirope.explainAgain"]}
        assert "hoverProvider" not in offer
        editor.ready()
        editor.open("file:///far.py", FAR)
        (action,) = offered(editor, "file:///far.py", "area")
        assert action["command"]["command"] == "hirope.explain" and "tags" not in action
        assert editor.ask("workspace/executeCommand", action["command"]) is None
        assert editor.wait(lambda: "window/showDocument" in editor.asked)
        shown = dict(editor.asked_with)["window/showDocument"]
        page = Path(unquote(urlsplit(shown["uri"]).path))
        assert page.name == "explain area.md" and stat.S_IMODE(page.parent.stat().st_mode) == 0o700
        for _ in range(600):
            if "> It adds nothing." in page.read_text():
                break
            editor.wait(lambda: False, 0.1)
        assert "### function `area`" in page.read_text() and "> squares the side." in page.read_text()
        editor.open(shown["uri"], page.read_text(), "markdown")
        assert editor.reply(editor.inline(shown["uri"], 5))["items"] == []
        assert editor.last(shown["uri"])["outcome"] == "filtered:read-only"
    assert not page.parent.exists()


def test_told_by_a_hover_where_nothing_else_is_shown(fake: Start) -> None:
    with fake(says=SAYS) as editor:
        assert editor.initialize(capabilities=HOVER)["hoverProvider"] is True
        editor.ready()
        editor.open("file:///far.py", FAR)
        place = at(editor, "file:///far.py", "area")
        facts = editor.ask("textDocument/hover", place)["contents"]
        assert facts["kind"] == "markdown" and "66 lines above" in facts["value"] and "written" not in facts["value"]
        assert editor.ask("workspace/executeCommand", {"command": "hirope.explain", "arguments": [place]}) is None
        assert editor.wait(lambda: editor.told("window/showMessage"))
        assert "`area` is explained" in editor.told("window/showMessage")[0]["message"]
        assert "> squares the side." in editor.ask("textDocument/hover", place)["contents"]["value"]
        assert editor.ask("textDocument/hover", at(editor, "file:///far.py", "x9")) is None
        assert editor.ask("textDocument/hover", at(editor, "file:///far.py", "area", 0)) is None


def test_a_client_that_knows_none_of_it(fake: Start) -> None:
    with fake() as editor:
        offer = editor.initialize()
        assert not {"codeActionProvider", "executeCommandProvider", "hoverProvider"} & set(offer)
        editor.open("file:///far.py", FAR)
        with pytest.raises(ReplyError):
            editor.ask("textDocument/hover", at(editor, "file:///far.py", "area"))


def test_without_a_model_the_facts_are_told(fake: Start) -> None:
    with fake(refuse="no such model") as editor:
        editor.initialize(capabilities=OWN_VIEW)
        assert editor.wait(lambda: editor.told("window/showMessage"))
        editor.open("file:///far.py", FAR)
        editor.ask("hirope/explain", {**at(editor, "file:///far.py", "area"), "token": 1})
        _, last = said(editor, 1)
        assert last["reason"] == "no-model" and "def area(side: int) -> int" in last["markdown"]


def test_cells_of_notebooks(fake: Start) -> None:
    cells = {"file:///n.ipynb#a": f"def area(side: int) -> int:\n{BODY}\n\n{FILLER}", "file:///n.ipynb#b": "area(1)\n"}
    with fake(says=SAYS) as editor:
        editor.initialize(capabilities=OWN_VIEW | {"notebookDocument": {"synchronization": {}}})
        editor.ready()
        order = [{"kind": 2, "document": uri} for uri in cells]
        texts = [{"uri": uri, "languageId": "python", "version": 1, "text": text} for uri, text in cells.items()]
        book = {"uri": "file:///n.ipynb", "notebookType": "jupyter-notebook", "version": 1, "cells": order}
        editor.notify("notebookDocument/didOpen", {"notebookDocument": book, "cellTextDocuments": texts})
        place = {"textDocument": {"uri": "file:///n.ipynb#b"}, "position": {"line": 0, "character": 1}}
        span = {"start": place["position"], "end": place["position"]}
        params = {"textDocument": place["textDocument"], "range": span, "context": {"diagnostics": []}}
        for _ in range(600):
            if found := editor.ask("textDocument/codeAction", params):
                break
            editor.wait(lambda: False, 0.1)
        assert found[0]["data"]["textDocument"] == place["textDocument"]
        editor.ask("hirope/explain", {**place, "token": 1})
        pieces, last = said(editor, 1)
        assert pieces == TOLD and "file://" not in last["markdown"]


@pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model is not there")
def test_the_bundled_model_writes_one() -> None:
    with Editor() as editor:
        editor.initialize(capabilities=OWN_VIEW)
        editor.open("file:///far.py", FAR)
        editor.ready()
        place = at(editor, "file:///far.py", "area")
        for token, again in enumerate((False, True)):
            first = editor.ask("hirope/explain", {**place, "token": token, "again": again})
            assert first["state"] == "writing" and "66 lines above" in first["markdown"]
            pieces, last = said(editor, token)
            assert last["reason"] in ("end", "repetition", "length", "empty") and "<|" not in pieces
            assert "too few to explain code" in last["markdown"]


def test_parameters_that_are_none(fake: Start) -> None:
    document = {"textDocument": {"uri": "file:///far.py"}}
    start = {"position": {"line": 0, "character": 0}}
    ours = {"command": "hirope.explain"}
    bad = [
        *((method, params) for method in ("hirope/explain", "textDocument/codeAction") for params in ({}, document)),
        ("hirope/explain", document | start | {"token": 1.5}),
        *(("workspace/executeCommand", params) for params in ({"command": "x"}, ours, ours | {"arguments": [1]})),
    ]
    with fake() as editor:
        editor.initialize(capabilities=OWN_VIEW)
        for method, params in bad:
            with pytest.raises(ReplyError) as refused:
                editor.ask(method, params)
            assert refused.value.code == -32602, method
