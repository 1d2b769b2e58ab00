"""Pictures of measurements. Needs matplotlib (the `lab` extra); knows numbers and labels only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path


def likelihood_curve(
    curves: Mapping[str, Sequence[tuple[int, Sequence[float]]]], trained_length: int, title: str, out: Path
) -> None:
    """Mean NLL against context length, one line a method with its standard error, written to `out`.

    `curves`: for each method, (length in tokens, NLL of each window in nats) in any order.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(7.2, 4.0), dpi=130)
    axes = figure.subplots()
    lengths = sorted({length for curve in curves.values() for length, _ in curve})
    axes.axvspan(min(lengths) * 0.8, trained_length, color="#2a9d6f", alpha=0.12, lw=0)
    for (method, curve), colour in zip(curves.items(), _COLOURS * len(curves), strict=False):
        points = sorted((length, *_mean_and_error(nll)) for length, nll in curve)
        x, mean, error = zip(*points, strict=True)
        axes.errorbar(x, mean, yerr=error, label=_LABELS.get(method, method), color=colour, marker="o", capsize=3, lw=2)
    axes.set_xscale("log", base=2)
    axes.set_xticks(lengths)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}\n{x / trained_length:g}x"))
    axes.minorticks_off()
    axes.set_xlim(min(lengths) * 0.8, max(lengths) * 1.25)
    axes.set_xlabel("tokens of context (multiples of the trained length; trained range in green)")
    axes.set_ylabel("negative log-likelihood (nats a token)\nlower is better")
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend()
    figure.tight_layout()
    figure.savefig(out)


_COLOURS = ("#d1495b", "#2a6fbb", "#edae49", "#2a9d6f", "#7a5195")
_LABELS = {"rope": "plain RoPE (the stock model)", "hirope": "HiRoPE (hirope-ls default)"}


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its standard error (0 for a single value)."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, 0.0
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))
