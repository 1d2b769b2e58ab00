"""How long it takes from a key to ghost text in a real VS Code, beside what the server says of the same request.

    PYTHONPATH=tests python -m editors.vscode.latency [KEYS]

Prints a Markdown table. Only keys whose request the model was asked for count. Compare within a run.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from editors.vscode.install import CURRENT, install, package, tell
from editors.vscode.running import node, running

from editors.vscode import browser

_KEYS = 24


def table(rows: list[dict[str, float]]) -> str:
    """Key by key, and the medians."""
    lines = ["| key | key to ghost text, ms | the server's own figure, ms |", "|---|--:|--:|"]
    lines += [f"| `{row['key']}` | {row['editor']:.0f} | {row['server']:.0f} |" for row in rows]
    editor, server = (statistics.median(row[side] for row in rows) for side in ("editor", "server"))
    lines.append(f"| median of {len(rows)} | {editor:.0f} | {server:.0f} (times {editor / server:.1f}) |")
    return "\n".join(lines)


def main(keys: int) -> None:
    """Measure, and print."""
    browser.install(tell)
    install(CURRENT)
    with tempfile.TemporaryDirectory(prefix="hirope-") as name:
        folder, out = Path(name) / "run", Path(name) / "rows.json"
        folder.mkdir()
        with running(CURRENT, package(), folder) as environment:
            node(CURRENT, environment, "latency.mjs", str(keys), out).check_returncode()
        print(table(json.loads(out.read_text())))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _KEYS)
