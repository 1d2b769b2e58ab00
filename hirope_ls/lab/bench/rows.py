"""Rows: what every bench yields, one format for all, as a table for people and as JSON.

Knows nothing of what was measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from hirope_ls.lab.bench.goals import GOALS
from hirope_ls.problems import InputError


@dataclass(frozen=True)
class Row:
    """One figure of ours beside one of a peer's, in `unit`. ratio: ours / theirs. holds: whether the goal does, None
    without one. `ours` is None for what was not measured; the note then says why."""

    bench: str
    case: str
    ours: float | None
    peer: str = ""
    theirs: float | None = None
    unit: str = ""
    ratio: float | None = None
    goal: str | None = None
    holds: bool | None = None
    note: str = ""


def row(
    bench: str,
    case: str,
    ours: float,
    unit: str,
    peer: str = "",
    theirs: float | None = None,
    goal: str | None = None,
    note: str = "",
) -> Row:
    """A measured row; `goal` names one of GOALS."""
    ratio = ours / theirs if theirs else None
    wanted = GOALS[goal] if goal else None
    holds = wanted.holds(ours, ratio) if wanted else None
    return Row(bench, case, ours, peer, theirs, unit, ratio, str(wanted) if wanted else None, holds, note)


def missing(bench: str, case: str, why: str, peer: str = "", goal: str | None = None) -> Row:
    """A row that says what was not measured, and why."""
    return Row(bench, case, None, peer, goal=str(GOALS[goal]) if goal else None, note=f"not measured: {why}")


def write(path: Path, machine: str, versions: dict[str, str], rows: Iterable[Row], **more: Any) -> None:
    """The JSON file of a run. Raises InputError."""
    told = {"machine": machine, "versions": versions, **more, "rows": [asdict(one) for one in rows]}
    try:
        path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def read(path: Path) -> tuple[str, dict[str, str], list[Row]]:
    """Machine, versions and rows of such a file. Raises InputError."""
    try:
        told = json.loads(path.read_text("utf-8"))
        return told["machine"], told["versions"], [Row(**one) for one in told["rows"]]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} was not written by hirope-ls bench") from None


_HEADS = ("case", "ours", "peer", "theirs", "ratio", "goal")
_SHOWN = _HEADS[:-1]  # in the terminal the goal stands below the ratio
_WIDEST = {"peer": 12, "ours": 12, "theirs": 12}
_LEFT = frozenset({"bench", "case", "peer", "goal"})


def table(title: str, rows: Sequence[Row]) -> Table:
    """The rows for a terminal, each with its note below it."""
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in _SHOWN:
        made.add_column(head, justify="left" if head in _LEFT else "right", max_width=_WIDEST.get(head))
    for one in rows:
        case, *figures, ratio, goal = (Text(cell) for cell in cells(one))
        if one.note:
            case.append(f"\n{one.note}", style="dim")
        if goal:
            ratio.append("\n").append(goal.plain, style="bold red" if one.holds is False else "")
        made.add_row(case, *figures, ratio)
    return made


def cells(one: Row) -> tuple[str, ...]:
    """The row in words, in the order of the table's columns; the note is told apart from it."""
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}x" if one.ratio >= 0.1 else f"{one.ratio:.4f}x"
    ours, theirs = (f"{number(value)} {one.unit}" if value is not None else "" for value in (one.ours, one.theirs))
    return one.case, ours, one.peer, theirs, ratio, _verdict(one)


def _verdict(one: Row) -> str:
    """`<= 0.02x: yes`."""
    if one.goal is None:
        return ""
    what, bound = one.goal.split(" ", 1)
    held = {None: "", True: ": yes", False: ": NO"}[one.holds]
    return f"{bound}{'x' if what == 'ratio' else ''}{held}"


def number(value: float | None) -> str:
    """Three figures that count, or all of a large one's; nothing for None."""
    if value is None:
        return ""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.4f}"


def markdown(rows: Iterable[Row]) -> str:
    """The measured rows as a table for the README, without the notes."""
    heads = ("bench", *_HEADS)
    lines = ["| " + " | ".join(heads) + " |", "|" + "|".join("--" if h in _LEFT else "--:" for h in heads) + "|"]
    lines += ["| " + " | ".join((one.bench, *cells(one))) + " |" for one in rows if one.ours is not None]
    return "\n".join(lines) + "\n"


def verdict(rows: Sequence[Row]) -> str:
    """How many goals hold, and which do not."""
    judged = [one for one in rows if one.holds is not None]
    unmet = [one for one in judged if not one.holds]
    open_goals = sum(one.goal is not None and one.holds is None for one in rows)
    lines = [f"{len(judged) - len(unmet)} of {len(judged)} goals hold; {open_goals} were not measured"]
    lines += [
        f"  does not hold: {one.bench}: {one.case}{f', {one.peer}' if one.peer else ''}: {_against(one)}"
        for one in unmet
    ]
    return "\n".join(lines)


def _against(one: Row) -> str:
    ours, ratio = cells(one)[1], cells(one)[4]
    return f"{ours if 'ours' in (one.goal or '') else ratio}, goal {one.goal}"
