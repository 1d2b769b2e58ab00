"""Time to the first token while one types a line: the first completion cold, each later one over what is cached.

A line of a real file is taken out and typed again, character by character, with a completion after each. The ratio of
the two times, taken in one run, is what counts. Below the language server: no editor, no pipes, no result cache.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sysconfig
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from hirope_ls.commands.parts import Parts, add_model_arguments, load_model, read_parts
from hirope_ls.commands.place import read_source
from hirope_ls.engine.complete import Completion, complete
from hirope_ls.engine.options import Options
from hirope_ls.problems import InputError
from hirope_ls.text import Buffer, Edit

if TYPE_CHECKING:
    from hirope_ls.model.decode import LocalModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The bench's options."""
    parser.add_argument("file", type=Path, nargs="?", help="a long file (default: argparse.py of the standard library)")
    parser.add_argument("--line", type=int, help="the line to type again (default: one in the middle)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there as well")
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Type, print, and return 0. Raises HiropeError."""
    path: Path = args.file or Path(sysconfig.get_path("stdlib")) / "argparse.py"
    buffer = read_source(path)
    line = _line(buffer, args.line)
    parts = read_parts(args.model)
    model = load_model(parts, args.device)
    rows = [_row(one) for one in _typed(path, buffer, line, parts, model.language_model)]
    _print(rows, f"{path.name}:{line + 1}, {buffer.line_count:,} lines, {parts.card.name} on {model.device}")
    if args.json:
        args.json.write_text(json.dumps({"bench": "typing", "file": path.name, "rows": rows}, indent=1) + "\n", "utf-8")
    return 0


def _line(buffer: Buffer, wanted: int | None) -> int:
    """The 0-based line to type: the wanted one (1-based), or the first one in the second half that is long enough."""
    numbers = range(buffer.line_count // 2, buffer.line_count) if wanted is None else [wanted - 1]
    for number in numbers:
        if 0 <= number < buffer.line_count:
            start, end = buffer.line_span(number)
            if len(buffer.data[start:end].strip()) >= 12:
                return number
    raise InputError("there is no line of 12 characters to type: choose another --line or file")


def _typed(path: Path, buffer: Buffer, line: int, parts: Parts, model: LocalModel) -> list[Completion]:
    """A completion after the line's indentation, cold, and one after each character typed from there."""
    start, end = buffer.line_span(line)
    text = buffer.data[start:end].decode()
    body = text.lstrip()
    begin = start + len(text) - len(body)
    snapshot = parts.snapshot(path, buffer.apply(Edit(begin, end, b"")))
    found, at = [], begin
    for version, character in enumerate(["", *body]):
        new = character.encode()
        snapshot = parts.pipeline.edit(snapshot, [Edit(at, at, new)], version + 2) if new else snapshot
        at += len(new)
        found.append(
            complete(snapshot, at, model, parts.tokenizer, parts.card, Options(max_new_tokens=8), threading.Event())
        )
    return found


def _row(one: Completion) -> dict[str, Any]:
    first = one.timings["prompt"] + one.timings["prefill"]
    return {"first_token_ms": round(first, 3), **one.tokens, "outcome": one.outcome}


def _print(rows: list[dict[str, Any]], title: str) -> None:
    cold, warm = rows[0], rows[1:]
    times = [row["first_token_ms"] for row in warm]
    again = [row["prefilled"] for row in warm]
    table = Table(title=title)
    for heading in ("", "prompt", "reused", "computed", "to the first token"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("cold", f"{cold['prompt']:,}", "0", f"{cold['prefilled']:,}", f"{cold['first_token_ms']:,.1f} ms")
    one = warm[0]
    table.add_row(
        "one character later",
        f"{one['prompt']:,}",
        f"{one['reused']:,}",
        f"{one['prefilled']:,}",
        f"{one['first_token_ms']:,.1f} ms",
    )
    middle = statistics.median(times)
    table.add_row(
        f"median of {len(warm)} keys", "", "", f"{statistics.median(again):,.0f}", f"{middle:,.1f} ms", end_section=True
    )
    table.add_row("worst key", "", "", f"{max(again):,}", f"{max(times):,.1f} ms")
    Console().print(table)
    print(f"warm is {cold['first_token_ms'] / middle:,.0f} times faster than cold (median)")
