"""Reading before it is asked for: on opening, on focus, in a pause; below all that is asked for."""

from __future__ import annotations

import time
from typing import Any

from editor import Editor
from server.conftest import Start
from server.test_inline import AT, CODE, OTHER, URI, ready

OFF: dict[str, Any] = {"overrides": {"lookAhead": "off"}}


def warmed(editor: Editor, least: int) -> int:
    """The count of warm-ups, once it is `least`, if it comes to that."""
    for _ in range(300):
        count = int(editor.ask("hirope/status")["spared"]["warmed"])
        if count >= least:
            break
        time.sleep(0.01)
    return count


def test_after_a_pause_what_a_completion_begins_with_is_there(fake: Start) -> None:
    with ready(fake, **OFF) as editor:
        assert warmed(editor, 1) == 1
        assert editor.reply(editor.inline(URI, AT))["items"]
        asked = editor.last(URI)["tokens"]["prompt"]
        for letter in ("é", "x", "y"):
            editor.change(URI, (0, 0, f"{letter} = 1\n"))
        assert warmed(editor, 2) == 2
        assert editor.inspect(URI)["cache"]["tokens"] > asked
        # The last edit is the cursor's last known place.
        editor.reply(editor.inline(URI, len("y = 1\n")))
        tokens = editor.last(URI)["tokens"]
        assert tokens["reused"] == tokens["prompt"]
        time.sleep(0.5)
        assert warmed(editor, 2) == 2


def test_edits_in_many_places_leave_the_cursor_where_it_was(fake: Start) -> None:
    with ready(fake, **OFF) as editor:
        assert warmed(editor, 1) == 1
        assert editor.reply(editor.inline(URI, AT))["items"]
        editor.change(URI, (len(CODE), len(CODE), "x = 1\n"), (0, 0, "import os\n"), (0, 0, "é"))
        assert warmed(editor, 2) == 2
        editor.reply(editor.inline(URI, AT + len("import os\né")))
        tokens = editor.last(URI)["tokens"]
        assert tokens["reused"] == tokens["prompt"]


def test_a_file_that_was_never_asked_about_is_read_again_from_its_start(fake: Start) -> None:
    with ready(fake, **OFF) as editor:
        assert warmed(editor, 1) == 1
        before = editor.inspect(URI)
        editor.change(URI, (0, 0, "import os\n" * 20))
        assert warmed(editor, 2) == 2
        after = editor.inspect(URI)
        assert after["cache"]["tokens"] - before["cache"]["tokens"] == after["tokens"] - before["tokens"]


def test_the_focused_file_is_read_first(fake: Start) -> None:
    others = [f"file:///{number}.py" for number in range(4)]
    with fake(prefill_s=0.4, **OFF) as editor:
        editor.initialize()
        for uri in others:
            editor.open(uri, CODE)
        editor.ready()
        editor.notify("hirope/didFocus", {"uri": others[-1]})
        assert warmed(editor, 2) == 2
        # The first was being read when the last got the focus; the second is begun by now.
        held = [editor.inspect(uri)["cache"]["tokens"] > 0 for uri in others[2:]]
        assert held == [False, True]


def test_focus_reads_again_what_is_asked_at_the_last_place(fake: Start) -> None:
    with ready(fake, **OFF) as editor:
        editor.open(OTHER, CODE)
        assert warmed(editor, 2) == 2
        assert editor.reply(editor.inline(URI, AT))["items"]
        editor.notify("hirope/didFocus", {"uri": URI})  # it has the focus: it was asked about
        editor.notify("hirope/didFocus", {"uri": OTHER})
        assert warmed(editor, 3) == 3
        editor.notify("hirope/didFocus", {"uri": URI})
        assert warmed(editor, 4) == 4
        assert editor.inspect(URI)["cache"]["tokens"] == editor.last(URI)["tokens"]["prompt"]
        time.sleep(0.1)
        assert warmed(editor, 4) == 4


def test_focus_on_nothing(fake: Start) -> None:
    with ready(fake, **OFF) as editor:
        for params in ({"uri": "file:///nowhere.py"}, {}, {"uri": 3}, None, [URI]):
            editor.notify("hirope/didFocus", params)
        assert editor.reply(editor.inline(URI, AT))["items"]


def test_a_request_goes_before_a_warm_up_that_runs(fake: Start) -> None:
    with fake(prefill_s=1.5, **OFF) as editor:
        editor.initialize()
        for number in range(20):
            editor.open(f"file:///{number}.py", CODE)
        editor.open(URI, CODE)
        editor.ready()
        time.sleep(0.2)
        began = time.monotonic()
        assert editor.reply(editor.inline(URI, AT))["items"]
        assert time.monotonic() - began < 15, "twenty of them would take thirty seconds"
