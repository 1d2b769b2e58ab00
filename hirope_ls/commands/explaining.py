"""What went into a prompt, for people: parts of other files with their reasons, the file's own text, tokens of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from hirope_ls.commands.folder import surroundings
from hirope_ls.commands.place import shown
from hirope_ls.commands.terminal import console
from hirope_ls.engine.choosing import choose
from hirope_ls.engine.context import Context
from hirope_ls.engine.prompt import build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Snapshot


def chosen(folder: Path, path: Path, snapshot: Snapshot, offset: int, recipe: Recipe) -> Context | None:
    """The context from the files of `folder`, once all of them are known. Raises InputError."""
    with surroundings(folder) as around:
        return choose(snapshot, str(path.resolve()), offset, around, recipe)


def explained(question: Question) -> list[dict[str, Any]]:
    """The parts of the prompt in their order: what, name, why, tokens."""
    prompt, context = build_prompt(question), question.context
    rows: list[dict[str, Any]] = [
        {"what": part.shown.path, "name": part.shown.name, "why": part.shown.why, "tokens": part.cost}
        for part in (context.parts if context else ())
    ]
    own = {"far": prompt.far, "after the cursor": prompt.suffix, "near": prompt.near}
    if prompt.kind == "psm":
        own = {"near": prompt.near, "after the cursor": prompt.suffix}
    rows += [{"what": "this file", "name": name, "why": "", "tokens": count} for name, count in own.items() if count]
    told = sum(row["tokens"] for row in rows)
    marks = int(prompt.ids.size) - told
    return [*rows, {"what": "marks of the model", "name": "", "why": "", "tokens": marks}]


def show_prompt(rows: list[dict[str, Any]]) -> None:
    """Print them as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("from", "what", "why"):
        table.add_column(head, overflow="fold")
    table.add_column("tokens", justify="right")
    for row in rows:
        words = (Text(shown(row[key]) if row[key] else "") for key in ("what", "name", "why"))
        table.add_row(*words, str(row["tokens"]))
    table.add_row("", "", "all", str(sum(row["tokens"] for row in rows)))
    out = console()
    out.print()
    out.print(table)
