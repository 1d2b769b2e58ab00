"""Notebooks by LSP's notebook sync: cells are one document, whatever changes; answers are in a cell's own terms."""

from __future__ import annotations

import random
from typing import Any

from editor import Editor, ReplyError, Text
from fuzz import rng, rounds
from server.conftest import Start

BOOK = "file:///work/a.ipynb"
NOTEBOOK = {"uri": BOOK, "notebookType": "jupyter-notebook", "version": 1}
ANNOUNCED = {"notebookDocument": {"synchronization": {"dynamicRegistration": False}}}


def cell(number: int) -> str:
    return f"vscode-notebook-cell:/work/a.ipynb#{number}"


def item(number: int, text: str, language: str = "python") -> dict[str, Any]:
    return {"uri": cell(number), "languageId": language, "version": 1, "text": text}


def opened(fake: Start, *texts: str, **script: Any) -> Editor:
    editor = fake(**script)
    assert "notebookDocumentSync" in editor.initialize(capabilities=ANNOUNCED)
    editor.ready()
    cells = [{"kind": 2, "document": cell(number)} for number in range(len(texts))]
    items = [item(number, text) for number, text in enumerate(texts)]
    editor.notify(
        "notebookDocument/didOpen", {"notebookDocument": {**NOTEBOOK, "cells": cells}, "cellTextDocuments": items}
    )
    return editor


def changed(editor: Editor, **cells: Any) -> None:
    editor.notify(
        "notebookDocument/didChange",
        {"notebookDocument": {"uri": BOOK, "version": 2}, "change": {"cells": cells}},
    )


def ask(editor: Editor, number: int, line: int, character: int) -> Any:
    position = {"line": line, "character": character}
    params = {"textDocument": {"uri": cell(number)}, "position": position, "context": {"triggerKind": 2}}
    return editor.ask("textDocument/inlineCompletion", params)


def digest(editor: Editor, uri: str) -> Any:
    seen = editor.inspect(uri)
    return seen["digest"], seen["units"]


def test_a_cell_sees_those_before_it_and_is_answered_in_its_own_lines(fake: Start) -> None:
    with opened(fake, "import os\n\ndef f():\n    pass", "é = 1\nx = ", says="f()\n") as editor:
        (answer,) = ask(editor, 1, 1, 4)["items"]
        place = {"line": 1, "character": 4}
        assert answer == {"insertText": "f()", "range": {"start": place, "end": place}}
        assert editor.last(cell(1))["outcome"] == "shown"
        editor.open("file:///work/flat.py", "import os\n\ndef f():\n    pass\né = 1\nx = \n")
        assert digest(editor, cell(1)) == digest(editor, "file:///work/flat.py")
        editor.reply(editor.inline("file:///work/flat.py", len("import os\n\ndef f():\n    pass\né = 1\nx = ")))
        assert editor.last(cell(1))["tokens"]["prompt"] == editor.last("file:///work/flat.py")["tokens"]["prompt"]
        selected = {"range": {"start": {"line": 1, "character": 0}, "end": place}, "text": "xy = "}
        params = {"textDocument": {"uri": cell(1)}, "position": place}
        found = editor.ask(
            "textDocument/inlineCompletion",
            {**params, "context": {"triggerKind": 2, "selectedCompletionInfo": selected}},
        )
        assert [each["range"] for each in found["items"]] == [selected["range"]]
        editor.notify("hirope/didFocus", {"uri": cell(0)})
        editor.notify("notebookDocument/didClose", {"notebookDocument": {"uri": BOOK}, "cellTextDocuments": []})
        assert ask(editor, 1, 1, 4) == {"items": []}


def test_cells_in_other_languages_are_no_part_of_it(fake: Start) -> None:
    with opened(fake, "x = 1") as editor:
        added = [{"kind": 1, "document": cell(5)}, {"kind": 2, "document": cell(6)}]
        opens = [item(5, "# A title", "markdown"), item(6, "SELECT 1", "sql")]
        changed(editor, structure={"array": {"start": 0, "deleteCount": 0, "cells": added[:1]}, "didOpen": opens[:1]})
        changed(editor, structure={"array": {"start": 2, "deleteCount": 0, "cells": added[1:]}, "didOpen": opens[1:]})
        editor.open("file:///work/flat.py", "x = 1\n")
        assert digest(editor, BOOK) == digest(editor, "file:///work/flat.py")
        assert ask(editor, 5, 0, 0) == {"items": []} and ask(editor, 6, 0, 0) == {"items": []}


def test_after_random_changes_it_equals_its_cells(fake: Start) -> None:
    chance = rng("notebooks")
    with opened(fake, "a = 1\n", "def f():\n    return a", "") as editor:
        order, texts = [0, 1, 2], {0: "a = 1\n", 1: "def f():\n    return a", 2: ""}
        for step in range(rounds(60)):
            what = chance.random()
            if what < 0.7 and order:
                number = chance.choice(order)
                texts[number], change = edited(chance, texts[number])
                changed(editor, textContent=[{"document": {"uri": cell(number), "version": step}, "changes": [change]}])
            elif what < 0.85 or not order:
                number, at = 10 + step, chance.randint(0, len(order))
                texts[number] = chance.choice(["", "x = 1", "def g():\n    pass\n", "é\r\n𝒳"])
                order.insert(at, number)
                array = {"start": at, "deleteCount": 0, "cells": [{"kind": 2, "document": cell(number)}]}
                changed(editor, structure={"array": array, "didOpen": [item(number, texts[number])]})
            else:
                at = chance.randrange(len(order))
                gone = order.pop(at)
                closes = [{"uri": cell(gone)}]
                changed(editor, structure={"array": {"start": at, "deleteCount": 1}, "didClose": closes})
            if step % 10 == 9:
                flat = "".join(one if not one or one[-1] in "\r\n" else one + "\n" for one in map(texts.get, order))  # type: ignore[index, operator]
                editor.open(f"file:///work/{step}.py", flat)
                assert digest(editor, BOOK) == digest(editor, f"file:///work/{step}.py")


def edited(chance: random.Random, text: str) -> tuple[str, dict[str, Any]]:
    held = Text(text, "utf-16")
    start = chance.randint(0, len(text))
    change = held.replace(
        start, min(len(text), start + chance.choice([0, 0, 1, 5])), chance.choice(["x", "\n", "é", ""])
    )
    return held.text, change


def test_nonsense_leaves_it_out_of_sync_or_as_it_was(fake: Start) -> None:
    with opened(fake, "x = 1") as editor:
        for params in (None, {}, {"notebookDocument": 5}, {"notebookDocument": {"uri": "file:///none"}, "change": {}}):
            for method in ("didOpen", "didChange", "didClose"):
                editor.notify(f"notebookDocument/{method}", params)
        assert editor.inspect(BOOK)["units"]
        for position in (None, {"line": -1, "character": 0}, "x"):
            params = {"textDocument": {"uri": cell(0)}, "position": position}
            try:
                editor.ask("textDocument/inlineCompletion", params)
            except ReplyError as refused:
                assert refused.code == -32602
            else:
                raise AssertionError(position)
        changed(editor, textContent=[{"document": {"uri": cell(77), "version": 1}, "changes": []}])
        assert ask(editor, 0, 0, 0) == {"items": []}
        assert editor.last(BOOK)["outcome"] == "empty:out-of-sync"
