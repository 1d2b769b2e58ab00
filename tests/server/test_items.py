"""Suggestions as entries of a completion menu, for clients that have no inline completion."""

from __future__ import annotations

from typing import Any

import pytest
from editor import Editor, ReplyError
from server.conftest import Start
from server.test_inline import AT, CODE, OTHER, URI

from hirope_ls.model.folder import bundled_folder

INVOKED, CHARACTER, AGAIN = 1, 2, 3
MENU: dict[str, Any] = {"textDocument": {"completion": {}}}
RICH: dict[str, Any] = {
    "textDocument": {
        "completion": {
            "completionItem": {
                "documentationFormat": ["markdown", "plaintext"],
                "preselectSupport": True,
                "insertTextModeSupport": {"valueSet": [1, 2]},
            }
        }
    }
}
BOTH: dict[str, Any] = {"textDocument": {"completion": {}, "inlineCompletion": {}}}
NOTHING = {"isIncomplete": True, "items": []}


def ready(fake: Start, announced: dict[str, Any] = MENU, options: Any = None, **script: Any) -> Editor:
    editor = fake(**script)
    editor.initialize(capabilities=announced, options=options)
    editor.open(URI, CODE)
    editor.ready()
    return editor


def menu(editor: Editor, uri: str, index: int, kind: int = AGAIN) -> int:
    """Ask for the entries at a string index; the request's id."""
    place = {"textDocument": {"uri": uri}, "position": editor.texts[uri].position(index)}
    return editor.request("textDocument/completion", {**place, "context": {"triggerKind": kind}})


def entries(editor: Editor, index: int, kind: int = AGAIN, uri: str = URI) -> list[dict[str, Any]]:
    answer = editor.reply(menu(editor, uri, index, kind))
    assert answer["isIncomplete"] is True
    return answer["items"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("announced", "wish", "offered"),
    [
        (MENU, None, True),
        (MENU, "off", False),
        (BOTH, None, False),
        (BOTH, "auto", False),
        (BOTH, "on", True),
        ({}, None, False),
        ({}, "on", True),
    ],
)
def test_who_is_offered_them(fake: Start, announced: dict[str, Any], wish: str | None, offered: bool) -> None:
    with fake() as editor:
        capabilities = editor.initialize(
            capabilities=announced, options={"completionItems": wish} if wish else None, initialized=False
        )
        assert ("completionProvider" in capabilities) is offered
        assert "inlineCompletionProvider" in capabilities
        editor.open(URI, CODE)
        if offered:
            assert " " not in capabilities["completionProvider"]["triggerCharacters"]
            assert editor.reply(menu(editor, URI, AT)) == NOTHING
        else:
            with pytest.raises(ReplyError) as unknown:
                editor.reply(menu(editor, URI, AT))
            assert unknown.value.code == -32601


def test_an_entry_extends_the_word_that_was_typed(fake: Start) -> None:
    with ready(fake, says="return a + b\n") as editor:
        entries(editor, AT)
        editor.change(URI, (AT, AT, "ret"))  # typed along with it
        (entry,) = entries(editor, AT + 3)
        assert entry["label"] == "return a + b"
        assert entry["filterText"] == "return a + b"
        assert entry["detail"] == "hirope-ls"
        assert entry["insertTextFormat"] == 1
        place = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 7}}
        assert entry["textEdit"] == {"range": place, "newText": "return a + b"}
        assert entry["documentation"] == {"kind": "plaintext", "value": "return a + b"}
        assert not {"preselect", "insertTextMode"} & entry.keys(), "not announced"
        assert editor.ask("hirope/status")["outcomes"]
        assert editor.last(URI)["outcome"] in ("shown", "cached")


def test_what_the_client_announces_is_used(fake: Start) -> None:
    says = "x = '```'\n    return x\n"
    with ready(fake, RICH, says=says) as editor:
        whole, line = entries(editor, AT, INVOKED)
        assert whole["documentation"] == {
            "kind": "markdown",
            "value": "````python\nx = '```'\nreturn x\n````",
        }
        assert (whole["preselect"], line.get("preselect")) == (True, None)
        assert whole["insertTextMode"] == 1
        assert whole["sortText"] < line["sortText"]
        assert "preselect" not in entries(editor, AT, AGAIN)[0], "who types is not led to accept"


def test_several_lines_are_offered_whole_and_as_the_first(fake: Start) -> None:
    with ready(fake, says="c = a\n    return c\n") as editor:
        whole, line = entries(editor, AT)
        assert (whole["label"], line["label"]) == ("c = a … (+1 line)", "c = a")
        assert (whole["textEdit"]["newText"], line["textEdit"]["newText"]) == ("c = a\n    return c", "c = a")
        editor.change(URI, (AT, AT, "c = a"))
        (rest,) = entries(editor, AT + 5)
        assert editor.last(URI)["outcome"] == "cached", "the rest of what was accepted by line"
        assert rest["textEdit"]["newText"] == "a\n    return c"
        assert rest["label"] == "a ⏎ return c"


def test_whoever_asks_by_hand_gets_several(fake: Start) -> None:
    draws = ["return a - b\n", "return a + b\n", "return b\n"]
    with ready(fake, says="return a + b\n", draws=draws) as editor:
        assert [entry["label"] for entry in entries(editor, AT, CHARACTER)] == ["return a + b"]
        several = ["return a + b", "return a - b", "return b"]
        assert [entry["label"] for entry in entries(editor, AT, INVOKED)] == several
        editor.change(URI, (AT, AT, "r"))
        assert len(entries(editor, AT + 1, INVOKED)) == 1, "a letter that is typed asks like a hand"
        assert len(entries(editor, AT + 1, INVOKED)) > 1, "asked again, where nothing was typed"


def test_the_newest_request_wins_and_a_cancel_is_acknowledged(fake: Start) -> None:
    with ready(fake, prefill_s=0.5) as editor:
        older, newer = menu(editor, URI, AT), menu(editor, URI, AT)
        assert editor.reply(older) is None
        assert editor.reply(newer)["items"]
        assert editor.ask("hirope/status")["outcomes"] == {"superseded": 1, "shown": 1}
        editor.change(URI, (0, 0, "#"))
        cancelled = menu(editor, URI, AT + 1)
        editor.notify("$/cancelRequest", {"id": cancelled})
        with pytest.raises(ReplyError) as refused:
            editor.reply(cancelled)
        assert refused.value.code == -32800
        assert editor.last(URI)["outcome"] == "cancelled"


def test_both_forms_get_the_same_and_do_not_supersede_each_other(fake: Start) -> None:
    with ready(fake, BOTH, {"completionItems": "on"}, says="return a + b\n", prefill_s=0.3) as editor:
        ghost, entry = editor.inline(URI, AT), menu(editor, URI, AT)
        assert editor.reply(ghost)["items"][0]["insertText"] == "return a + b"
        assert editor.reply(entry)["items"][0]["label"] == "return a + b"
        editor.change(URI, (0, 0, "#"))
        ghost, entry = editor.inline(URI, AT + 1), menu(editor, URI, AT + 1)
        editor.notify("$/cancelRequest", {"id": ghost})
        assert editor.reply(entry)["items"], "a cancel in one form is none in the other"
        with pytest.raises(ReplyError):
            editor.reply(ghost)


def test_an_answer_is_for_the_text_that_was_asked_about(fake: Start) -> None:
    """Clients count what was typed since they asked themselves."""
    with ready(fake, says="return a + b\n", prefill_s=1.0) as editor:
        request = menu(editor, URI, AT)
        editor.change(URI, (AT, AT, "re"))
        (entry,) = editor.reply(request)["items"]
        place = {"line": 1, "character": 4}
        assert entry["textEdit"] == {"range": {"start": place, "end": place}, "newText": "return a + b"}
        request = menu(editor, URI, 0)
        editor.change(URI, (0, 0, "q"))
        assert editor.reply(request) == NOTHING
        assert editor.last(URI)["outcome"] == "empty:document-changed"


def test_nothing_to_suggest(fake: Start) -> None:
    with ready(fake, says="\u202e") as editor:
        assert editor.reply(menu(editor, URI, AT)) == NOTHING
        assert editor.last(URI)["outcome"] == "filtered:unprintable"
        editor.texts[OTHER] = editor.texts[URI]
        assert editor.reply(menu(editor, OTHER, AT)) == NOTHING
        assert editor.last(OTHER)["outcome"] == "empty:unknown-document"
        for params in ({}, {"textDocument": {"uri": URI}}, {"textDocument": {"uri": URI}, "position": 5}, None):
            with pytest.raises(ReplyError) as wrong:
                editor.ask("textDocument/completion", params)
            assert wrong.value.code == -32602


def test_long_lines_and_wide_characters(fake: Start) -> None:
    with ready(fake, says="'𝒳' + " + " + ".join(f"long_name_{n}" for n in range(9)) + "\n") as editor:
        editor.change(URI, (AT, AT, "é = '𝒳'; word"))
        (entry,) = entries(editor, AT + len("é = '𝒳'; word"))
        assert len(entry["label"]) <= 60
        assert entry["label"].startswith("word") and entry["label"].endswith("…")
        span = entry["textEdit"]["range"]
        assert (span["start"]["character"], span["end"]["character"]) == (14, 18)  # UTF-16


def test_in_a_notebook(fake: Start) -> None:
    with ready(fake, {**MENU, "notebookDocument": {}}, says="return a + b\n") as editor:
        cells = [f"nb:{number}" for number in range(2)]
        texts = ["import os\n", CODE]
        for uri, text in zip(cells, texts, strict=True):
            editor.texts[uri] = type(editor.texts[URI])(text, editor.encoding)
        opened = {
            "uri": "file:///n.ipynb",
            "notebookType": "jupyter",
            "version": 1,
            "cells": [{"kind": 2, "document": uri} for uri in cells],
        }
        items = [
            {"uri": uri, "languageId": "python", "version": 1, "text": text}
            for uri, text in zip(cells, texts, strict=True)
        ]
        editor.notify("notebookDocument/didOpen", {"notebookDocument": opened, "cellTextDocuments": items})
        (entry,) = entries(editor, AT, uri=cells[1])
        assert entry["textEdit"]["range"]["start"] == {"line": 1, "character": 4}


@pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model is not there")
def test_the_bundled_model_in_a_menu_and_behind_a_selected_entry() -> None:
    text = (
        "import os\n\n\ndef first_long_name(a, b):\n    return a + b\n\n\n"
        "def second_long_name(a, b):\n    return a - b\n\n\ndef third(a, b):\n    return fir"
    )
    with Editor() as editor:
        editor.initialize(capabilities=MENU, options={"deadlineMs": 120_000, "maxNewTokens": 24})
        editor.open(URI, text)
        editor.ready(180)
        (entry, *_) = entries(editor, len(text))
        span = entry["textEdit"]["range"]
        assert span["end"]["character"] - span["start"]["character"] == 3
        assert entry["textEdit"]["newText"].startswith("fir")
        assert entry["filterText"].startswith(entry["label"].rstrip("…")[:20])
        assert entry["documentation"]["value"].startswith("return fir")
        # An entry is chosen that the model would not say: a suggestion exists, and extends it.
        place = {"start": span["start"], "end": span["end"]}
        chosen = {"range": place, "text": "second_long"}
        (item,) = editor.reply(editor.inline(URI, len(text), selectedCompletionInfo=chosen), 180)["items"]
        assert item["insertText"].startswith("second_long") and len(item["insertText"]) > len("second_long")
        assert item["range"] == place
