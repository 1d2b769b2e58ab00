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
from typing import Any

from rich.console import Console
from rich.table import Table

from hirope_ls.engine.complete import Completion, complete
from hirope_ls.engine.options import Options
from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.loader import choose_threads, load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError
from hirope_ls.text import Buffer, Edit

_KV_BUDGET = 4 << 30  # one file, once; allocated as it is needed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The bench's options."""
    parser.add_argument("file", type=Path, nargs="?", help="a long file (default: argparse.py of the standard library)")
    parser.add_argument("--line", type=int, help="the line to type again (default: one in the middle)")
    parser.add_argument("--model", type=Path, default=bundled_folder(), help="the model's folder (the bundled one)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there as well")


def run(args: argparse.Namespace) -> int:
    """Type, print, and return 0. Raises HiropeError."""
    path: Path = args.file or Path(sysconfig.get_path("stdlib")) / "argparse.py"
    try:
        buffer = Buffer.of(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    line = _line(buffer, args.line)
    card, tokenizer = read_card(args.model), TextTokenizer.load(args.model)
    choose_threads()
    loaded = load(card, args.device)
    model = LocalModel(loaded, _KV_BUDGET, tokenizer.special.all, tokenizer.vocab_size, pieces=tokenizer.pieces)
    rows = [_row(one) for one in _typed(path, buffer, line, tokenizer, model, card)]
    _print(rows, f"{path.name}:{line + 1}, {buffer.line_count:,} lines, {card.name} on {loaded.device}")
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


def _typed(
    path: Path, buffer: Buffer, line: int, tokenizer: TextTokenizer, model: LocalModel, card: Card
) -> list[Completion]:
    """A completion after the line's indentation, cold, and one after each character typed from there."""
    start, end = buffer.line_span(line)
    text = buffer.data[start:end].decode()
    body = text.lstrip()
    begin = start + len(text) - len(body)
    pipeline = Pipeline(tokenizer, card.trained_length)
    snapshot = pipeline.open(path.resolve().as_uri(), 1, buffer.apply(Edit(begin, end, b"")), None, str(path))
    options, stop = Options(max_new_tokens=8), threading.Event()
    found, at = [], begin
    for version, character in enumerate(["", *body]):
        new = character.encode()
        snapshot = pipeline.edit(snapshot, [Edit(at, at, new)], version + 2) if new else snapshot
        at += len(new)
        found.append(complete(snapshot, at, model, tokenizer, card, options, stop))
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
