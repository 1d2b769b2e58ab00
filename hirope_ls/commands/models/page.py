"""The models for people: two tables, and what is wrong with those that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hirope_ls.commands.machine import Device
from hirope_ls.commands.models.rows import Choice, Fit, Row
from hirope_ls.commands.sizes import size
from hirope_ls.commands.terminal import console


def show(here: Device, rows: Sequence[Row], choices: Sequence[Choice]) -> None:
    """Print what is here, then what would fit."""
    out = console()
    kind = "GPU" if here.is_gpu else "no GPU that torch can use"
    out.print(Text(f"{kind}: {here.name}, {here.free:.1f} of {here.total:.1f} GiB of memory free"), soft_wrap=True)
    out.print()
    _here(out, rows)
    fitting = [one for one in choices if one.fits]
    if fitting:
        _others(out, fitting)
    larger = len(choices) - len(fitting)
    if larger:
        out.print(Text(f"\n{larger} more need more memory than that: see the table in the README"), soft_wrap=True)


def _here(out: Console, rows: Sequence[Row]) -> None:
    table = _table("on this machine", "size", "trained for", "fill in the middle", "fits")
    for row in rows:
        good = row.refused is None
        name, _, commit = row.model.partition("@")
        shown = Text.assemble((name, "bold" if good else "bright_black"), f"@{commit[:12]}" if commit else "")
        if row.in_use:
            shown.append("  in use", style="green")
        length = f"{row.trained_length:,} tokens" if row.trained_length else "refused"
        table.add_row(shown, size(row.bytes), length, (row.fim_order or "no") if good else "-", fits(row))
    out.print(table)
    for row in rows:
        if row.refused is not None:
            out.print(Text.assemble(("\n✗ ", "bold red"), row.model, f"\n  {row.refused}"), soft_wrap=True)
        elif row.note is not None:
            told = f"\n  it sees only what stands before the cursor: {row.note}"
            out.print(Text.assemble(("\n! ", "bold yellow"), row.model, told), soft_wrap=True)


def _others(out: Console, choices: Sequence[Choice]) -> None:
    out.print()
    table = _table("to choose from", "download", "trained for", "licence", "fits")
    for one in choices:
        licence = Text(f"{one.licence}: {one.terms}" if one.terms else one.licence)
        name = Text(one.model.partition("@")[0])
        table.add_row(name, size(2 * one.parameters), f"{one.trained_length:,} tokens", licence, fits(one))
    out.print(table)
    first = choices[0].model
    out.print(Text.assemble("\nhirope-ls fetch ", (first.partition("@")[0], "bold"), " brings one"), soft_wrap=True)


def fits(fit: Fit) -> str:
    """In words."""
    if fit.fits is None:
        return "-"
    need = f"{fit.need_gib:.1f} GiB"
    if not fit.fits:
        return f"no: {need}"
    told = f"yes, {fit.settings}" if fit.settings else f"yes: {need}"
    return told if fit.fits_now else f"not now: {need}"


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bright_black", padding=(0, 2, 0, 0))
    for name in names:
        right = name in ("size", "download", "trained for")
        whole = right or name == names[0]
        table.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=whole)
    return table
