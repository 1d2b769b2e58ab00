"""Make a picture of what a command shows in a terminal: `python .readme/shoot.py OUT.png -- COMMAND [ARG ...]`.

Runs the command on a pseudo-terminal, lays its coloured output out as a page (rich) and lets Chromium take the picture.
Needs `chromium` on the PATH.
"""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 124
_CELL = (8.43, 20.0)  # pixels of a character
_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 14px 16px; background: {background}; color: {foreground}; }}
pre {{ margin: 0; font: 14px/20px "DejaVu Sans Mono", monospace; white-space: pre; }}
</style><pre>{code}</pre>"""


def recorded(command: list[str]) -> str:
    """What the command writes to a terminal of COLUMNS columns."""
    chunks: list[bytes] = []

    def read(terminal: int) -> bytes:
        chunk = os.read(terminal, 65536)
        chunks.append(chunk)
        return chunk

    os.environ.update(COLUMNS=str(COLUMNS), LINES="50", TERM="xterm-256color")
    status = pty.spawn(command, read)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{command[0]} failed:\n{b''.join(chunks).decode()}")
    return b"".join(chunks).decode()


def page(ansi: str) -> tuple[str, int]:
    """HTML of the output under its prompt line, and the number of its lines."""
    text = Text.from_ansi(ansi)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(text, soft_wrap=True)
    html = console.export_html(theme=MONOKAI, inline_styles=True, code_format=_PAGE)
    return html, text.plain.count("\n") + 2


def main() -> None:
    out, separator, *command = sys.argv[1:]
    assert separator == "--", __doc__
    shown = " ".join(part.split(".venv/bin/")[-1] for part in command)
    ansi = recorded(command)
    ansi = ansi.replace("\r\n", "\n").rpartition("\x1b[2K")[2]  # what a spinner leaves behind comes before
    html, lines = page(f"\x1b[1;32m$\x1b[0m {shown}\n{ansi}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(html)
        size = f"{int(COLUMNS * _CELL[0]) + 34},{int(lines * _CELL[1]) + 30}"
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
        ]
        places = [f"--window-size={size}", f"--user-data-dir={folder}/profile", f"--screenshot={out}", str(source)]
        subprocess.run(["chromium", *options, *places], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main()
