"""Show the units of a file and the positions that its tokens get.

  hirope-ls positions app.py
  hirope-ls positions app.py --html app.html

With --json, one object is printed: file, model, trained_length, lines, tokens, and units, a list of {index, kind
(function, class, module, flat), name (dotted; empty for module code), start_line, end_line (from 1, both included),
start_byte, end_byte (excluded), first_token (the plain position of the unit's first token), tokens}. A token's
hierarchical position is (index of its unit, its number inside the unit from 0). A unit too long for the model is cut
at statements, tiny ones are joined when there are too many: these are the units as the model counts them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from hirope_ls.commands.parts import add_model_arguments, read_parts
from hirope_ls.commands.picture import page
from hirope_ls.commands.place import line_column, read_source, shown
from hirope_ls.commands.terminal import console
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.folder import Card
from hirope_ls.problems import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("file", type=Path, metavar="FILE")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--html", type=Path, metavar="OUT", help="write a picture of it, a page for the browser, to OUT")
    add_model_arguments(parser, running=False)


def run(args: argparse.Namespace) -> int:
    """Print or write the units and return 0. Raises HiropeError."""
    buffer = read_source(args.file)
    parts = read_parts(args.model)
    snapshot = parts.snapshot(args.file, buffer)
    report = as_json(args.file, snapshot, parts.card)
    if args.json:
        print(json.dumps(report, ensure_ascii=False))
    elif args.html:
        write_picture(args.html, report, snapshot)
        print(f"The picture is in {shown(args.html)}.")
    else:
        show(report)
    return 0


def as_json(path: Path, snapshot: Snapshot, card: Card) -> dict[str, Any]:
    """What --json prints; the module's docstring is its manual."""
    buffer = snapshot.buffer
    units = [
        {
            "index": index,
            "kind": block.kind,
            "name": block.name,
            "start_line": line_column(buffer, block.start)[0],
            "end_line": line_column(buffer, max(block.start, block.end - 1))[0],
            "start_byte": block.start,
            "end_byte": block.end,
            "first_token": block.first,
            "tokens": block.last - block.first,
        }
        for index, block in enumerate(snapshot.blocks if len(snapshot.tokens) else ())
    ]
    return {
        "file": str(path),
        "model": card.name,
        "trained_length": card.trained_length,
        "lines": buffer.line_count,
        "tokens": len(snapshot.tokens),
        "units": units,
    }


def write_picture(out: Path, report: dict[str, Any], snapshot: Snapshot) -> None:
    """Write the page. Raises InputError if it cannot be written."""
    buffer = snapshot.buffer
    starts = [buffer.line_start(line) for line in range(buffer.line_count)]
    lines = [buffer.data[slice(*buffer.line_span(line))].decode() for line in range(buffer.line_count)]
    line_tokens = np.searchsorted(snapshot.tokens.ends, starts, side="right").tolist()
    try:
        out.write_text(page(report, lines, line_tokens), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{shown(out)} cannot be written: {error.strerror}") from None


def show(report: dict[str, Any]) -> None:
    """Print the units as a table."""
    out = console()
    trained, tokens = report["trained_length"], report["tokens"]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("unit", "lines", "tokens", "plain positions"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("kind")
    table.add_column("name", overflow="fold")
    for unit in report["units"]:
        last = unit["first_token"] + max(unit["tokens"], 1) - 1
        table.add_row(
            str(unit["index"]),
            f"{unit['start_line']}-{unit['end_line']}",
            f"{unit['tokens']:,}",
            Text(f"{unit['first_token']:,}-{last:,}", style="red" if last >= trained else "green"),
            Text(unit["kind"], style="bright_black" if unit["kind"] == "module" else ""),
            Text(shown(unit["name"]) if unit["name"] else "", style="bold"),
        )
    out.print(Text(shown(report["file"]), style="bold"))
    out.print(table)
    ratio = f"{tokens / trained:.3g}x" if tokens else "0x"
    longest = max((unit["tokens"] for unit in report["units"]), default=0)
    out.print(
        f"{tokens:,} tokens in {len(report['units']):,} units of at most {longest:,}; "
        f"{report['model']} was trained for {trained:,} tokens ({ratio})"
    )
