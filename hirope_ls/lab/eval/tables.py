"""Figures as Markdown tables, aligned so that they read well as plain text, too. Knows figures only."""

from __future__ import annotations

from collections.abc import Sequence

from hirope_ls.lab.eval.figures import LOWER_IS_BETTER, Row
from hirope_ls.lab.eval.lengths import shown


def table(rows: Sequence[Row]) -> str:
    """For each task and metric, methods down and lengths across."""
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        grouped.setdefault((row.task, row.metric), []).append(row)
    return "\n".join(_section(task, metric, own) for (task, metric), own in grouped.items())


def _section(task: str, metric: str, rows: Sequence[Row]) -> str:
    lengths = {row.length: row.multiple for row in sorted(rows, key=lambda row: row.length)}
    cells = {(row.method, row.length): _cell(row) for row in rows}
    lines = [
        [method, *(cells.get((method, length), "") for length in lengths)]
        for method in dict.fromkeys(row.method for row in rows)
    ]
    heads = ["method", *(shown(length, multiple) for length, multiple in lengths.items())]
    files = sorted({row.n for row in rows})
    counted = " to ".join(map(str, dict.fromkeys((files[0], files[-1]))))
    about = f"{unit(metric)}; mean over files ({counted}) and its 95 % interval"
    return f"## {task}: {metric}\n\n{about}\n\n{markdown(heads, lines)}"


def _cell(row: Row) -> str:
    return f"{row.value:.3f}" + ("" if row.low is None else f" [{row.low:.3f}, {row.high:.3f}]")


def unit(metric: str) -> str:
    """What a metric counts, and which way is better."""
    return "nats a token, lower is better" if metric in LOWER_IS_BETTER else "0 to 1, higher is better"


def markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]

    def told(cells: Sequence[str]) -> str:
        rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        return f"| {' | '.join([cells[0].ljust(widths[0]), *rest])} |\n"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return told(heads) + told(rule) + "".join(map(told, lines))
