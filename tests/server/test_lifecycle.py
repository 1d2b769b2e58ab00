"""How a session begins and, above all, how it ends: always, soon, with the right exit code and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from editor import ROOT, SERVER, Editor, ReplyError
from server.conftest import Start

CODE = "def f():\n    pass\n" * 50


@pytest.fixture
def fake(fresh: Start) -> Start:
    """Here it matters how a process begins."""
    return fresh


def test_initialize_is_quick_and_without_torch(fake: Start) -> None:
    costs = []
    for _ in range(2):  # the better of two: a busy machine says nothing about the server
        with fake() as editor:
            capabilities = editor.initialize()
            times = psutil.Process(editor.process.pid).cpu_times()
            costs.append(times.user + times.system)
            assert capabilities == {
                "positionEncoding": "utf-16",
                "textDocumentSync": {"openClose": True, "change": 2},
                "inlineCompletionProvider": {},
            }
            editor.ready()
            maps = Path(f"/proc/{editor.process.pid}/maps")
            assert not maps.exists() or "libtorch" not in maps.read_text()
    assert min(costs) < 1, costs  # seconds of one core


def test_exit_without_shutdown(fake: Start) -> None:
    editor = fake()
    editor.initialize()
    editor.notify("exit", None)
    editor.gone(1)


def test_exit_before_initialize(fake: Start) -> None:
    editor = fake()
    editor.notify("exit", None)
    editor.gone(1)


def test_requests_after_shutdown_are_refused_and_in_flight_ones_answered(fake: Start) -> None:
    editor = fake(prefill_s=30)
    editor.initialize(capabilities={"window": {"workDoneProgress": True}})
    editor.ready()
    editor.open("file:///a.py", CODE)
    slow = editor.inline("file:///a.py", 20)
    time.sleep(0.1)
    assert editor.ask("shutdown") is None
    with pytest.raises(ReplyError) as cancelled:
        editor.reply(slow)
    assert cancelled.value.code == -32800
    seen = len(editor.notifications)
    for method in ("textDocument/inlineCompletion", "shutdown", "initialize", "no/such"):
        with pytest.raises(ReplyError) as refused:
            editor.ask(method, {})
        assert refused.value.code == -32600
    assert len(editor.notifications) == seen
    editor.notify("exit", None)
    editor.gone(0)


@pytest.mark.parametrize("shutdown", [False, True])
def test_stdin_closed_in_the_middle_of_a_prefill(fake: Start, shutdown: bool) -> None:
    editor = fake(prefill_s=30)
    editor.initialize()
    editor.ready()
    editor.open("file:///a.py", CODE)
    editor.inline("file:///a.py", 20)
    time.sleep(0.2)
    if shutdown:
        editor.ask("shutdown")
    assert editor.process.stdin is not None
    editor.process.stdin.close()
    began = time.monotonic()
    editor.process.wait(25)
    assert time.monotonic() - began < 20, "it waited for the model"
    editor.gone(0 if shutdown else 1)


def test_stdin_closed_while_the_model_loads(fake: Start) -> None:
    editor = fake(load_s=30)
    editor.initialize()
    time.sleep(0.3)
    assert editor.process.stdin is not None
    editor.process.stdin.close()
    began = time.monotonic()
    editor.process.wait(25)
    assert time.monotonic() - began < 20, "it waited for the model"
    editor.gone(1)


def test_dead_parent(fake: Start) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    editor = fake()
    editor.initialize(process_id=parent.pid)
    time.sleep(1.2)
    assert editor.process.poll() is None
    parent.kill()  # a zombie until it is waited for, and dead all the same
    began = time.monotonic()
    editor.process.wait(30)
    assert time.monotonic() - began < 30
    parent.wait()
    editor.gone(1)


def test_parent_that_never_was(fake: Start) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    if psutil.pid_exists(gone.pid):
        pytest.skip("the number was given to another process")
    editor = fake()
    editor.initialize(process_id=gone.pid)
    editor.process.wait(30)
    editor.gone(1)


def test_a_client_that_never_reads_does_not_stop_the_end() -> None:
    """A full pipe must not block the event loop: the end of stdin must still be seen behind 3,000 replies."""
    process = subprocess.Popen(SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdin is not None and process.stdout is not None
    body = b'{"jsonrpc":"2.0","id":1,"method":"no/such"}'
    try:
        process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) * 3000)
        process.stdin.close()
        assert process.wait(10) == 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_model_refused_is_said_once_and_the_server_stays(fake: Start) -> None:
    with fake(refuse="this model is no good") as editor:
        editor.initialize()
        editor.open("file:///a.py", CODE)
        assert editor.wait(lambda: editor.told("window/showMessage"))
        for _ in range(3):
            assert editor.reply(editor.inline("file:///a.py", 20)) == {"items": []}
            assert editor.last("file:///a.py")["outcome"] == "error:model"
        assert len(editor.inspect("file:///a.py")["units"]) > 0
        status = editor.ask("hirope/status")
        assert (status["state"], status["problem"]) == ("refused", "this model is no good")
        assert [told["message"] for told in editor.told("window/showMessage")] == [
            "hirope-ls makes no suggestions: this model is no good"
        ]


def test_no_model_folder(fake: Start, tmp_path: Path) -> None:
    with fake(folder=str(tmp_path / "none")) as editor:
        editor.initialize()
        editor.open("file:///a.py", CODE)
        inspecting = editor.request("hirope/inspect", {"textDocument": {"uri": "file:///a.py"}})
        assert editor.wait(lambda: editor.told("window/showMessage"))
        with pytest.raises(ReplyError) as failed:
            editor.reply(inspecting)
        assert failed.value.code == -32803
        assert editor.reply(editor.inline("file:///a.py", 20)) == {"items": []}
        assert len(editor.told("window/showMessage")) == 1


def test_wrong_settings_are_named_in_one_message(fake: Start) -> None:
    with fake() as editor:
        editor.initialize(options={"debounceMs": "soon", "colour": 1, "maxNewTokens": 7})
        editor.ready()
        (told,) = editor.told("window/showMessage")
        assert told["type"] == 2
        assert "`debounceMs`" in told["message"]
        assert "`colour`" in told["message"]


def test_progress_only_if_announced(fake: Start) -> None:
    with fake(load_s=0.3) as editor:
        editor.initialize(capabilities={"window": {"workDoneProgress": True}})
        editor.ready()
        assert editor.asked == ["window/workDoneProgress/create"]
        assert [step["value"]["kind"] for step in editor.told("$/progress")] == ["begin", "end"]
    with fake(load_s=0.1) as editor:
        editor.initialize()
        editor.ready()
        assert editor.asked == []
        assert not editor.told("$/progress")


def test_no_text_in_the_logs() -> None:
    with Editor(env={"HIROPE_LOG": "debug"}) as editor:
        editor.initialize(options={"model": "/nowhere"})
        editor.open("file:///SECRET_NAME.py", "SECRET_TEXT = 1\n")
        editor.notify("textDocument/didChange", {"textDocument": {"uri": "file:///SECRET_NAME.py"}, "SECRET_KEY": 1})
        editor.notify("no/such", {"text": "SECRET_PARAMS"})
        editor.request("textDocument/inlineCompletion", {"SECRET_MEMBER": "x"})
    said = editor.stderr.decode() + str(editor.told("window/logMessage"))
    assert "out of sync" in said
    assert "SECRET" not in said
