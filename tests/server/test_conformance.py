"""Messages as raw bytes and what must come back: garbage gets an error where the protocol has one, and life goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from editor import Editor
from fuzz import rng, rounds
from server.conftest import Start

URI = "file:///conformance.py"
PARSE, REQUEST, METHOD, PARAMS, EARLY = -32700, -32600, -32601, -32602, -32002


def framed(value: Any) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def rpc(method: Any, params: Any = None, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params, **more}


POSITION = {"line": 0, "character": 0}
DOCUMENT = {"textDocument": {"uri": URI}}
CONTEXT = {"triggerKind": 1}

# name, bytes, id of the reply (None: a reply without id; "": no reply at all), error code (0: a result)
MESSAGES: list[tuple[str, bytes, Any, int]] = [
    ("not JSON", framed(b"{nope"), None, PARSE),
    ("not UTF-8", framed(b'{"jsonrpc":"2.0","id":900,"method":"\xff"}'), None, PARSE),
    ("empty body", framed(b""), None, PARSE),
    (
        "deep JSON",
        framed(b'{"jsonrpc":"2.0","id":900,"method":"x","params":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
        None,
        PARSE,
    ),
    ("huge number", framed(b'{"jsonrpc":"2.0","id":900,"method":"x","params":' + b"1" * 10_000 + b"}"), None, PARSE),
    ("1 GB announced", b"Content-Length: 1000000000\r\n\r\n", None, PARSE),
    ("no length", b"Content-Type: text\r\n\r\n", None, PARSE),
    ("batch", framed([rpc("shutdown", id=901)]), None, REQUEST),
    ("a string", framed("hello"), None, REQUEST),
    ("wrong version", framed({"jsonrpc": "1.0", "id": 902, "method": "x"}), None, REQUEST),
    ("no method", framed({"jsonrpc": "2.0", "id": 903}), 903, REQUEST),
    ("method is no string", framed(rpc(5, id=904)), 904, REQUEST),
    ("id is null", framed(rpc("hirope/status", id=None)), None, REQUEST),
    ("id is a list", framed(rpc("hirope/status", id=[1])), None, REQUEST),
    ("id is true", framed(rpc("hirope/status", id=True)), None, REQUEST),
    ("id is a string", framed(rpc("hirope/status", id="é")), "é", 0),
    ("id is large", framed(rpc("hirope/status", id=2**53)), 2**53, 0),
    ("unknown request", framed(rpc("textDocument/hover", DOCUMENT, id=905)), 905, METHOD),
    ("unknown $ request", framed(rpc("$/no", {}, id=906)), 906, METHOD),
    ("initialize twice", framed(rpc("initialize", {"capabilities": {}}, id=907)), 907, REQUEST),
    ("lower-case header", framed(rpc("hirope/status", id=999)).replace(b"Content-L", b"content-l"), 999, 0),
    ("no params", framed({"jsonrpc": "2.0", "id": 908, "method": "textDocument/inlineCompletion"}), 908, PARAMS),
    ("params are a list", framed(rpc("textDocument/inlineCompletion", [1], id=909)), 909, PARAMS),
    (
        "no position",
        framed(rpc("textDocument/inlineCompletion", {**DOCUMENT, "context": CONTEXT}, id=910)),
        910,
        PARAMS,
    ),
    ("inspect without document", framed(rpc("hirope/inspect", {}, id=911)), 911, PARAMS),
    (
        "inspect what is not open",
        framed(rpc("hirope/inspect", {"textDocument": {"uri": "file:///no"}}, id=912)),
        912,
        -32803,
    ),
    (
        "last completion of nothing",
        framed(rpc("hirope/lastCompletion", {"textDocument": {"uri": "x"}}, id=913)),
        913,
        0,
    ),
    ("unknown notification", framed(rpc("workspace/didChangeConfiguration", {"settings": None})), "", 0),
    ("notification with bad params", framed(rpc("textDocument/didOpen", {"textDocument": 7})), "", 0),
    (
        "change of unknown document",
        framed(
            rpc("textDocument/didChange", {"textDocument": {"uri": "file:///no", "version": 5}, "contentChanges": []})
        ),
        "",
        0,
    ),
    ("close of unknown document", framed(rpc("textDocument/didClose", {"textDocument": {"uri": "file:///no"}})), "", 0),
    ("cancel of nothing", framed(rpc("$/cancelRequest", {"id": 77777})), "", 0),
    ("cancel with bad params", framed(rpc("$/cancelRequest", {"id": [1]})), "", 0),
    ("cancel without params", framed(rpc("$/cancelRequest")), "", 0),
    ("reply to nothing", framed({"jsonrpc": "2.0", "id": 5555, "result": None}), "", 0),
    ("error reply to nothing", framed({"jsonrpc": "2.0", "id": 5555, "error": {"code": 1, "message": "no"}}), "", 0),
]

BAD_INLINE: list[Any] = [
    {"textDocument": "x", "position": POSITION, "context": CONTEXT},
    {"textDocument": {"uri": 5}, "position": POSITION, "context": CONTEXT},
    {"textDocument": {}, "position": POSITION, "context": CONTEXT},
    {**DOCUMENT, "position": None, "context": CONTEXT},
    {**DOCUMENT, "position": {"line": 0}, "context": CONTEXT},
    {**DOCUMENT, "position": {"line": -1, "character": 0}, "context": CONTEXT},
    {**DOCUMENT, "position": {"line": 0, "character": 1.5}, "context": CONTEXT},
    {**DOCUMENT, "position": {"line": "0", "character": 0}, "context": CONTEXT},
    {**DOCUMENT, "position": {"line": True, "character": 0}, "context": CONTEXT},
    {**DOCUMENT, "position": {"line": 2**40, "character": 0}, "context": CONTEXT},
    {**DOCUMENT, "position": POSITION, "context": 5},
    {**DOCUMENT, "position": POSITION, "context": {"triggerKind": "x"}},
    {**DOCUMENT, "position": POSITION, "context": {**CONTEXT, "selectedCompletionInfo": {"text": "x"}}},
    {**DOCUMENT, "position": POSITION, "context": {**CONTEXT, "selectedCompletionInfo": {"range": {}, "text": "x"}}},
]


def started(fake: Start) -> Editor:
    editor = fake()
    editor.initialize()
    editor.open(URI, "x = 1\n")
    return editor


def alive(editor: Editor) -> None:
    assert editor.ask("hirope/status", timeout=5)["documents"] == 1


def test_messages(fake: Start) -> None:
    """All in one session: each has its reply, and none spoils the next."""
    with started(fake) as editor:
        for name, data, msg_id, code in MESSAGES:
            editor.replies = {None: []}
            editor.send_bytes(data)
            alive(editor)
            del editor.replies[editor._next_id]  # of the request that `alive` made
            if msg_id == "":
                assert editor.replies == {None: []}, name
                continue
            assert editor.wait(lambda msg_id=msg_id: editor.replies.get(msg_id), 5), name
            (reply,) = (reply for replies in editor.replies.values() for reply in replies)
            assert (reply["id"], reply.get("error", {"code": 0})["code"]) == (msg_id, code), name
        editor.replies = {}
        editor._sent.clear()  # they were all looked at above
        assert not editor.told("window/showMessage"), "a popup for garbage"


def test_bad_parameters_get_invalid_params(fake: Start) -> None:
    with started(fake) as editor:
        for params in BAD_INLINE:
            request = editor.request("textDocument/inlineCompletion", params)
            assert editor.wait(lambda request=request: request in editor.replies, 5), params
            assert editor.replies[request][0]["error"]["code"] == PARAMS, params
        assert not editor.told("window/showMessage"), "a popup for bad parameters"


def test_requests_before_initialize(fake: Start) -> None:
    editor = fake()
    for method in ("hirope/status", "shutdown", "no/such"):
        request = editor.request(method, {})
        assert editor.wait(lambda request=request: request in editor.replies)
        assert editor.replies[request][0]["error"]["code"] == EARLY
    unusable: list[Any] = [None, [], {}, {"capabilities": 5}]
    for params in unusable:
        request = editor.request("initialize", params)
        assert editor.wait(lambda request=request: request in editor.replies)
        assert editor.replies[request][0]["error"]["code"] == PARAMS
    editor.initialize(capabilities={"general": {"positionEncodings": "?"}, "window": 5})
    assert editor.encoding == "utf-16"
    editor.quit()


def test_two_requests_with_one_id(fake: Start) -> None:
    editor = fake(prefill_s=0.3)
    editor.initialize()
    editor.ready()
    editor.open(URI, "x = 1\n")
    first = editor.inline(URI, 5)
    editor.send(rpc("hirope/status", id=first))
    assert editor.wait(lambda: len(editor.replies.get(first, [])) == 2)
    assert editor.replies[first][0]["error"]["code"] == REQUEST
    assert "result" in editor.replies.pop(first)[1]
    editor._sent.remove(first)
    editor.quit()


@pytest.mark.parametrize("turn", range(2))
def test_mutated_streams_do_not_kill_it(fake: Start, turn: int) -> None:
    """Random damage to a valid stream; afterwards a valid message is answered."""
    random = rng(f"mutated-{turn}")
    valid = [data for name, data, *_ in MESSAGES if "announced" not in name]
    valid += [
        framed(rpc("textDocument/inlineCompletion", params, id=1000 + at)) for at, params in enumerate(BAD_INLINE)
    ]
    editor = started(fake)
    for _ in range(rounds(400)):
        data = bytearray(random.choice(valid))
        for _ in range(random.randrange(4)):
            at = random.randrange(len(data))
            match random.randrange(3):
                case 0:
                    data[at] = random.randrange(256)
                case 1:
                    del data[at : at + random.randrange(1, 20)]
                case 2:
                    data[at:at] = random.randbytes(random.randrange(1, 9))
            if not data:
                break
        editor.send_bytes(bytes(data))
        if b"exit" in data or b"shutdown" in data:
            break
    assert editor.process.poll() is None
    # What was cut may still swallow bytes that follow; a stream in good order is picked up again at the next header.
    for _ in range(5):
        request = editor.request("hirope/status")
        if editor.wait(lambda request=request: request in editor.replies, 5):
            break
    else:
        raise AssertionError("the stream was never picked up again")
    assert b"Traceback" not in editor.stderr
    editor.kill()
