"""List the models on this machine: the bundled one and those of the Hugging Face cache, and whether they can be used.

With --json, one list is printed, of objects: model, folder, bytes, parameters, trained_length, fim_order, and refused,
the reason where a model cannot be used. `hirope-ls fetch` brings further ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from hirope_ls.commands.sizes import size
from hirope_ls.commands.terminal import console, waiting
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.hub import all_cached
from hirope_ls.problems import ModelRefused


@dataclass(frozen=True)
class Row:
    """One model. `bytes` is what its files take, whatever they are."""

    model: str
    folder: str
    bytes: int
    parameters: int | None = None
    trained_length: int | None = None
    fim_order: str | None = None
    refused: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print them all."""
    with waiting("looking at the models ..."):
        rows = list(found())
    if args.json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
    else:
        _show(rows)
    return 0


def found() -> Iterator[Row]:
    """The bundled model, then those of the cache."""
    yield look("bundled", bundled_folder())
    for each, folder in all_cached():
        yield look(str(each), folder)


def look(name: str, folder: Path) -> Row:
    """What is known of one model, without loading it."""
    weight = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    try:
        card = read_card(folder)
        _check(card)
    except ModelRefused as refusal:
        return Row(name, str(folder), weight, refused=str(refusal).replace(str(folder.resolve()), "it"))
    return Row(name, str(folder), weight, card.parameters, card.trained_length, card.fim_order)


def _check(card: Card) -> None:
    if card.folder != bundled_folder().resolve():  # which is known to be right: torch takes seconds to import
        from hirope_ls.model.loader import check

        check(card)


def _show(rows: list[Row]) -> None:
    out = console()
    table = Table(box=None, pad_edge=False, header_style="bright_black", padding=(0, 2, 0, 0))
    for name in ("model", "size", "trained for", "fill in the middle"):
        table.add_column(name, justify="right" if name in ("size", "trained for") else "left", overflow="fold")
    for row in rows:
        good = row.refused is None
        name, _, commit = row.model.partition("@")
        shown = Text.assemble((name, "bold" if good else "bright_black"), f"@{commit[:12]}" if commit else "")
        cells = (f"{row.trained_length:,} tokens", row.fim_order or "no") if row.trained_length else ("refused", "-")
        table.add_row(shown, size(row.bytes), *cells)
    out.print(table)
    for row in rows:
        if row.refused is not None:
            out.print(Text.assemble(("\n✗ ", "bold red"), row.model, f"\n  {row.refused}"), soft_wrap=True)
