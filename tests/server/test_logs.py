"""Log lines go where the user wants them, never grow without end, and hold no text of a file."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from server.conftest import Start

from hirope_ls.cli import main
from hirope_ls.server import logs
from hirope_ls.server.logs import start_logging

URI, SECRET = "file:///SECRET_NAME.py", "SECRET_TEXT = 1\n"


@pytest.fixture
def logger(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """Ours, as it was afterwards."""
    loggers = [logging.getLogger(name) for name in ("hirope_ls", "pygls", "asyncio")]
    before = [(each, each.level, each.propagate, each.handlers[:]) for each in loggers]
    monkeypatch.setattr(logging, "raiseExceptions", True)
    yield loggers[0]
    for each, level, propagate, handlers in before:
        for handler in set(each.handlers) - set(handlers):
            with contextlib.suppress(OSError):  # the disk is still full
                handler.close()
        each.level, each.propagate, each.handlers = level, propagate, handlers


def test_a_session_on_file(fake: Start, tmp_path: Path) -> None:
    file = tmp_path / "new" / "server.log"
    with fake(serve={"log_file": str(file)}) as editor:
        editor.initialize()
        editor.ready()
        editor.open(URI, SECRET)
        assert editor.reply(editor.inline(URI, 3))["items"]
        editor.notify("textDocument/didChange", {"textDocument": {"uri": URI}, "SECRET_KEY": 1})
        editor.request("textDocument/inlineCompletion", {"SECRET_MEMBER": "x"})
    said = file.read_text(encoding="utf-8")
    assert "completion: shown" in said
    assert "out of sync" in said
    assert f" {editor.process.pid} " in said
    assert "SECRET" not in said + editor.stderr.decode() + str(editor.told("window/logMessage"))


def test_a_full_file_is_turned_over(
    logger: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "LOG_FILE_BYTES", 10_000)
    start_logging(tmp_path / "server.log")
    for number in range(2000):
        logger.info("line %d \ud800", number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["server.log", "server.log.1", "server.log.2"]
    assert all(file.stat().st_size <= 10_000 for file in files)
    assert "line 1999 \\ud800\n" in files[0].read_text(encoding="utf-8")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["", "file/inside", "\0"])
def test_a_file_that_cannot_be_is_named_and_no_more(
    logger: logging.Logger, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    start_logging(tmp_path / name)
    logger.info("not on stderr")
    assert capfd.readouterr().err.count("there is no log file") == 1


def test_a_full_disk_is_no_reason_for_tracebacks(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HIROPE_STRICT", raising=False)
    start_logging(Path("/dev/full"))
    logger.info("lost")
    assert capfd.readouterr().err == ""


def test_the_option_reaches_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    passed = {}
    monkeypatch.setattr("hirope_ls.server.serve.serve", lambda overrides, **more: passed.update(more) or 0)
    assert main(["--stdio", "--log-file", str(tmp_path / "x.log")]) == 0
    assert passed == {"log_file": tmp_path / "x.log", "tcp": None}
