"""Whether the server answers an editor, and which editors here can show what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from hirope_ls.commands.doctor.finding import Finding, Section

_IN: Final = Section("Editors")
_SECONDS: Final = 60.0
_SLOW_MS: Final = 2000
_NEOVIM: Final = (0, 12)
_CODE_FOLDERS: Final = (".vscode", ".vscode-server", ".vscode-oss", ".vscode-insiders", ".cursor")
_ASKS: Final = "+lua io.write(tostring(vim.lsp.inline_completion ~= nil))"


def checks() -> Iterator[Finding]:
    """All of them; starts the server and Neovim once, each without any files."""
    yield server()
    yield from neovim(shutil.which("nvim"))
    yield from code(Path("~").expanduser())


def server(command: tuple[str, ...] = (sys.executable, "-m", "hirope_ls", "--stdio")) -> Finding:
    """Start it as an editor does, and see it answer and go."""
    asked: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"processId": os.getpid(), "rootUri": None, "capabilities": {}}},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    ]
    sent = b"".join(_framed({"jsonrpc": "2.0", **message}) for message in asked)
    began = time.monotonic()
    try:
        code, answered = _conversation(command, sent)
    except (OSError, subprocess.SubprocessError) as error:
        return _IN.problem("server", f"it does not start or end ({type(error).__name__})", _reinstall())
    took = round(1000 * (time.monotonic() - began))
    if code != 0 or b"inlineCompletionProvider" not in answered:
        return _IN.problem("server", f"it does not answer an editor (exit code {code})", _reinstall())
    told = f"starts, answers and ends in {took:,} ms"
    if took > _SLOW_MS:
        return _IN.warning("server", f"{told}: slow disk, or a busy machine?", "top", ms=took)
    return _IN.ok("server", told, ms=took)


def _conversation(command: Sequence[str], sent: bytes) -> tuple[int, bytes]:
    """(exit code, what it said); its input stays open until it ends by itself, as an editor's does."""
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(sent)
            process.stdin.flush()
            code = process.wait(_SECONDS)  # what it says fits into a pipe
        finally:
            process.kill()
        return code, process.stdout.read()


def _framed(message: dict[str, Any]) -> bytes:
    data = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(data), data)


def _reinstall() -> str:
    return "pip install --force-reinstall hirope-ls"


def neovim(program: str | None) -> Iterator[Finding]:
    """0.12 shows inline completions by itself."""
    if program is None:
        return
    found = re.search(r"NVIM v(\d+)\.(\d+)\S*", _said(program, "--version"))
    if found is None:
        yield _IN.warning("Neovim", "`nvim --version` says nothing", "nvim --version")
        return
    told = found[0].removeprefix("NVIM v")
    if (int(found[1]), int(found[2])) >= _NEOVIM and "true" in _said(program, "--headless", "-u", "NONE", _ASKS, "+qa"):
        yield _IN.ok("Neovim", f"{told}, shows inline completions", version=told)
        return
    told = f"{told} shows no inline completions: that takes {'.'.join(map(str, _NEOVIM))}"
    yield _IN.note("Neovim", told, "https://github.com/neovim/neovim/releases", version=found[0])


def code(home: Path) -> Iterator[Finding]:
    """VS Code shows them through an extension."""
    folders = [home / name / "extensions" for name in _CODE_FOLDERS]
    there = [folder for folder in folders if folder.is_dir()]
    if not there and shutil.which("code") is None:
        return
    found = sorted(path.name for folder in there for path in folder.glob("*hirope*"))
    if found:
        yield _IN.ok("VS Code", f"has {found[-1]}", extension=found[-1])
    else:
        yield _IN.note("VS Code", "has no hirope extension: it shows no suggestions without one")


def _said(*command: str) -> str:
    """What a program prints, on either stream; nothing if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout + done.stderr
