"""Pictures of measurements. Needs matplotlib (the `lab` extra); knows numbers and labels only.

One panel a metric. HiRoPE is bold and blue; the rivals are thin, lie on top of it, and each keeps its colour and its
marker from one picture to the next, and stands a little aside of the others, so that equal values are all to be seen.
Curves far off the others leave their panel, whose heading says how far they go.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

Curve = list[tuple[int, float, float | None, float | None]]
"""(length in tokens, value, low, high) in any order; low and high None where there is no interval."""


@dataclass(frozen=True)
class Panel:
    """One metric: a curve for each method. `unit`: what is counted; `lower`: whether less is better."""

    title: str
    unit: str
    lower: bool
    curves: Mapping[str, Curve]


@dataclass(frozen=True)
class _Style:
    colour: str
    marker: str
    line: str = "-"


BOLD = "hirope"
_STYLES = {
    "hirope": _Style("#1257b8", "o"),
    "hirope-paper": _Style("#1257b8", "o", ":"),
    "rope": _Style("#333333", "s"),
    "pi": _Style("#b8860b", "v"),
    "ntk": _Style("#e07b39", "^"),
    "ntk-dynamic": _Style("#e8a531", "<"),
    "yarn": _Style("#c2363b", "D"),
    "rerope": _Style("#2a8f5b", "P"),
    "self-extend": _Style("#8e4aa8", "X"),
    "window": _Style("#8a8a8a", "*"),
}
_OTHERS = [
    _Style(colour, marker, "--")
    for colour, marker in zip(("#17a2a2", "#a0522d", "#d45c9e", "#5b6abf", "#7a9a01", "#00688b"), "hpd>8H", strict=True)
]
_COLUMNS = 3
_WIDTH, _HEIGHT = 4.4, 3.3  # inches of a panel
_LEFT, _RIGHT, _ABOVE, _BELOW = 0.75, 0.15, 0.75, 0.75  # inches around it
_LEGEND = 0.22  # inches of a row
_ASIDE = 0.035  # octaves


def draw(panels: Sequence[Panel], trained_length: int, out: Path) -> None:
    """Draw the panels side by side into the file `out` (.png or .svg), with one legend for all."""
    methods = list(dict.fromkeys(method for panel in panels for method in panel.curves))
    styles = _styles(methods)
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // columns)
    per_row = 4 * columns
    legend = _LEGEND * -(-len(methods) // per_row)
    width, height = columns * (_LEFT + _WIDTH + _RIGHT), rows * (_ABOVE + _HEIGHT + _BELOW) + legend
    figure = Figure(figsize=(width, height), dpi=130)
    for index, panel in enumerate(panels):
        row, column = divmod(index, columns)
        left = column * (_LEFT + _WIDTH + _RIGHT) + _LEFT
        bottom = legend + (rows - 1 - row) * (_ABOVE + _HEIGHT + _BELOW) + _BELOW
        axes = figure.add_axes((left / width, bottom / height, _WIDTH / width, _HEIGHT / height))
        _panel(axes, panel, styles, trained_length)
    lines = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    named = [lines[method] for method in methods]
    figure.legend(handles=named, loc="lower center", ncols=min(len(named), per_row), frameon=False, fontsize=9)
    figure.savefig(out)


def _styles(methods: Sequence[str]) -> dict[str, _Style]:
    """Methods with options take what the others leave."""
    others = [method for method in methods if method not in _STYLES]
    return _STYLES | {method: _OTHERS[index % len(_OTHERS)] for index, method in enumerate(others)}


def _panel(axes: Any, panel: Panel, styles: Mapping[str, _Style], trained_length: int) -> None:
    lengths = sorted({point[0] for curve in panel.curves.values() for point in curve})
    low, high = _range(panel)
    axes.axvspan(lengths[0] / 2, trained_length, color="#2a8f5b", alpha=0.09, lw=0)
    for index, (method, curve) in enumerate(panel.curves.items()):
        aside = 0.0 if method == BOLD else _ASIDE * (index - (len(panel.curves) - 1) / 2)
        _curve(axes, method, sorted(curve), styles[method], 2**aside, high)
    axes.set_ylim(low, high)
    _length_axis(axes, lengths, trained_length)
    axes.set_ylabel(panel.unit, fontsize=9)
    axes.set_title(_beyond(panel, high), fontsize=7.5, color="#555555", loc="left")
    axes.annotate(panel.title, (0, 1.12), xycoords="axes fraction", fontsize=11, weight="bold")
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)


def _length_axis(axes: Any, lengths: Sequence[int], trained_length: int) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(lengths)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}\n{x / trained_length:.3g}x"))
    axes.tick_params(labelsize=8)
    axes.set_xlim(lengths[0] / 1.35, lengths[-1] * 1.35)
    axes.set_xlabel("tokens, and multiples of the trained length (green: below it)", fontsize=8.5)


def _curve(axes: Any, method: str, curve: Curve, style: _Style, aside: float, edge: float) -> None:
    """The line with its intervals; a triangle at the edge for each point beyond it."""
    bold = method == BOLD
    x, y = [point[0] * aside for point in curve], [point[1] for point in curve]
    look: dict[str, Any] = {"color": style.colour, "zorder": 2.5 if bold else 3}
    known = [(at, low, high) for at, (_, _, low, high) in zip(x, curve, strict=True) if low is not None]
    at, lows, highs = zip(*known, strict=True) if known else ((), (), ())
    if bold:
        axes.fill_between(at, lows, highs, color=style.colour, alpha=0.15, lw=0)
    else:
        axes.vlines(at, lows, highs, alpha=0.3, lw=1.2, **look)
    size = {"lw": 4, "ms": 8.5} if bold else {"lw": 1.2, "ms": 5}
    axes.plot(x, y, label=method, marker=style.marker, ls=style.line, **look, **size)
    beyond = [place for place, value in zip(x, y, strict=True) if value > edge]
    axes.plot(beyond, [edge] * len(beyond), "^", label="", ms=5, clip_on=False, **look)


def _range(panel: Panel) -> tuple[float, float]:
    """From where to where the panel shows all values and HiRoPE's intervals.

    Curves that would squeeze the others are left to run out of it.
    """
    values = [point[1] for curve in panel.curves.values() for point in curve]
    own = [end for _, _, *ends in panel.curves.get(BOLD, []) for end in ends if end is not None]
    low, high = min(values + own), max(values + own)
    if not panel.lower:
        return 0.0, 1.06 * high or 1.0
    calm = _calm(sorted(values), own)
    if high - low > 2 * (calm - low):
        high = calm
    room = 0.06 * (high - low) or 0.1
    return low - room, high + room


def _calm(values: Sequence[float], own: Sequence[float]) -> float:
    """A height under which there are all of HiRoPE and what does not go astray, of ascending `values`."""
    middle = values[(len(values) - 1) // 2]
    return max([middle + 2 * (middle - values[0]), middle + 0.2, *own])


def _beyond(panel: Panel, high: float) -> str:
    """Which curves leave a panel that ends at `high`, and how far they go."""
    worst = {method: max(point[1] for point in curve) for method, curve in panel.curves.items()}
    ordered = sorted(worst.items(), key=lambda pair: -pair[1])
    told = [f"{method} {value:.2f}" for method, value in ordered if value > high]
    return textwrap.fill(f"beyond the edge (▲), at most: {', '.join(told)}", 80, break_on_hyphens=False) if told else ""
