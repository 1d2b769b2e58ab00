"""What a comparison of rivals says: tables, verdicts and a picture, all from pairs of answers about the same file.

Knows cases; knows no models.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure as Picture

from hirope_ls.lab.eval.figures import mean_and_error
from hirope_ls.lab.eval.kinds import KINDS
from hirope_ls.lab.eval.rivals import Case
from hirope_ls.lab.eval.tables import markdown

METRICS = {
    "rest_exact_match": "rest of a line: exact match",
    "rest_edit_similarity": "rest of a line: edit similarity",
    "line_exact_match": "next line: exact match",
    "line_edit_similarity": "next line: edit similarity",
    "bits": "bits a character",
}
"""Metric to what it is called; of `bits` less is better."""

Figure = tuple[float, float | None]
"""A mean over files, and how far its 95 % interval reaches."""


def rivals(cases: Sequence[Case]) -> list[str]:
    """In the order in which they come first."""
    return list(dict.fromkeys(case.rival for case in cases))


def figure(cases: Sequence[Case], rival: str, metric: str) -> Figure | None:
    """The mean over files; None where there is nothing to measure."""
    values = list(_values(cases, rival, metric).values())
    return mean_and_error(values) if values else None


def difference(cases: Sequence[Case], metric: str, one: str, other: str) -> Figure | None:
    """What `one` has more than `other`, file by file, where both have answered."""
    mine, theirs = _values(cases, one, metric), _values(cases, other, metric)
    pairs = [mine[file] - theirs[file] for file in mine if file in theirs]
    return mean_and_error(pairs) if pairs else None


def verdict(found: Figure | None, metric: str) -> str:
    """Whether the first of a difference is "better", "level" or "worse"; "" where that is open."""
    mean, error = found or (0.0, None)
    if error is None:
        return ""
    if abs(mean) <= error:
        return "level"
    return "better" if (mean < 0) == (metric == "bits") else "worse"


def tables(cases: Sequence[Case]) -> str:
    """Means; differences from the first rival; what was right by what was missing; and times."""
    base, *others = rivals(cases)

    def beside(name: str, metric: str) -> str:
        found = difference(cases, metric, name, base)
        return f"{told(found, '+')} {verdict(found, metric)}".strip()

    means = _grid([base, *others], lambda name, metric: told(figure(cases, name, metric)))
    differences = f"Difference from {base}, file by file:\n\n{_grid(others, beside)}" if others else ""
    return "\n".join(part for part in (means, differences, _hits(cases), _times(cases)) if part)


def told(found: Figure | None, sign: str = "") -> str:
    """As in: 0.123 ± 0.010."""
    if found is None:
        return ""
    return f"{found[0]:{sign}.3f}" + ("" if found[1] is None else f" ± {found[1]:.3f}")


def _grid(names: Sequence[str], cell: Callable[[str, str], str]) -> str:
    return markdown(["", *METRICS.values()], [[name, *(cell(name, metric) for metric in METRICS)] for name in names])


def _hits(cases: Sequence[Case]) -> str:
    """Of all lines together: the share of rests that each rival got right, by kind."""
    names, rows = rivals(cases), []
    for kind in KINDS:
        found = [[case.hits[kind] for case in cases if case.rival == name and kind in case.hits] for name in names]
        shares = [f"{sum(right for right, _ in each) / sum(asked for _, asked in each):.3f}" for each in found if each]
        if len(shares) == len(names):
            rows.append([kind, f"{sum(asked for _, asked in found[0]):,}", *shares])
    if not rows:
        return ""
    told = "The share of rests of lines that was right, of all lines together, by what was missing:"
    return f"{told}\n\n{markdown(['', 'lines', *names], rows)}"


def _times(cases: Sequence[Case]) -> str:
    """The median times of those that have any, and how many times those of the first of them they are."""
    timed = [name for name in rivals(cases) if _values(cases, name, "cold")]
    if not timed:
        return ""
    heads = ["a completion takes", "cold", f"times {timed[0]}'s", "warm", f"times {timed[0]}'s"]
    rows = [[name, *_time(cases, name, "cold", timed[0]), *_time(cases, name, "warm", timed[0])] for name in timed]
    return markdown(heads, rows)


def _time(cases: Sequence[Case], name: str, metric: str, base: str) -> tuple[str, str]:
    own, theirs = _values(cases, name, metric), _values(cases, base, metric)
    ratios = [own[file] / theirs[file] for file in own if theirs.get(file)]
    return f"{statistics.median(own.values()) * 1000:.0f} ms", f"{statistics.median(ratios):.2f}" if ratios else ""


def _values(cases: Sequence[Case], rival: str, metric: str) -> dict[str, float]:
    found = ((case.file, getattr(case, metric)) for case in cases if case.rival == rival)
    return {file: value for file, value in found if value is not None}


def draw(cases: Sequence[Case], out: Path) -> None:
    """A panel a metric with a row a rival: its mean and 95 % interval. Needs matplotlib."""
    names = rivals(cases)
    picture = Picture(figsize=(3.1 * len(METRICS), 1.1 + 0.4 * len(names)), dpi=110, layout="constrained")
    panels = picture.subplots(1, len(METRICS), sharey=True, squeeze=False)[0]
    for axes, (metric, about) in zip(panels, METRICS.items(), strict=True):
        for row, name in enumerate(names):
            if found := figure(cases, name, metric):
                axes.errorbar(found[0], row, xerr=found[1] or 0.0, marker="o", color=f"C{row}", lw=1.6)
        axes.set_title(about, fontsize=9.5, loc="left")
        axes.set_xlim(left=0)
        axes.locator_params(axis="x", nbins=5)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.2)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(names)), names, fontsize=9)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    picture.savefig(out)
