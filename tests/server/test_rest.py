"""The rest of the file in view is read when nothing has happened for a while: once for each text, below all else."""

from __future__ import annotations

import time
from unittest.mock import Mock

import pytest
from editor import Editor
from server.conftest import Start
from server.test_ahead import spared
from server.test_inline import AT, CODE, OTHER, URI, ready

from hirope_ls.server import ahead, rest

ON = {"overrides": {"lookAhead": "on"}}


def ask(editor: Editor, at: int = AT) -> None:
    assert editor.reply(editor.inline(URI, at))["items"]


def test_once_for_each_text_after_a_while(fake: Start) -> None:
    with ready(fake, **ON) as editor:
        ask(editor)
        prompt = editor.last(URI)["tokens"]["prompt"]
        assert spared(editor, "whole") == 0
        assert spared(editor, "whole", 1) == 1
        assert editor.inspect(URI)["cache"]["tokens"] != prompt, "the fake holds what it was told last"
        ask(editor)
        time.sleep(rest.REST_S + 0.5)
        assert spared(editor, "whole") == 1
        editor.change(URI, (0, 0, "x = 1\n"))
        assert spared(editor, "whole", 2) == 2


def test_off_is_off_and_a_file_nobody_asked_about_has_no_rest(fake: Start) -> None:
    with ready(fake, overrides={"lookAhead": "off"}) as off, ready(fake, **ON) as unasked:
        ask(off)
        unasked.change(URI, (0, 0, "x = 1\n"))
        time.sleep(rest.REST_S + 1)
        assert spared(off, "whole") == spared(unasked, "whole") == 0


def test_whatever_is_asked_for_goes_first(fake: Start) -> None:
    with ready(fake, prefill_s=60, first_s=[0.0] * 9, **ON) as editor:
        ask(editor)
        until, again = time.monotonic() + 30, time.monotonic() + rest.REST_S + 2
        while not editor.ask("hirope/status")["busy"]:
            assert time.monotonic() < until, "the rest is to be read"
            if time.monotonic() > again:  # a warm-up that begins just now puts it off
                ask(editor)
                again += rest.REST_S + 2
            time.sleep(0.05)
        began = time.monotonic()
        editor.change(URI, (0, 0, "y = 1\n"))
        ask(editor, AT + len("y = 1\n"))
        assert time.monotonic() - began < 20
        time.sleep(rest.REST_S + 1)
        editor.open(OTHER, CODE)
        assert editor.reply(editor.inline(OTHER, AT))["items"]
        assert time.monotonic() - began < 40
        assert spared(editor, "whole") == 0


@pytest.mark.parametrize(("wish", "battery", "reads"), [("auto", True, 0), ("auto", False, 1), ("on", True, 1)])
def test_not_on_battery_unless_wished(
    monkeypatch: pytest.MonkeyPatch, wish: ahead.LookAhead, battery: bool, reads: int
) -> None:
    monkeypatch.setattr(rest, "on_battery", lambda: battery)
    monkeypatch.setattr(rest.asyncio, "wrap_future", lambda future: future)
    backend, document = Mock(state="ready"), Mock(uri=URI)
    rest.Rest(backend, Mock(), lambda: wish)._begin(document, 0)
    assert backend.worker.warm.call_count == reads


APPROXIMATE = {"overrides": {"lookAhead": "off", "approximateSplice": "true"}}


def test_an_approximate_answer_says_so_and_a_later_one_is_exact(fake: Start) -> None:
    """The fake calls approximate what it was not warmed with; the answer is known, but asked for again all the same."""
    with ready(fake, says="return a + b\n", **APPROXIMATE) as editor:
        assert spared(editor, "warmed", 1) == 1
        ask(editor)
        last = editor.last(URI)
        assert last["outcome"] == "shown:approximate" and last["approximateFrom"] == last["tokens"]["prompt"] // 2
        editor.change(URI, (AT, AT, "ret"))
        ask(editor, AT + 3)
        assert editor.last(URI)["outcome"] == "cached:approximate", "who types along gets the rest of what was shown"
        assert spared(editor, "warmed", 2) == 2, "in a pause it is read anew, whatever lookAhead says"
        ask(editor, AT + 3)
        assert (editor.last(URI)["outcome"], editor.last(URI)["approximateFrom"]) == ("shown", None)
        status = editor.ask("hirope/status")
        assert status["outcomes"] == {"shown:approximate": 1, "cached:approximate": 1, "shown": 1}
        assert status["latencyMs"]["count"] == 3


def test_a_jump_below_an_edit_is_refreshed_without_another_edit(fake: Start) -> None:
    with ready(fake, says="return a + b\n", **APPROXIMATE) as editor:
        assert spared(editor, "warmed", 1) == 1
        ask(editor)
        assert spared(editor, "warmed", 2) == 2
        ask(editor)
        assert editor.last(URI)["outcome"] == "shown"
