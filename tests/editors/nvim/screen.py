"""What Neovim draws, from its `redraw` events, and a picture of it.

Knows the grid alone (`:help ui-linegrid`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

_CELL: Final = (0.085, 0.2)  # inches of a character
_EMOJI: Final = 0x10000  # from here on the font has no glyphs


class Screen:
    """Cells of text and style; written by the thread that reads, read by the test."""

    def __init__(self, columns: int, lines: int) -> None:
        self._lock = threading.Lock()
        self._styles: dict[int, dict[str, Any]] = {0: {}}
        self._colours = (0xFFFFFF, 0x000000)
        self._cursor = (0, 0)
        self.flushed: Callable[[str, str], None] | None = None
        """Is told the cursor's line before and after the cursor whenever all that is drawn is on the screen."""
        self._resize(columns, lines)

    def _resize(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self._cells = [[(" ", 0)] * columns for _ in range(lines)]

    def take(self, batch: Sequence[Any]) -> None:
        """Redraw events."""
        with self._lock:
            for name, *calls in batch:
                act = getattr(self, f"_on_{name}", None)
                for call in calls if act else ():
                    act(*call)

    def _on_grid_resize(self, grid: int, columns: int, lines: int) -> None:
        self._resize(columns, lines)

    def _on_default_colors_set(self, front: int, back: int, *_: Any) -> None:
        self._colours = (front if front >= 0 else 0xFFFFFF, back if back >= 0 else 0)

    def _on_hl_attr_define(self, number: int, style: dict[str, Any], *_: Any) -> None:
        self._styles[number] = style

    def _on_grid_clear(self, grid: int) -> None:
        self._resize(self.columns, self.lines)

    def _on_grid_cursor_goto(self, grid: int, line: int, column: int) -> None:
        self._cursor = (line, column)

    def _on_flush(self) -> None:
        if self.flushed is not None:
            line, column = self._cursor
            texts = [text for text, _ in self._cells[line]]
            self.flushed("".join(texts[:column]), "".join(texts[column:]).rstrip())

    def _on_grid_line(self, grid: int, line: int, column: int, cells: Sequence[Any], *_: Any) -> None:
        style = 0
        for text, *more in cells:
            style = more[0] if more else style
            for _ in range(more[1] if len(more) > 1 else 1):
                self._cells[line][column] = (text, style)
                column += 1

    def _on_grid_scroll(self, grid: int, top: int, bottom: int, left: int, right: int, rows: int, _: int) -> None:
        lines = range(top, bottom - rows) if rows > 0 else range(bottom - 1, top - rows - 1, -1)
        for line in lines:
            self._cells[line][left:right] = self._cells[line + rows][left:right]

    @property
    def background(self) -> int:
        """Its colour, as a number."""
        return self._colours[1]

    def text(self) -> str:
        """All of it, as lines."""
        with self._lock:
            return "\n".join("".join(text for text, _ in line).rstrip() for line in self._cells)

    def picture(self, path: Path) -> None:
        """Draw it."""
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        with self._lock, matplotlib.rc_context({"font.family": ["DejaVu Sans Mono"]}):
            figure = Figure(figsize=(self.columns * _CELL[0], self.lines * _CELL[1]), dpi=110)
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_xlim(0, self.columns)
            axes.set_ylim(self.lines, 0)
            axes.axis("off")
            figure.set_facecolor(_hex(self._colours[1]))
            for number, line in enumerate(self._cells):
                for column, (text, style) in enumerate(line):
                    front, back, how = self._style(style, (number, column) == self._cursor)
                    if back != self._colours[1]:
                        axes.add_patch(Rectangle((column, number), 1.02, 1.02, color=_hex(back), linewidth=0))
                    if text.strip():
                        shown = text if ord(text[0]) < _EMOJI else "\N{WHITE SQUARE}"
                        axes.text(column, number + 0.76, shown, color=_hex(front), fontsize=10, **how)
            figure.savefig(path, facecolor=figure.get_facecolor())

    def _style(self, number: int, cursor: bool) -> tuple[int, int, dict[str, str]]:
        style = self._styles.get(number, {})
        front, back = style.get("foreground", self._colours[0]), style.get("background", self._colours[1])
        if bool(style.get("reverse")) != cursor:
            front, back = back, front
        how = {"weight": "bold"} if style.get("bold") else {}
        return front, back, how | ({"style": "italic"} if style.get("italic") else {})


def _hex(colour: int) -> str:
    return f"#{colour:06x}"
