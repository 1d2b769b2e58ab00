"""Pictures of differences: each method against one, with its interval, side by side for each metric.

A row a method, a point a length. Differences far beyond the others stand as numbers at the edge. Needs matplotlib;
knows figures only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure as Picture

from hirope_ls.lab.eval.figures import LOWER_IS_BETTER
from hirope_ls.lab.reproduce.found import Figure, Found

_COLOURS, _MARKERS = ("#e8a531", "#1257b8", "#2a8f5b", "#c2363b"), "soD^"
_WIDTH, _ROW, _AROUND = 4.2, 0.3, 1.5  # inches: a panel's width, a method's height, headings and legend
_FAR = 6  # medians: differences beyond it do not set a panel's range

Point = tuple[float, Figure]
"""A row, as an axis has it, and the difference on it."""


def draw(found: Found, base: str, out: Path) -> None:
    """Draw each method's difference from `base` at the same length into the file `out`."""
    others = [method for method in found.methods if method != base]
    num_panels = len(found.metrics)
    size = (1.6 + _WIDTH * num_panels, _AROUND + _ROW * len(others))
    picture = Picture(figsize=size, dpi=110, layout="constrained")
    panels = picture.subplots(1, num_panels, sharey=True, squeeze=False)[0]
    for axes, metric in zip(panels, found.metrics, strict=True):
        _panel(axes, [_points(found, base, others, metric, length) for length in found.lengths])
        axes.set_title(metric.replace("_", " "), fontsize=11, weight="bold", loc="left")
        worse = "right" if metric in LOWER_IS_BETTER else "left"
        axes.set_xlabel(f"difference from {base}: {worse} of the line is worse", fontsize=8.5)
    panels[0].set_yticks(range(len(others)), others, fontsize=9)
    panels[0].set_ylim(len(others) - 0.5, -0.5)
    labels = [f"{length:,} tokens ({found.multiple(length)})" for length in found.lengths]
    handles = panels[0].containers
    picture.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    picture.savefig(out)


def _points(found: Found, base: str, others: Sequence[str], metric: str, length: int) -> list[Point]:
    index = found.lengths.index(length)
    aside = (index - (len(found.lengths) - 1) / 2) * 0.24
    told = [(row + aside, found.difference(metric, (name, length), (base, length))) for row, name in enumerate(others)]
    return [(at, figure) for at, figure in told if figure]


def _panel(axes: Any, curves: Sequence[Sequence[Point]]) -> None:
    low, high = span([figure for points in curves for _, figure in points])
    axes.axvline(0, color="#1257b8", lw=1.5, alpha=0.6)
    for index, points in enumerate(curves):
        colour, marker = _COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)]
        near = [(at, figure) for at, figure in points if low <= figure.mean <= high]
        x, y, reach = [one.mean for _, one in near], [at for at, _ in near], [one.error or 0.0 for _, one in near]
        axes.errorbar(x, y, xerr=reach, color=colour, marker=marker, ls="", ms=4.5, lw=1.2)
        for at, figure in (point for point in points if point not in near):
            _at_the_edge(axes, at, figure.mean, low if figure.mean < low else high, colour)
    axes.set_xlim(low, high)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)


def _at_the_edge(axes: Any, at: float, mean: float, edge: float, colour: str) -> None:
    left = mean < 0
    told = f"◀ {mean:+.2f}" if left else f"{mean:+.2f} ▶"
    axes.text(edge, at, told, color=colour, fontsize=7.5, va="center", ha="left" if left else "right")


def span(figures: Sequence[Figure]) -> tuple[float, float]:
    """From where to where a panel goes: round 0 and all differences but those far beyond the others."""
    usual = _FAR * median(abs(figure.mean) for figure in figures) if figures else 0.0
    near = [figure for figure in figures if abs(figure.mean) <= usual] or list(figures)
    ends = [figure.mean + side * (figure.error or 0.0) for figure in near for side in (-1, 1)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.08 * (high - low) or 0.1
    return low - room, high + room
