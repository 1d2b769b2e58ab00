"""Inline completions with a scripted model: who is answered, with what, in which order, and what is told about it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from editor import Editor, ReplyError
from server.conftest import Start

URI = "file:///a.py"
OTHER = "file:///b.py"
CODE = "def first(a, b):\n    \n\n\ndef second():\n    return first(1, 2)\n"
AT = CODE.index("    \n") + 4
EMPTY: dict[str, Any] = {"items": []}


def ready(fake: Start, **script: Any) -> Editor:
    editor = fake(**script)
    editor.initialize()
    editor.open(URI, CODE)
    editor.ready()
    return editor


def test_an_item_is_a_plain_insertion_at_the_cursor(fake: Start) -> None:
    with ready(fake, says="return a + b\n") as editor:
        answer = editor.reply(editor.inline(URI, AT))
        place = {"line": 1, "character": 4}
        assert answer == {"items": [{"insertText": "return a + b", "range": {"start": place, "end": place}}]}
        last = editor.last(URI)
        assert last["outcome"] == "shown"
        assert last["tokens"]["prompt"] > 0
        assert last["tokens"]["generated"] > 0
        assert {"queue", "prefill", "decode", "total"} <= last["timings"].keys()
        status = editor.ask("hirope/status")
        assert status["outcomes"] == {"shown": 1}
        assert status["state"] == "ready"
        assert status["last"] == last
        assert status["latencyMs"]["count"] == 1
        assert any(told["message"].startswith("completion: shown") for told in editor.told("window/logMessage"))


def test_the_same_again_and_typing_along_need_no_model(fake: Start) -> None:
    with ready(fake, says="return a + b\n") as editor:
        editor.reply(editor.inline(URI, AT))
        editor.reply(editor.inline(URI, AT))
        assert editor.last(URI)["outcome"] == "cached"
        editor.change(URI, (AT, AT, "ret"))
        (item,) = editor.reply(editor.inline(URI, AT + 3))["items"]
        assert item["insertText"] == "urn a + b"
        assert editor.last(URI)["outcome"] == "cached"
        editor.change(URI, (AT + 3, AT + 3, "x"))
        editor.reply(editor.inline(URI, AT + 4))
        assert editor.last(URI)["outcome"] == "shown"


def test_the_newest_request_of_a_document_wins(fake: Start) -> None:
    with ready(fake, prefill_s=0.5) as editor:
        requests = [editor.inline(URI, AT) for _ in range(5)]
        other = editor.inline(OTHER, 0) if OTHER in editor.texts else None
        assert other is None
        assert [editor.reply(request) for request in requests[:-1]] == [None] * 4
        assert requests[-1] not in editor.replies, "older ones are answered before the newest is done"
        assert editor.reply(requests[-1])["items"]
        assert editor.ask("hirope/status")["outcomes"] == {"superseded": 4, "shown": 1}


def test_documents_do_not_supersede_each_other(fake: Start) -> None:
    with ready(fake, prefill_s=0.2) as editor:
        editor.open(OTHER, CODE)
        requests = [editor.inline(URI, AT), editor.inline(OTHER, AT)]
        assert all(editor.reply(request)["items"] for request in requests)


def test_a_cancel_is_acknowledged_at_once_and_reaches_the_model(fake: Start) -> None:
    with ready(fake, prefill_s=30) as editor:
        request = editor.inline(URI, AT)
        time.sleep(0.2)
        began = time.monotonic()
        editor.notify("$/cancelRequest", {"id": request})
        with pytest.raises(ReplyError) as cancelled:
            editor.reply(request)
        assert cancelled.value.code == -32800
        assert time.monotonic() - began < 10, "50 ms on a quiet machine; 30 s if it waited for the model"
        assert editor.last(URI)["outcome"] == "cancelled"
        # The model is free again: 30 s have not passed.
        second = editor.inline(URI, AT)
        editor.notify("$/cancelRequest", {"id": second})
        with pytest.raises(ReplyError):
            editor.reply(second, timeout=20)


def test_cancel_before_anything_has_happened(fake: Start) -> None:
    with ready(fake) as editor:
        request = editor._next_id + 1
        cancel = b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":%d}}' % request
        editor.inline(URI, AT)
        editor.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(cancel), cancel))
        try:
            assert editor.reply(request)["items"]
        except ReplyError as error:
            assert error.code == -32800


def test_at_the_deadline_there_is_an_answer(fake: Start) -> None:
    with ready(fake, prefill_s=30, overrides={"deadlineMs": 300}) as editor:
        began = time.monotonic()
        assert editor.reply(editor.inline(URI, AT)) == EMPTY
        assert 0.25 < time.monotonic() - began < 20
        assert editor.last(URI)["outcome"] == "deadline"


def test_whoever_asks_by_hand_gets_several(fake: Start) -> None:
    draws = ["return a - b\n", "return a + b\n", "return b\n"]
    with ready(fake, says="return a + b\n", draws=draws) as editor:
        typed = editor.reply(editor.inline(URI, AT, manual=False))["items"]
        assert [one["insertText"] for one in typed] == ["return a + b"]
        items = editor.reply(editor.inline(URI, AT, manual=True))["items"]
        assert [one["insertText"] for one in items] == ["return a + b", "return a - b", "return b"]
        assert len({str(one["range"]) for one in items}) == 1
        assert editor.ask("hirope/status")["outcomes"] == {"shown": 1, "cached": 1}


def test_further_ones_give_way_to_the_next_key(fake: Start) -> None:
    with ready(fake, says="return a + b\n", draws=["return b\n"], step_s=0.1) as editor:
        first = editor.inline(URI, AT, manual=True)
        editor.change(URI, (AT, AT, "re"))
        newest = editor.inline(URI, AT + 2, manual=False)
        assert editor.reply(first) is None
        assert editor.reply(newest)["items"]


def test_debounce_waits_for_typing_but_not_for_the_hand(fake: Start) -> None:
    with ready(fake, overrides={"debounceMs": 400}) as editor:
        began = time.monotonic()
        editor.change(URI, (0, 0, "#"))
        assert editor.reply(editor.inline(URI, AT + 1, manual=False))["items"]
        assert time.monotonic() - began >= 0.4
        editor.change(URI, (0, 0, "#"))
        typed = editor.inline(URI, AT + 2, manual=False)
        editor.change(URI, (0, 0, "#"))
        newest = editor.inline(URI, AT + 3, manual=True)
        assert editor.reply(typed) is None
        assert editor.reply(newest)["items"]


def test_what_is_asked_while_loading_is_there_when_loaded(fake: Start) -> None:
    with fake(load_s=1.0, prefill_s=0.1) as editor:
        editor.initialize()
        editor.open(URI, CODE)
        editor.open(OTHER, CODE)
        for uri in (URI, OTHER):
            assert editor.reply(editor.inline(uri, AT)) == EMPTY
            assert editor.last(uri)["outcome"] == "loading"
        editor.change(OTHER, (0, 0, "#"))
        assert not editor.told("hirope/ready")
        editor.ready()
        assert editor.reply(editor.inline(URI, AT))["items"]
        assert editor.last(URI)["outcome"] == "cached"
        assert editor.reply(editor.inline(OTHER, AT + 1))["items"]
        assert editor.last(OTHER)["outcome"] == "shown"
        assert len(editor.told("hirope/ready")) == 1


def test_requests_before_the_handshake_is_complete(fake: Start) -> None:
    """An editor may open files and ask before it says `initialized`."""
    with fake() as editor:
        editor.initialize(initialized=False)
        editor.open(URI, CODE)
        assert editor.reply(editor.inline(URI, AT)) == EMPTY
        editor.notify("initialized", {})
        editor.ready()
        assert editor.reply(editor.inline(URI, AT))["items"]
        assert editor.inspect(URI)["version"] == 1


def test_a_selected_suggestion_is_extended_or_nothing_is_shown(fake: Start) -> None:
    with ready(fake, says="(1)\n") as editor:
        editor.change(URI, (AT, AT, "fir"))
        place = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 7}}
        (item,) = editor.reply(editor.inline(URI, AT + 3, selectedCompletionInfo={"range": place, "text": "first"}))[
            "items"
        ]
        assert item == {"insertText": "first(1)", "range": place}
        elsewhere = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 3}}
        asked = editor.inline(URI, AT + 3, selectedCompletionInfo={"range": elsewhere, "text": "first"})
        assert editor.reply(asked) == EMPTY
        assert editor.last(URI)["outcome"] == "filtered:selected-suggestion"
        editor.change(URI, (AT + 3, AT + 3, "_old"))  # the entry takes the place of the whole word
        place["end"]["character"] += 4
        asked = editor.inline(URI, AT + 3, selectedCompletionInfo={"range": place, "text": "first"})
        assert editor.reply(asked)["items"] == [{"insertText": "first(1)", "range": place}]


def test_positions_past_the_end_are_taken_as_the_end(fake: Start) -> None:
    with ready(fake) as editor:
        params = {
            "textDocument": {"uri": URI},
            "position": {"line": 1, "character": 999},
            "context": {"triggerKind": 1},
        }
        (item,) = editor.ask("textDocument/inlineCompletion", params)["items"]
        assert item["range"]["start"] == {"line": 1, "character": 4}


def test_unknown_closed_and_empty_documents(fake: Start) -> None:
    with ready(fake, prefill_s=0.5) as editor:
        request = editor.inline(URI, AT)
        editor.close(URI)
        assert editor.reply(request) is None
        editor.texts[URI] = editor.open(OTHER, "")
        assert editor.reply(editor.inline(URI, 0)) == EMPTY
        assert editor.last(URI)["outcome"] == "empty:unknown-document"
        answer = editor.reply(editor.inline(OTHER, 0))
        assert answer is not None
        outcome = editor.last(OTHER)["outcome"]
        assert outcome.startswith(("empty:", "shown"))


def test_an_answer_that_the_document_has_left_behind(fake: Start) -> None:
    with ready(fake, says="return a + b\n", prefill_s=1.5) as editor:
        request = editor.inline(URI, AT)
        editor.change(URI, (AT, AT, "re"))
        (item,) = editor.reply(request)["items"]
        assert item["insertText"] == "turn a + b"
        assert item["range"]["start"] == {"line": 1, "character": 6}
        editor.change(URI, (AT, AT + 2, ""), (0, 0, "# \n"))
        request = editor.inline(URI, AT + 3)
        editor.change(URI, (AT + 3, AT + 3, "yield"))
        assert editor.reply(request) == EMPTY
        assert editor.last(URI)["outcome"] == "empty:document-changed"


def test_files_over_the_cap_get_nothing(fake: Start) -> None:
    with ready(fake) as editor:
        editor.open(OTHER, "x = 1\n" * 900_000)
        assert editor.reply(editor.inline(OTHER, 5)) == EMPTY
        assert editor.last(OTHER)["outcome"] == "empty:too-large"
        editor.change_all(OTHER, CODE)
        assert editor.reply(editor.inline(OTHER, AT))["items"]
        said = [told for told in editor.told("window/logMessage") if "too-large" in told["message"]]
        assert len(said) == 2  # one from the log, one as this request's outcome


def test_a_warm_up_does_not_push_out_what_a_completion_left(fake: Start) -> None:
    """The scripted model holds what it read last; a warm-up that came back would read the file from its start."""
    with ready(fake, prefill_s=0.2, overrides={"lookAhead": "off"}) as editor:
        assert editor.reply(editor.inline(URI, AT))["items"]
        prompt = editor.last(URI)["tokens"]["prompt"]
        time.sleep(0.5)
        assert editor.inspect(URI)["cache"]["tokens"] == prompt


def test_an_open_file_is_read_before_it_is_asked_about(fake: Start) -> None:
    with ready(fake) as editor:
        editor.open(OTHER, CODE)
        for _ in range(200):
            if editor.inspect(URI)["cache"]["tokens"] and editor.inspect(OTHER)["cache"]["tokens"]:
                break
        else:
            raise AssertionError("the files were not read")


def test_a_model_that_breaks_is_an_error_for_each_request_and_no_more(fake: Start) -> None:
    with fake(breaks=True, load_s=0.5) as editor:
        editor.initialize()
        editor.open(URI, CODE)
        assert editor.reply(editor.inline(URI, AT)) == EMPTY
        assert editor.last(URI)["outcome"] == "loading"
        editor.ready()
        for _ in range(2):
            with pytest.raises(ReplyError) as failed:
                editor.reply(editor.inline(URI, AT))
            assert failed.value.code == -32803
            assert "SECRET" not in str(failed.value)
            assert editor.last(URI)["outcome"] == "error:RuntimeError"
        assert not editor.told("window/showMessage")
        assert "SECRET" not in str(editor.notifications)
