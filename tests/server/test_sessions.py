"""Random sessions with real processes: whatever an editor does, every request has exactly one reply, and the end is
clean. Many sessions share a process, one after the other and on files of their own; the last one ends it.

`test_scripted.py` plays many more of them, without a process for each.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from editor import Editor
from fuzz import rng, rounds, save_failure
from server.conftest import Start

TEXT = "def first(a, b):\n    return a\n\n\ndef second():\n    first(1, 2)\n    \n"
STEPS = ("inline", "inline", "inline", "edit", "edit", "cancel", "cancel", "close", "open", "inspect", "bad", "wait")


def play(editor: Editor, random: random.Random, name: str, script: list[str]) -> None:
    """One session of random steps on files of its own."""
    uris = [f"file:///{name}-{at}.py" for at in range(3)]
    asked: list[int] = []
    for _ in range(random.randrange(4, 24)):
        step, uri = random.choice(STEPS), random.choice(uris)
        script.append(f"{step} {uri}")
        asked += act(editor, random, step, uri, asked)
    for uri in uris:
        if uri in editor.texts and random.random() < 0.7:
            editor.close(uri)
    assert editor.wait(lambda: all(request in editor.replies for request in asked), 30), "a request has no reply"
    for request in asked:
        check(editor.replies[request][0])


def act(editor: Editor, random: random.Random, step: str, uri: str, asked: list[int]) -> list[int]:
    """Do a step; the ids of requests that it made."""
    if uri not in editor.texts:
        editor.open(uri, TEXT)
    text = editor.texts[uri].text
    match step:
        case "inline":
            return [editor.inline(uri, random.randrange(len(text) + 1), random.random() < 0.5)]
        case "inspect":
            return [editor.request("hirope/inspect", {"textDocument": {"uri": uri}})]
        case "edit":
            at = random.randrange(len(text) + 1)
            editor.change(uri, (at, min(len(text), at + random.randrange(3)), random.choice(["", "x", "\n", "é("])))
        case "cancel" if asked:
            editor.notify("$/cancelRequest", {"id": random.choice(asked)})
        case "close":
            editor.close(uri)
        case "bad":
            editor.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": 0}, "contentChanges": []})
            return [editor.request("textDocument/inlineCompletion", {"textDocument": {"uri": uri}})]
        case "wait":
            editor.wait(lambda: False, random.choice([0.001, 0.01, 0.03]))
    return []


def check(reply: dict[str, Any]) -> None:
    """A reply is null, a list of items, an inspection, or one of the errors that the protocol has for it."""
    if "error" in reply:
        assert reply["error"]["code"] in (-32800, -32602, -32803), reply
    else:
        assert reply["result"] is None or {"items"} == reply["result"].keys() or "digest" in reply["result"], reply


@pytest.mark.parametrize("process", range(2))
def test_every_request_has_exactly_one_reply(fake: Start, process: int) -> None:
    random = rng(f"sessions-{process}")
    script: list[str] = []
    delays = {"prefill_s": random.choice([0, 0.002, 0.02]), "step_s": random.choice([0, 0.001])}
    editor = fake(says="return first(a, b) + 1\n", load_s=random.choice([0, 0.3]), **delays)
    try:
        editor.initialize()
        for number in range(rounds(50)):
            play(editor, random, f"session-{process}-{number}", script)
        editor.ready()
        editor.quit()
        assert not editor.told("window/showMessage"), editor.told("window/showMessage")
    except BaseException:
        save_failure(f"session-{process}", "\n".join(script))
        raise


def test_shutdown_at_any_moment(fake: Start) -> None:
    """Requests are in flight when the end comes: each has its reply, and before that of shutdown."""
    random = rng("shutdown")
    for _ in range(rounds(3)):
        editor = fake(prefill_s=random.choice([0.001, 0.05, 5]), load_s=random.choice([0, 0.2]))
        editor.initialize()
        for at in range(random.randrange(1, 8)):
            editor.open(f"file:///{at}.py", TEXT)
            editor.inline(f"file:///{at}.py", 5)
            editor.wait(lambda: False, random.choice([0, 0.01, 0.1]))
        editor.quit()
