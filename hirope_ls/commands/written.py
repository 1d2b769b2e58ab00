"""What a model writes about a definition, for people: piece by piece on a terminal, at once elsewhere.

Knows no places and no facts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from hirope_ls.commands.parts import Model, Parts, load_model
from hirope_ls.commands.terminal import console, waiting
from hirope_ls.engine.explain import Explanation, Subject, Writing, explanation
from hirope_ls.engine.explain.asking import Contents
from hirope_ls.engine.explain.prose import ENDINGS, too_small
from hirope_ls.engine.question import Recipe
from hirope_ls.text.markdown import visible


@dataclass(frozen=True)
class Told:
    """An explanation, and who wrote it."""

    explanation: Explanation
    parts: Parts

    def as_json(self) -> dict[str, Any]:
        """What --json prints of it; the manual of `explain` says what is in it."""
        one = self.explanation
        return {
            "text": one.text,
            "reason": one.reason,
            "model": self.parts.card.name,
            "again": one.draw,
            "tokens": one.tokens,
            "ms": round(one.ms, 1),
            "prompt": asdict(one.contents) if one.contents else None,
        }


def write(
    subject: Subject, parts: Parts, device: str, draw: int, say: Callable[[str], None] = lambda piece: None
) -> Told:
    """Load the model and have it write. Raises ModelRefused or SettingsError."""
    with waiting(f"loading {parts.card.name} ..."):
        model = load_model(parts, device)
    return Told(_written(subject, parts, model, draw, say), parts)


def tell(subject: Subject, parts: Parts, device: str, draw: int, with_prompt: bool) -> None:
    """The same, printed: as it comes on a terminal, as Markdown elsewhere."""
    out = console()
    name, size = parts.card.name, parts.card.parameters
    if not out.is_terminal:
        made = write(subject, parts, device, draw).explanation
        print(f"\n---\n\n{explanation(made.text, name, size, ending(made))}")
    else:
        with waiting(f"loading {name} ..."):
            model = load_model(parts, device)
        out.print()
        out.print(Text(f"Explanation, written by {visible(name)} from the definition and its file. It may be wrong.",
                       style="bold"))  # fmt: skip
        if small := too_small(size):
            out.print(Text(small, style="yellow"))
        out.print()
        made = _written(subject, parts, model, draw, lambda piece: print(visible(piece), end="", flush=True))
        out.print()
        if ending(made):
            out.print(Text(ending(made), style="dim"))
    if with_prompt and made.contents is not None:
        show_contents(subject, made.contents)


def ending(made: Explanation) -> str:
    """How it ended, where that is worth a line."""
    return ENDINGS.get(made.reason, "")


def show_contents(subject: Subject, held: Contents) -> None:
    """What the prompt held, as a table."""
    times = held.size / held.trained_length
    part = "" if held.whole else ", the rest is left out: there is no room for it"
    rows = {
        "asked by": "the model's chat template" if held.how == "chat" else "a comment below the definition",
        "definition": f"{subject.name}, lines {held.lines[0]} to {held.lines[1]}, {held.tokens:,} tokens{part}",
        "its positions": f"units {held.units[0]} to {held.units[1]} of {held.num_units}, indices 0 to {held.index}",
        "file before it": f"{subject.file_name}, lines {held.shown[0]} to {held.shown[1]}",
        "prompt": f"{held.size:,} tokens, {times:.3g}x the trained length of {held.trained_length:,}",
        "mentions": f"{held.mentions} (of names that units far away define)",
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in rows.items():
        table.add_row(name, Text(visible(text)))
    out = console()
    out.print()
    out.print(table)


def _written(subject: Subject, parts: Parts, model: Model, draw: int, say: Callable[[str], None]) -> Explanation:
    recipe = Recipe(parts.tokenizer, parts.card)
    return Writing(subject, recipe, parts.pipeline, draw, say).run(model.language_model, threading.Event())
