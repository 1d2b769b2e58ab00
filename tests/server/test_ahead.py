"""What follows acceptance is made while idle, one step ahead: there when it is asked for, out of the way before."""

from __future__ import annotations

import time

from editor import Editor
from server.conftest import Start
from server.test_inline import AT, CODE, OTHER, URI, ready

SAYS = "+ x"
ON = {"says": SAYS + "\n", "overrides": {"lookAhead": "on"}}


def accept(editor: Editor, at: int, text: str = SAYS) -> int:
    editor.change(URI, (at, at, text))
    return at + len(text)


def shown(editor: Editor, at: int) -> str:
    (item,) = editor.reply(editor.inline(URI, at))["items"]
    return str(item["insertText"])


def spared(editor: Editor, name: str, least: int = 0) -> int:
    """The count, once it is `least`, if it comes to that."""
    for _ in range(2000):
        count = int(editor.ask("hirope/status")["spared"][name])
        if count >= least:
            return count
        time.sleep(0.01)
    return count


def test_the_next_suggestion_is_there_when_one_is_accepted(fake: Start) -> None:
    with ready(fake, **ON) as editor:
        at = AT
        for step in (1, 2):
            assert shown(editor, at) == SAYS
            assert spared(editor, "ahead", step) == step
            at = accept(editor, at)
        assert shown(editor, at) == SAYS
        assert editor.last(URI)["outcome"] == "cached"
        assert spared(editor, "foreseen") == 2


def test_one_step_ahead_only_and_once(fake: Start) -> None:
    with ready(fake, **ON) as editor:
        for _ in range(3):
            shown(editor, AT)
            assert spared(editor, "ahead", 1) == 1
        time.sleep(0.2)
        assert spared(editor, "ahead") == 1


def test_off_is_off(fake: Start) -> None:
    with ready(fake, says=SAYS, overrides={"lookAhead": "off"}) as editor:
        shown(editor, AT)
        time.sleep(0.3)
        assert spared(editor, "ahead") == 0


def test_on_its_own_it_is_not_made_where_a_suggestion_takes_long(fake: Start) -> None:
    with ready(fake, says=SAYS, prefill_s=1.1) as editor:
        shown(editor, AT)
        time.sleep(0.3)
        assert not editor.ask("hirope/status")["busy"]


def test_typing_along_does_not_stop_it(fake: Start) -> None:
    with ready(fake, **ON, prefill_s=0.5) as editor:
        assert shown(editor, AT) == SAYS
        time.sleep(0.2)
        at = accept(editor, AT, SAYS[:1])
        assert shown(editor, at) == SAYS[1:]
        at = accept(editor, at, SAYS[1:2])
        assert shown(editor, at) == SAYS[2:]
        assert spared(editor, "ahead", 1) == 1
        assert shown(editor, accept(editor, at, SAYS[2:])) == SAYS
        assert editor.last(URI)["outcome"] == "cached"


def test_accepted_while_it_is_made_it_goes_on(fake: Start) -> None:
    with ready(fake, **ON, prefill_s=0.8) as editor:
        assert shown(editor, AT) == SAYS
        time.sleep(0.3)
        at = accept(editor, AT)
        older = editor.inline(URI, at)
        at = accept(editor, at, SAYS[:2])
        assert shown(editor, at) == SAYS[2:], "asked again, it would say all of it"
        assert editor.reply(older) is None
        assert spared(editor, "foreseen") == 1


def test_other_requests_go_first(fake: Start) -> None:
    with ready(fake, **ON, prefill_s=0.6) as editor:
        editor.open(OTHER, CODE)
        assert shown(editor, AT) == SAYS
        time.sleep(0.2)
        assert editor.reply(editor.inline(OTHER, AT))["items"]
        assert spared(editor, "ahead") == 0, "it stepped aside"
        editor.change(URI, (AT, AT, "x"))
        assert shown(editor, AT + 1) == SAYS
