"""The conformance table: messages as raw bytes and what must come back.

Garbage gets an error where the protocol has one, and life goes on. All rows of a table share a server, so that none may
spoil the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from editor import Editor
from fuzz import rng, rounds
from server.conftest import Start
from server.fakes import SCRIPT

URI = "file:///conformance.py"
PARSE, REQUEST, METHOD, PARAMS, EARLY = -32700, -32600, -32601, -32602, -32002


def framed(value: Any) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def rpc(method: Any, params: Any = None, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params, **more}


POSITION = {"line": 0, "character": 0}
DOCUMENT = {"textDocument": {"uri": URI}}
FAR = {"line": 2**31 - 1, "character": 2**31 - 1}
CONTEXT = {"triggerKind": 1}
HALF = {"uri": "file:///half.py", "languageId": "python", "version": 1, "text": "\ud800"}
NOT_OPEN = {"textDocument": {"uri": "file:///no"}}

CAP = 64 * 2**20
STATUS = b'{"jsonrpc":"2.0","id":%d,"method":"hirope/status"}'


def padded(body: bytes, size: int) -> bytes:
    """The same message, so many bytes long."""
    return framed(body + b" " * (size - len(body)))


# name, bytes, id of the reply (None: a reply without id; "": no reply at all), error code (0: a result)
Row = tuple[str, bytes, Any, int]
MESSAGES: list[Row] = [
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
    ("deeper JSON", framed(b"[" * 1_000_000), None, PARSE),
    ("a byte order mark", framed(b"\xef\xbb\xbf" + STATUS % 914), None, PARSE),
    ("two values", framed(STATUS % 914 + b"{}"), None, PARSE),
    ("as large as may be", padded(STATUS % 915, CAP), 915, 0),
    ("one byte larger", padded(STATUS % 916, CAP + 1), None, PARSE),
    ("1 GB announced", b"Content-Length: 1000000000\r\n\r\n", None, PARSE),
    ("no length", b"Content-Type: text\r\n\r\n", None, PARSE),
    ("a negative length", b"Content-Length: -1\r\n\r\n", None, PARSE),
    ("an endless length", b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", None, PARSE),
    ("bare line ends", framed(STATUS % 917).replace(b"\r\n", b"\n"), 917, 0),
    (
        "a content type",
        b"Content-Type: application/vscode-jsonrpc; charset=utf8\r\n" + framed(STATUS % 918),
        918,
        0,
    ),
    ("rubbish before a header", b"HTTP/1.1 200 OK\r\n" + framed(STATUS % 919), 919, 0),
    ("an empty batch", framed([]), None, REQUEST),
    ("a number", framed(5), None, REQUEST),
    ("null", framed(None), None, REQUEST),
    ("no version", framed({"id": 902, "method": "x"}), None, REQUEST),
    ("batch", framed([rpc("shutdown", id=901)]), None, REQUEST),
    ("a string", framed("hello"), None, REQUEST),
    ("wrong version", framed({"jsonrpc": "1.0", "id": 902, "method": "x"}), None, REQUEST),
    ("no method", framed({"jsonrpc": "2.0", "id": 903}), 903, REQUEST),
    ("method is no string", framed(rpc(5, id=904)), 904, REQUEST),
    ("id is null", framed(rpc("hirope/status", id=None)), None, REQUEST),
    ("id is a list", framed(rpc("hirope/status", id=[1])), None, REQUEST),
    ("id is true", framed(rpc("hirope/status", id=True)), None, REQUEST),
    ("id is a fraction", framed(b'{"jsonrpc":"2.0","id":1.5,"method":"x"}'), None, REQUEST),
    ("id is not a number", framed(b'{"jsonrpc":"2.0","id":NaN,"method":"x"}'), None, REQUEST),
    ("id is zero", framed(rpc("hirope/status", id=0)), 0, 0),
    ("id is negative", framed(rpc("hirope/status", id=-7)), -7, 0),
    ("id is half a character", framed(b'{"jsonrpc":"2.0","id":"\\ud800","method":"hirope/status"}'), "\ud800", 0),
    ("id is a blank", framed(rpc("hirope/status", id=" ")), " ", 0),
    ("method is half a character", framed(b'{"jsonrpc":"2.0","id":920,"method":"\\ud800"}'), 920, METHOD),
    ("method is empty", framed(rpc("", id=921)), 921, METHOD),
    ("a very long method", framed(rpc("x" * 100_000, id=922)), 922, METHOD),
    ("a request that is a notification", framed(rpc("textDocument/didClose", DOCUMENT, id=923)), 923, METHOD),
    ("a request to exit", framed(rpc("exit", id=924)), 924, METHOD),
    ("a request to cancel", framed(rpc("$/cancelRequest", {"id": 1}, id=925)), 925, METHOD),
    ("a request with a result", framed(rpc("hirope/status", id=926, result=5)), 926, 0),
    ("unknown members", framed(rpc("hirope/status", id=927, colour="blue")), 927, 0),
    ("params that nobody needs", framed(rpc("hirope/status", "?", id=928)), 928, 0),
    (
        "a document that is not open",
        framed(rpc("textDocument/inlineCompletion", {**NOT_OPEN, "position": POSITION}, id=929)),
        929,
        0,
    ),
    (
        "a place beyond the end",
        framed(rpc("textDocument/inlineCompletion", {**DOCUMENT, "position": FAR, "context": CONTEXT}, id=930)),
        930,
        0,
    ),
    ("id is a string", framed(rpc("hirope/status", id="é")), "é", 0),
    ("id is large", framed(rpc("hirope/status", id=2**53)), 2**53, 0),
    ("unknown request", framed(rpc("textDocument/moniker", DOCUMENT, id=905)), 905, METHOD),
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
    ("a notification to initialize", framed(rpc("initialize", {"capabilities": {}})), "", 0),
    ("a notification to shut down", framed(rpc("shutdown")), "", 0),
    ("a notification to complete", framed(rpc("textDocument/inlineCompletion", {**DOCUMENT, "position": FAR})), "", 0),
    ("a notification to inspect", framed(rpc("hirope/inspect", DOCUMENT)), "", 0),
    ("half a character", framed(rpc("textDocument/didOpen", {"textDocument": HALF})), "", 0),
    ("a trace that is none", framed(rpc("$/setTrace", {"value": "loud"})), "", 0),
    ("no trace", framed(rpc("$/setTrace", {"value": "off"})), "", 0),
    ("a progress of ours", framed(rpc("window/workDoneProgress/cancel", {"token": "hirope/load"})), "", 0),
    ("focus on nothing", framed(rpc("hirope/didFocus", {"uri": "file:///no"})), "", 0),
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


# Once the server is shut down, whatever it is.
AFTER: list[Row] = [
    ("not JSON", framed(b"{nope"), None, PARSE),
    ("a request", framed(rpc("hirope/status", id=1)), 1, REQUEST),
    ("an unknown request", framed(rpc("no/such", id=2)), 2, REQUEST),
    ("another shutdown", framed(rpc("shutdown", id=3)), 3, REQUEST),
    ("initialize", framed(rpc("initialize", {"capabilities": {}}, id=4)), 4, REQUEST),
    ("a notification", framed(rpc("textDocument/didOpen", {"textDocument": HALF})), "", 0),
    ("a cancel", framed(rpc("$/cancelRequest", {"id": 1})), "", 0),
]

# Before initialize.
BEFORE: list[Row] = [
    ("not JSON", framed(b"{nope"), None, PARSE),
    ("a request", framed(rpc("hirope/status", id=1)), 1, EARLY),
    ("an unknown request", framed(rpc("no/such", id=2)), 2, EARLY),
    ("shutdown", framed(rpc("shutdown", id=3)), 3, EARLY),
    ("a notification", framed(rpc("textDocument/didOpen", {"textDocument": HALF})), "", 0),
    ("initialize as a notification", framed(rpc("initialize", {"capabilities": {}})), "", 0),
    ("without params", framed(rpc("initialize", id=4)), 4, PARAMS),
    ("params are a list", framed(rpc("initialize", [], id=5)), 5, PARAMS),
    ("without capabilities", framed(rpc("initialize", {}, id=6)), 6, PARAMS),
    ("odd capabilities", framed(rpc("initialize", {"capabilities": 5}, id=7)), 7, PARAMS),
]


def started(fake: Start) -> Editor:
    editor = fake()
    editor.initialize()
    editor.open(URI, "x = 1\n")
    return editor


def alive(editor: Editor) -> None:
    assert editor.ask("hirope/status", timeout=30)["documents"] >= 1


def check(editor: Editor, row: Row) -> None:
    """Send a row; what comes back before the reply to a request of ours that follows it."""
    name, data, msg_id, code = row
    editor.replies = {}
    editor.send_bytes(data)
    fence = editor.request("hirope/status")
    editor._sent.clear()  # all is looked at here
    assert editor.wait(lambda: fence in editor.replies, 30), f"{name}: the server hangs"
    del editor.replies[fence]
    if msg_id == "":
        assert editor.replies == {}, name
        return
    assert editor.wait(lambda: editor.replies.get(msg_id), 30), f"{name}: no reply"
    (reply,) = (reply for replies in editor.replies.values() for reply in replies)
    editor.replies = {}
    assert (reply["id"], reply.get("error", {"code": 0})["code"]) == (msg_id, code), name


@pytest.fixture(scope="module")
def running(fake_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """One server for all rows of the table."""
    env = {"HIROPE_FAKE": json.dumps({"folder": str(fake_folder)}), "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("c"))}
    with Editor(SCRIPT, env) as editor:
        editor.initialize()
        editor.open(URI, "x = 1\n")
        yield editor
        alive(editor)
        assert not editor.told("window/showMessage"), "a popup for garbage"


@pytest.mark.parametrize("row", MESSAGES, ids=[row[0] for row in MESSAGES])
def test_while_it_runs(running: Editor, row: Row) -> None:
    check(running, row)
    alive(running)


def test_before_initialize(fake: Start) -> None:
    editor = fake()
    for row in BEFORE:
        check(editor, row)
    editor.initialize(capabilities={"general": {"positionEncodings": "?"}, "window": 5})
    assert editor.encoding == "utf-16"
    editor.quit()


def test_after_shutdown(fake: Start) -> None:
    editor = started(fake)
    editor.ask("shutdown")
    for row in AFTER:
        check(editor, row)
    editor.notify("exit", None)
    editor.gone(0)


def test_bad_parameters_get_invalid_params(fake: Start) -> None:
    with started(fake) as editor:
        for params in BAD_INLINE:
            request = editor.request("textDocument/inlineCompletion", params)
            assert editor.wait(lambda request=request: request in editor.replies, 5), params
            assert editor.replies[request][0]["error"]["code"] == PARAMS, params
        assert not editor.told("window/showMessage"), "a popup for bad parameters"


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
    valid = [data for name, data, *_ in MESSAGES if "announced" not in name and len(data) < 100_000]
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
