"""Show what would be suggested at a place in a file.

  hirope-ls complete app.py:120:9

LINE and COLUMN count from 1, columns in characters, as editors show them. --cut tries the tool on code that is
written already: the rest of the line is taken away before and shown after.

With --workspace, the prompt shows parts of other files of that folder, chosen by what the code round the cursor uses.
--explain prints the parts of the prompt: what is shown, from where, why, and how many tokens each costs.

With --json, one object is printed: file, line, column; text, and the range it replaces (1-based lines and columns, end
excluded); outcome; timings in milliseconds by phase; tokens {prompt, reused, prefilled, generated}; units; mentions (of
names that far units define, in the text round the cursor); order (of the prompt's parts); model; with --cut, cut: what
was taken away; with --explain, prompt: its parts as {what, name, why, tokens}.
"""

from __future__ import annotations

import argparse
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from hirope_ls.commands.explaining import chosen, explained, show_prompt
from hirope_ls.commands.parts import Model, Parts, add_model_arguments, load_model, read_parts
from hirope_ls.commands.place import Place, line_column, offset_at, parse_place, read_source
from hirope_ls.commands.terminal import show_completion, waiting
from hirope_ls.commands.wished import wished
from hirope_ls.engine.complete import complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.options import Options
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.text.buffer import Buffer
from hirope_ls.text.edit import Edit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("place", metavar="FILE:LINE:COLUMN", help="where to complete, counted from 1")
    add_model_arguments(parser)
    default = wished().max_new_tokens
    parser.add_argument(
        "--max-new-tokens", type=_positive, default=default, metavar="N", help=f"tokens at most (default: {default})"
    )
    parser.add_argument("--cut", action="store_true", help="as if the rest of the line were not written yet")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="show parts of other files of this folder")
    parser.add_argument("--explain", action="store_true", help="print what went into the prompt")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Complete once, print it, and return 0. Raises HiropeError."""
    place = parse_place(args.place)
    buffer = read_source(place.path)
    offset = offset_at(buffer, place)
    cut = None
    if args.cut:
        end = buffer.line_span(buffer.line_of(offset))[1]
        cut = buffer.data[offset:end].decode()
        buffer = buffer.apply(Edit(offset, end, b""))
    parts = read_parts(args.model)
    with waiting(f"loading {parts.card.name} ..."):
        model = load_model(parts, args.device)
    recipe = Recipe(parts.tokenizer, parts.card, _options(args, parts))
    with waiting("completing ..."):
        snapshot = parts.snapshot(place.path, buffer)
        context = chosen(args.workspace, place.path, snapshot, offset, recipe) if args.workspace else None
        question = Question(snapshot, offset, recipe, context)
        completion = complete(question, model.language_model, threading.Event())
    if args.json:
        found = as_json(place, buffer, completion, parts, model)
        found |= {"prompt": explained(question)} if args.explain else {}
        print(json.dumps(found if cut is None else {**found, "cut": cut}, ensure_ascii=False))
    else:
        show_completion(place.path, buffer, completion, parts.card, cut)
        if args.explain:
            show_prompt(explained(question))
    return 0


def as_json(place: Place, buffer: Buffer, completion: Completion, parts: Parts, model: Model) -> dict[str, Any]:
    """What --json prints; the module's docstring is its manual."""
    start, end = (line_column(buffer, offset) for offset in (completion.start, completion.end))
    return {
        "file": str(place.path),
        "line": place.line,
        "column": place.column,
        "text": completion.text,
        "range": {
            "start": {"line": start[0], "column": start[1]},
            "end": {"line": end[0], "column": end[1]},
        },
        "outcome": completion.outcome,
        "timings": {phase: round(ms, 2) for phase, ms in completion.timings.items()},
        "tokens": dict(completion.tokens),
        "units": completion.units,
        "mentions": completion.mentions,
        "order": completion.kind,
        "model": {
            "name": parts.card.name,
            "folder": str(parts.card.folder),
            "trained_length": parts.card.trained_length,
            "device": model.device,
            "dtype": model.dtype,
        },
    }


def _options(args: argparse.Namespace, parts: Parts) -> Options:
    """With a budget for other files where they are asked for, whether or not the model is known to gain by them."""
    options = Options(
        max_new_tokens=args.max_new_tokens, max_lines=wished().max_lines, max_prompt_tokens=wished().prompt_tokens
    )
    if not args.workspace:
        return options
    return replace(options, context_tokens=options.prompt_cap(parts.card.trained_length) // 4)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
