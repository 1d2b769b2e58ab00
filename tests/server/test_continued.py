"""A generation that runs goes on for a newer request while it agrees with what was typed; else it stops at once."""

from __future__ import annotations

import random
import time
from typing import Any

from editor import Editor
from fuzz import rng, rounds, save_failure
from server.conftest import Start
from server.test_inline import AT, CODE, OTHER, URI, ready

SAYS = "return a + b"
OUT = {"says": SAYS + "\n"}


def type_in(editor: Editor, at: int, new: str) -> int:
    editor.change(URI, (at, at, new))
    return at + len(new)


def text_of(answer: Any) -> str:
    item, *_ = answer["items"]  # whoever asks by hand gets several
    return str(item["insertText"])


def continued(editor: Editor) -> int:
    return int(editor.ask("hirope/status")["spared"]["continued"])


def test_typing_along_with_what_is_being_said(fake: Start) -> None:
    with ready(fake, **OUT, step_s=0.1) as editor:
        older = editor.inline(URI, AT)
        time.sleep(0.35)
        at = type_in(editor, AT, "re")
        newer = editor.inline(URI, at)
        newest = editor.inline(URI, type_in(editor, at, "t"))
        assert editor.reply(older) is None and editor.reply(newer) is None
        # The scripted model would say all of it again if it were asked again.
        assert text_of(editor.reply(newest)) == "urn a + b"
        assert editor.last(URI)["outcome"] == "shown"
        assert editor.ask("hirope/status")["outcomes"] == {"superseded": 2, "shown": 1}
        assert continued(editor) == 1
        editor.change(URI, (AT, AT + 3, ""))
        assert text_of(editor.reply(editor.inline(URI, AT))) == SAYS
        assert editor.last(URI)["outcome"] == "cached", "kept for the text that it was made for"


def test_typing_ahead_of_what_is_being_said(fake: Start) -> None:
    with ready(fake, **OUT, prefill_s=0.6) as editor:
        older = editor.inline(URI, AT)
        time.sleep(0.1)
        newer = editor.inline(URI, type_in(editor, AT, "return"))
        assert editor.reply(older) is None
        assert text_of(editor.reply(newer)) == " a + b"
        assert continued(editor) == 1


def test_it_stops_at_once_for_other_typing(fake: Start) -> None:
    with ready(fake, **OUT, step_s=0.2) as editor:
        older = editor.inline(URI, AT)
        time.sleep(0.5)
        at = type_in(editor, AT, "x")
        assert text_of(editor.reply(editor.inline(URI, at))) == SAYS
        assert editor.reply(older) is None
        assert continued(editor) == 0


def test_it_stops_where_it_comes_to_disagree(fake: Start) -> None:
    with ready(fake, **OUT, prefill_s=0.4) as editor:
        older = editor.inline(URI, AT)
        time.sleep(0.1)
        newer = editor.inline(URI, type_in(editor, AT, "rex"))
        assert editor.reply(older) is None
        assert text_of(editor.reply(newer)) == SAYS, "asked afresh"
        assert continued(editor) == 0


def test_when_all_of_it_was_typed_the_model_is_asked_again(fake: Start) -> None:
    with ready(fake, **OUT, prefill_s=0.4) as editor:
        older = editor.inline(URI, AT)
        time.sleep(0.1)
        newer = editor.inline(URI, type_in(editor, AT, SAYS))
        assert editor.reply(older) is None
        assert editor.reply(newer) == {"items": []} or text_of(editor.reply(newer)) == SAYS
        assert editor.last(URI)["outcome"] != "cached"


def test_a_cursor_elsewhere_is_another_question(fake: Start) -> None:
    with ready(fake, **OUT, prefill_s=0.3) as editor:
        older = editor.inline(URI, AT)
        time.sleep(0.1)
        newer = editor.inline(URI, len(CODE))
        assert editor.reply(older) is None
        assert text_of(editor.reply(newer)) == SAYS
        assert editor.last(URI)["timings"]["total"] >= 290


def test_the_deadline_is_that_of_the_newest_request(fake: Start) -> None:
    with ready(fake, **OUT, prefill_s=3.5, overrides={"deadlineMs": 2500}) as editor:
        older = editor.inline(URI, AT)
        time.sleep(1.7)
        newer = editor.inline(URI, type_in(editor, AT, "r"))
        assert editor.reply(older) is None
        assert text_of(editor.reply(newer)) == SAYS[1:]
        assert editor.last(URI)["tokens"]["prefilled"] > 0


def test_a_waiting_one_gives_way_to_the_newer_text(fake: Start) -> None:
    """Nothing has been done for it yet, so the model may as well read what is there now."""
    with ready(fake, **OUT, first_s=[4.0]) as editor:
        editor.open(OTHER, CODE)
        blocker = editor.inline(OTHER, AT)
        busy = 0  # that file is parsed first, and what is asked meanwhile of another one would go before
        while busy < 10:
            busy = busy + 1 if editor.ask("hirope/status")["busy"] else 0
            time.sleep(0.01)
        older = editor.inline(URI, AT)
        newer = editor.inline(URI, type_in(editor, AT, "re"))
        assert editor.reply(blocker)["items"]
        assert editor.reply(older) is None
        assert text_of(editor.reply(newer)) == SAYS
        assert continued(editor) == 0


def test_closing_ends_what_goes_on(fake: Start) -> None:
    with ready(fake, **OUT, prefill_s=30) as editor:
        editor.inline(URI, AT)
        time.sleep(0.1)
        newer = editor.inline(URI, type_in(editor, AT, "r"))
        editor.close(URI)
        assert editor.reply(newer, 5) is None


def test_random_typing_is_only_ever_answered_along_the_way(fake: Start) -> None:
    """Whatever is typed when, an answer completes what the model says, from the cursor or from what was typed of it."""
    random = rng("continued")
    for _ in range(rounds(2)):
        with ready(fake, **OUT, prefill_s=random.choice([0, 0.02]), step_s=random.choice([0.002, 0.01])) as editor:
            for at in (AT, len(CODE)):
                play(editor, random, at)
                editor.change_all(URI, CODE)


def play(editor: Editor, random: random.Random, at: int) -> None:
    asked: list[tuple[int, str]] = []
    for _ in range(30):
        new = random.choice([*SAYS[:6], SAYS[:2], SAYS[:7], "x", ""])
        if random.random() < 0.7:
            before = editor.texts[URI].text[:at]
            typed = next(size for size in range(len(SAYS), -1, -1) if before.endswith(SAYS[:size]))
            new = SAYS[typed : typed + random.randrange(1, 4)]
        at = type_in(editor, at, new) if new else at
        asked.append((editor.inline(URI, at, random.random() < 0.5), editor.texts[URI].text[:at]))
        editor.wait(lambda: False, random.choice([0, 0.005, 0.02, 0.05]))
    for number, (request, _) in enumerate(asked):
        answer = editor.reply(request)
        if answer is not None and answer["items"]:
            text = text_of(answer)
            typed = SAYS.removesuffix(text)
            # It is told for the text as it is by then: more of it may have been typed meanwhile.
            if not SAYS.endswith(text) or not any(before.endswith(typed) for _, before in asked[number:]):
                raise AssertionError(save_failure("continued", repr((asked, request, text))))
