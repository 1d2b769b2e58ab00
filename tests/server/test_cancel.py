"""A cancel stops the model within a chunk, and the next request has it at once; but who types along only moves on."""

from __future__ import annotations

import time

import pytest
from editor import Editor, ReplyError
from server.conftest import Start
from server.test_continued import OUT, SAYS, continued, text_of, type_in
from server.test_inline import AT, CODE, OTHER, URI, ready

LONG = {"first_s": [60.0], "chunk_s": 0.2, **OUT}  # far longer than any test waits


def cancel(editor: Editor, request: int) -> None:
    editor.notify("$/cancelRequest", {"id": request})


def ended(editor: Editor, request: int) -> int:
    with pytest.raises(ReplyError) as error:
        editor.reply(request, timeout=10)
    return error.value.code


def begun(editor: Editor) -> None:
    """Wait until the model is in the long prefill."""
    time.sleep(0.3)
    assert editor.ask("hirope/status")["busy"]


@pytest.mark.parametrize(("uri", "at"), [(URI, AT), (URI, len(CODE)), (OTHER, AT)])
def test_after_a_cancel_the_next_request_has_the_model(fake: Start, uri: str, at: int) -> None:
    with ready(fake, **LONG) as editor:
        editor.open(OTHER, CODE)
        request = editor.inline(URI, AT)
        begun(editor)
        cancel(editor, request)
        assert ended(editor, request) == -32800
        assert text_of(editor.reply(editor.inline(uri, at), timeout=4)) == SAYS


@pytest.mark.parametrize("change", ["", "x", "gone elsewhere"])
def test_superseding_stops_the_model_as_well(fake: Start, change: str) -> None:
    with ready(fake, **LONG) as editor:
        request = editor.inline(URI, AT)
        begun(editor)
        if change:
            editor.change(URI, (0, 0, change))
            assert text_of(editor.reply(editor.inline(URI, AT + len(change)), timeout=4)) == SAYS
        else:
            assert text_of(editor.reply(editor.inline(URI, len(CODE)), timeout=4)) == SAYS
        assert editor.reply(request) is None


def test_closing_stops_the_model(fake: Start) -> None:
    with ready(fake, **LONG) as editor:
        editor.open(OTHER, CODE)
        request = editor.inline(URI, AT)
        begun(editor)
        editor.close(URI)
        assert editor.reply(request, timeout=10) is None
        assert text_of(editor.reply(editor.inline(OTHER, AT), timeout=10)) == SAYS


def test_many_cancels_in_a_row(fake: Start) -> None:
    with ready(fake, **{**LONG, "chunk_s": 0.05, "first_s": [60.0] * 4}) as editor:
        for _ in range(4):
            request = editor.inline(URI, AT)
            begun(editor)
            cancel(editor, request)
            assert ended(editor, request) == -32800
        assert text_of(editor.reply(editor.inline(URI, AT), timeout=4)) == SAYS
        assert editor.ask("hirope/status")["outcomes"] == {"cancelled": 4, "shown": 1}


def test_a_cancel_of_one_who_types_along_keeps_the_generation_a_moment(fake: Start) -> None:
    """As editors do it: the text changes, the old request is cancelled, the new one comes a little later."""
    with ready(fake, **OUT, step_s=0.1) as editor:
        older = editor.inline(URI, AT)
        time.sleep(0.35)
        at = type_in(editor, AT, "re")
        cancel(editor, older)
        assert ended(editor, older) == -32800
        time.sleep(0.05)
        assert text_of(editor.reply(editor.inline(URI, at))) == SAYS[2:]
        assert continued(editor) == 1


def test_a_moment_is_not_long(fake: Start) -> None:
    with ready(fake, **LONG) as editor:
        older = editor.inline(URI, AT)
        begun(editor)
        type_in(editor, AT, "re")
        cancel(editor, older)
        assert ended(editor, older) == -32800
        for _ in range(300):
            if not editor.ask("hirope/status")["busy"]:
                return
            time.sleep(0.01)
        raise AssertionError("the model goes on for nobody")


def test_nobody_waits_for_one_that_lingers(fake: Start) -> None:
    with ready(fake, **LONG) as editor:
        editor.open(OTHER, CODE)
        older = editor.inline(URI, AT)
        begun(editor)
        type_in(editor, AT, "re")
        cancel(editor, older)
        assert text_of(editor.reply(editor.inline(OTHER, AT), timeout=10)) == SAYS
        assert ended(editor, older) == -32800
