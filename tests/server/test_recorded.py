"""Sessions of real editors, recorded by `tests/recording.py`, said again to the server: their initialize, their order.

What the server answered then only sets the pace: what a recording shows it to have answered by then is waited for. Each
request has its reply, nothing goes wrong, and the texts stay in step. Recordings are in tests/data/recorded.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil  # type: ignore[import-untyped]
import pytest
from editor import Editor, Text
from server.conftest import Start
from server.fakes import SCRIPT

from hirope_ls.model.folder import bundled_folder

FOLDER = Path(__file__).parent.parent / "data" / "recorded"
RECORDINGS = sorted(FOLDER.glob("*.jsonl"))
COPY = "file:///copy.py"
CANCELLED = -32800
OWN_IDS = 1_000_000  # ours begin here, theirs are smaller


class Replay:
    """A recording, played to a server. `root` is where the project is now."""

    def __init__(self, editor: Editor, path: Path, root: Path) -> None:
        self._editor = editor
        self._root = root
        self._cancelled: set[Any] = set()
        self._waiting: set[Any] = set()
        self.asked: list[Any] = []
        self.methods: list[str] = []
        editor._next_id = OWN_IDS
        lines = path.read_text(encoding="utf-8").replace("/ROOT", str(root)).splitlines()
        self._lines = [json.loads(line) for line in lines]

    def play(self) -> None:
        for line in self._lines:
            if line["from"] == "editor" and "method" in line["message"]:
                self._say(line["message"])
            elif line["from"] == "server" and "method" not in line["message"]:
                self._heard(line["message"]["id"])
            elif line["message"].get("method") == "hirope/ready":
                self._editor.ready()

    def _heard(self, msg_id: Any) -> None:
        editor = self._editor
        assert editor.wait(lambda: msg_id in editor.replies, 120), f"no reply to {msg_id}: {editor.stderr.decode()}"
        self._waiting.discard(msg_id)
        (reply,) = editor.replies[msg_id]
        if "error" in reply:
            assert reply["error"]["code"] == CANCELLED, reply
            assert msg_id in self._cancelled, reply
        elif "capabilities" in (reply["result"] or {}):
            editor.encoding = reply["result"]["capabilities"]["positionEncoding"]

    def _say(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params")
        self.methods.append(method)
        match method:
            case "initialize":
                params["processId"] = os.getpid()
            case "textDocument/didOpen":
                self._opened(params["textDocument"])
            case "textDocument/didChange":
                self._changed(params)
            case "textDocument/didClose":
                self.in_step(params["textDocument"]["uri"])
                del self._editor.texts[params["textDocument"]["uri"]]
            case "$/cancelRequest":
                self._cancelled.add(params["id"])
            case "shutdown":
                self._cancelled |= self._waiting
                assert not psutil.Process(self._editor.process.pid).net_connections("inet")
                for uri in self._editor.texts:
                    self.in_step(uri)
        if "id" in message:
            self.asked.append(message["id"])
            self._waiting.add(message["id"])
            self._editor._sent.append(message["id"])
        self._editor.send(message)

    def _opened(self, document: dict[str, Any]) -> None:
        text = self._editor.texts[document["uri"]] = Text(document["text"], self._editor.encoding)
        text.version = document["version"]
        file = Path(unquote(document["uri"].removeprefix("file://")))
        assert file.is_relative_to(self._root)
        file.write_text(document["text"], encoding="utf-8")

    def _changed(self, params: dict[str, Any]) -> None:
        text = self._editor.texts[params["textDocument"]["uri"]]
        text.version = params["textDocument"]["version"]
        for change in params["contentChanges"]:
            text.apply(change)

    def in_step(self, uri: str) -> None:
        """The server's text is the editor's: it reads as a fresh copy does."""
        editor, text = self._editor, self._editor.texts[uri]
        document = {"uri": COPY, "languageId": "python", "version": 1, "text": text.text}
        editor.notify("textDocument/didOpen", {"textDocument": document})
        held, fresh = editor.inspect(uri), editor.inspect(COPY)
        editor.notify("textDocument/didClose", {"textDocument": {"uri": COPY}})
        assert held["version"] == text.version
        assert (held["digest"], held["units"]) == (fresh["digest"], fresh["units"])


def replay(editor: Editor, path: Path, root: Path) -> Replay:
    """Play it all, to the end of the process."""
    played = Replay(editor, path, root)
    played.play()
    assert editor.replies[played.asked[-1]][0].get("result", 0) is None, "the last request is to shut down"
    if played.methods[-1] != "exit":  # it closed the pipe
        assert editor.process.stdin is not None
        editor.process.stdin.close()
    editor.gone(0)
    assert not editor.told("window/showMessage")
    assert not [line for line in editor.told("window/logMessage") if line["type"] < 3]
    assert editor.stderr == b""
    return played


@pytest.mark.parametrize("path", RECORDINGS, ids=[path.stem for path in RECORDINGS])
def test_with_a_fake_model(fake: Start, path: Path, tmp_path: Path) -> None:
    sockets = tmp_path / "sockets"
    editor = fake(says="radius = self.radius\n", step_s=0.002, sockets=str(sockets))
    root = tmp_path / "project"
    root.mkdir()
    played = replay(editor, path, root)
    assert sockets.read_text() == "", "no socket is opened while serving"
    done = set(played.methods)
    assert {"initialize", "initialized", "textDocument/didOpen", "textDocument/didChange", "shutdown"} <= done
    assert "textDocument/inlineCompletion" in done


@pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model is not there")
def test_with_the_real_model(tmp_path: Path) -> None:
    editor = Editor(env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    (tmp_path / "project").mkdir()
    try:
        played = replay(editor, FOLDER / "neovim-0.12.jsonl", tmp_path / "project")
    finally:
        editor.kill()
    results = [editor.replies[msg_id][0].get("result") for msg_id in played.asked]
    assert any(result["items"] for result in results if result and "items" in result)


def test_a_recording_of_a_session_can_be_played(fake: Start, fake_folder: Path, tmp_path: Path) -> None:
    root, out = tmp_path / "project", tmp_path / "out.jsonl"
    root.mkdir()
    script = Path(__file__).parent.parent / "recording.py"
    argv = [sys.executable, str(script), str(out), "--hide", f"{root}=/ROOT", "--", *SCRIPT]
    env = {"HIROPE_FAKE": json.dumps({"folder": str(fake_folder)}), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with Editor(argv, env) as editor:
        editor.initialize(roots=[root], process_id=os.getpid())
        editor.ready()
        uri = (root / "é.py").as_uri()
        editor.open(uri, "x = 1\n𝒳 = 2\n")
        editor.change(uri, (8, 8, "y"), (0, 1, "z\r\n"))
        editor.reply(editor.inline(uri, 4))
    assert str(root) not in out.read_text(encoding="utf-8")
    played = replay(fake(), out, root)
    assert played.methods[-2:] == ["shutdown", "exit"]


def test_recordings_hold_nothing_of_whom_they_were_made_by() -> None:
    assert len(RECORDINGS) >= 6
    for path in RECORDINGS:
        text = path.read_text(encoding="utf-8")
        assert len(text) < 120_000, path
        assert all(word not in text for word in ("/tmp/", "/home/", "/work/", "/root/", "127.0.0.1")), path
        assert '"processId":null' in text
