"""The README's table of models, from the catalogue; `python -m hirope_ls.commands.models` in a clone renews it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from hirope_ls.commands.fitting import CARDS, GIB, LEAST, Plan, card_for, plan
from hirope_ls.engine.options import Options
from hirope_ls.model.catalogue import CATALOGUE, Entry
from hirope_ls.model.folder import bundled_folder, read_card

COMMAND: Final = "python -m hirope_ls.commands.models"
BEGIN: Final = f"<!-- models:begin ({COMMAND}) -->"
END: Final = "<!-- models:end -->"
_LONG: Final = 32_768
_HALF: Final = 2  # bytes of a number on a GPU


def with_models(readme: str) -> str:
    """`readme` with a fresh table between the markers; unchanged where it has none."""
    pattern = re.compile(re.escape(BEGIN) + r"\n.*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{table()}\n\n{lines()}\n{END}", readme)


def table() -> str:
    """A row a model, by the smallest graphics card that it fits."""
    heads = ("VRAM", "model", "licence", "memory, 8k and 32k tokens", "trained for", "order", "what HiRoPE adds")
    rows = [f"| {' | '.join(heads)} |", "|---|---|---|--:|--:|---|---|", _bundled()]
    for size in CARDS:
        rows += [_row(entry, size) for entry in _of(size)]
    return "\n".join(rows)


def lines() -> str:
    """Two lines a model: to fetch it, and to run it."""
    told = []
    for size in CARDS:
        told.append(f"# {size} GB")
        for entry in _of(size):
            told += [f"hirope-ls fetch {entry.pinned}"]
            told += [f"hirope-ls --stdio --model {entry.name}{_plan(entry, size).flags}", ""]
    return "\n".join(["<details><summary>The two lines of each</summary>\n", "```sh", *told[:-1], "```", "</details>"])


def _of(size: int) -> list[Entry]:
    return [entry for entry in CATALOGUE if card_for(entry.need(_HALF), entry.trained_length) == size]


def _plan(entry: Entry, size: int) -> Plan:
    found = plan(entry.need(_HALF), entry.trained_length, size * GIB)
    assert found is not None, entry.name
    return found


def _bundled() -> str:
    card = read_card(bundled_folder())
    need = card.need(4)
    assert need is not None
    mib = (need.weights + need.shape.row_bytes(4) * LEAST) >> 20
    reach = _reach(card.trained_length, None)
    return f"| none | bundled | MIT | {mib} MiB | {card.trained_length:,} | `{card.fim_order}` | {reach} |"


def _row(entry: Entry, size: int) -> str:
    need = entry.need(_HALF)
    where = f"`{entry.name}` at `{entry.revision[:7]}`" if entry.revision else f"`{entry.name}`, main branch"
    licence = f"{entry.licence}: {entry.terms}" if entry.terms else entry.licence
    memory = f"{need.bytes(LEAST) / GIB:.1f}, {need.bytes(_LONG) / GIB:.1f} GiB"
    trained, window = entry.trained_length, entry.window
    adds = _reach(trained, _plan(entry, size).prompt_tokens)
    adds = f"nothing: each layer sees {window:,} tokens back" if window else adds
    return f"| {size} GB | {where} | {licence} | {memory} | {trained:,} | `{entry.order}` | {adds} |"


def _reach(trained: int, shown: int | None) -> str:
    """How far it reads past what it was trained for; `shown`: the longest prompt that the card has room for."""
    cap = Options().prompt_cap(trained)
    if trained < (shown or cap):
        return f"reads past {trained:,}, to {shown or cap:,}"
    if shown:
        return f"reads past {trained:,} on a larger card"
    return f"reads past {trained:,} where other files are shown, or `promptTokens` is raised"


def renew(clone: Path) -> bool:
    """Write the README's part; whether it differed."""
    path = clone / "README.md"
    former = path.read_text("utf-8")
    now = with_models(former)
    if now != former:
        path.write_text(now, "utf-8")
    return now != former
