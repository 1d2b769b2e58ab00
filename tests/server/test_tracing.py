"""`$/logTrace` comes to those who want it, as much as they want, and holds nothing of what messages hold."""

from __future__ import annotations

from typing import Any

import pytest
from editor import Editor
from server.conftest import Start

URI = "file:///SECRET.py"


def initialize(editor: Editor, **more: Any) -> None:
    editor.ask("initialize", {"processId": None, "capabilities": {}, **more})
    editor.notify("initialized", {})


def some_work(editor: Editor) -> list[dict[str, str]]:
    """Traces of an edit, a request and one that is wrong."""
    before = len(editor.told("$/logTrace"))
    editor.open(URI, "SECRET = 1\n")
    editor.change(URI, (0, 0, "SECRET"))
    editor.reply(editor.inline(URI, 3))
    wrong = editor.request("textDocument/inlineCompletion", {"SECRET": 1})
    assert editor.wait(lambda: wrong in editor.replies)
    editor.ask("hirope/lastCompletion", {"textDocument": {"uri": URI}})
    editor.close(URI)
    editor.ask("hirope/status")
    return editor.told("$/logTrace")[before:]


def methods(traces: list[dict[str, str]]) -> list[str]:
    return [trace["message"].split()[0].rpartition("/")[2] for trace in traces]


DONE = ["didOpen", "didChange", "inlineCompletion", "inlineCompletion", "lastCompletion", "didClose"]


@pytest.mark.parametrize("level", ["messages", "verbose"])
def test_from_the_beginning(fake: Start, level: str) -> None:
    with fake() as editor:
        initialize(editor, trace=level)
        traces = some_work(editor)
        assert [name for name in methods(traces) if name in DONE] == DONE
        assert any("was answered with error -32602 after" in trace["message"] for trace in traces)
        assert all(("verbose" in trace) == (level == "verbose") for trace in traces)
        assert "SECRET" not in str(traces)


@pytest.mark.parametrize("more", [{}, {"trace": "off"}, {"trace": "loud"}, {"trace": 7}])
def test_only_on_request(fake: Start, more: dict[str, Any]) -> None:
    with fake() as editor:
        initialize(editor, **more)
        assert some_work(editor) == []


def test_turned_on_and_off(fake: Start) -> None:
    with fake() as editor:
        initialize(editor)
        editor.notify("$/setTrace", {"value": "verbose"})
        assert "hirope/lastCompletion" in str(some_work(editor))
        for wrong in ({"value": "loud"}, {"value": [1]}, {}, None, [1]):
            editor.notify("$/setTrace", wrong)
        assert "hirope/lastCompletion" in str(some_work(editor))
        editor.notify("$/setTrace", {"value": "off"})
        editor.ask("hirope/status")
        assert some_work(editor) == []
        assert not editor.told("window/showMessage")
