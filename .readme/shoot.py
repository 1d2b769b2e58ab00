"""Make a picture of what a terminal shows.

    python .readme/shoot.py OUT.png -- COMMAND [ARG ...]    of a command's output, under its prompt line
    python .readme/shoot.py OUT.png --screen FILE           of a screen saved by `tmux capture-pane -e -p`
    python .readme/shoot.py OUT.png --page FILE             of an HTML page

Coloured output is laid out as a page (rich), and Chromium takes the picture. Needs `chromium` on the PATH.
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


def shoot(source: Path, size: tuple[int, int], out: str) -> None:
    """Let Chromium take a picture of a page."""
    with tempfile.TemporaryDirectory() as profile:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
        ]
        times = ["--virtual-time-budget=3000", f"--window-size={size[0]},{size[1]}"]
        places = [f"--user-data-dir={profile}", f"--screenshot={out}", str(source)]
        subprocess.run(["chromium", *options, *times, *places], check=True, capture_output=True, timeout=120)


def shoot_terminal(ansi: str, out: str) -> None:
    """The picture of coloured terminal output."""
    html, lines = page(ansi)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(html)
        shoot(source, (int(COLUMNS * _CELL[0]) + 34, int(lines * _CELL[1]) + 30), out)


def main() -> None:
    out, kind, *rest = sys.argv[1:]
    if kind == "--page":
        shoot(Path(rest[0]), (1400, 1900), out)
    elif kind == "--screen":
        shoot_terminal(Path(rest[0]).read_text(), out)
    elif kind == "--":
        shown = " ".join(part.split(".venv/bin/")[-1] for part in rest)
        ansi = (
            recorded(rest).replace("\r\n", "\n").rpartition("\x1b[2K")[2]
        )  # what a spinner leaves behind comes before
        shoot_terminal(f"\x1b[1;32m$\x1b[0m {shown}\n{ansi}", out)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
