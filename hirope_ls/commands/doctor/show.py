"""The doctor's findings for people, as they come, and for a bug report, as one JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hirope_ls.commands.doctor.finding import Finding, State
from hirope_ls.commands.doctor.private import Private

_MARKS: Final[dict[State, tuple[str, str, str]]] = {  # on a terminal, where there are no such signs, and its colour
    "ok": ("✓", "+", "green"),
    "note": ("·", "-", "cyan"),
    "warning": ("!", "!", "bold yellow"),
    "problem": ("✗", "x", "bold red"),
}
_NAME: Final = 20  # columns


class Page:
    """Prints findings one by one, each section under its title."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._section = ""
        self._ascii = out.options.ascii_only

    def add(self, found: Finding) -> None:
        """The next finding."""
        if found.section != self._section:
            gap = "\n" if self._section else ""
            self._section = found.section
            self._out.print(Text(f"{gap}{found.section}", style="bold"))
        told = Text(found.told)
        if found.place:
            told.append(f"  {found.place}", style="bright_black")
        mark, sign, colour = _MARKS[found.state]
        self._row(Text(sign if self._ascii else mark, style=colour), Text(found.name, style="bright_black"), told)
        if found.remedy:
            arrow = "->" if self._ascii else "→"
            self._row(Text(" "), Text(), Text.assemble((f"{arrow} ", colour), (found.remedy, "bold")))

    def _row(self, mark: Text, name: Text, told: Text) -> None:
        """On a terminal long texts are wrapped below themselves; elsewhere a line stays a line."""
        name = Text.assemble(name, " " * max(1, _NAME - len(name)))
        if not self._out.is_terminal:
            self._out.print(Text.assemble("  ", mark, " ", name, told), soft_wrap=True)
            return
        table = Table.grid(padding=0)
        table.add_column(width=4)
        table.add_column(width=_NAME)
        table.add_column(overflow="fold", ratio=1)
        table.add_row(Text.assemble("  ", mark), name, told)
        self._out.print(table)

    def end(self, findings: Iterable[Finding]) -> None:
        """The last line: whether all is well."""
        states = [found.state for found in findings]
        problems, warnings = states.count("problem"), states.count("warning")
        if not problems and not warnings:
            self._out.print(Text("\nAll is well.", style="bold green"))
            return
        parts = [f"{count} {what}{'' if count == 1 else 's'}" for count, what in _counts(problems, warnings) if count]
        works = "There are no suggestions like this" if problems else "Suggestions work"
        style = "bold red" if problems else "bold yellow"
        told = f"\n{works}: {' and '.join(parts)}, each with what mends it."
        self._out.print(Text(told, style=style), soft_wrap=True)


def _counts(problems: int, warnings: int) -> tuple[tuple[int, str], ...]:
    return (problems, "problem"), (warnings, "warning")


def as_json(findings: Iterable[Finding], private: Private) -> dict[str, Any]:
    """What --json prints; the manual is in the command's docstring."""
    listed = list(findings)
    checks = [
        {
            "section": found.section,
            "name": found.name,
            "state": found.state,
            "told": found.told if found.public is None else found.public,
            "remedy": found.remedy,
            "facts": dict(found.facts),
        }
        for found in listed
    ]
    works = not any(found.state == "problem" for found in listed)
    report: dict[str, Any] = private.value({"works": works, "checks": checks})
    return report
