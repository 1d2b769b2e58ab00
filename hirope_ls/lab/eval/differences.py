"""How methods differ, file by file: much narrower than how their means do, because hard files are hard for all.

Knows figures only.
"""

from __future__ import annotations

from collections.abc import Sequence

from hirope_ls.lab.eval.figures import Measured, Values, mean_and_error, paired, per_file
from hirope_ls.lab.eval.lengths import shown
from hirope_ls.lab.eval.tables import markdown, unit


def difference_table(measured: Sequence[Measured], trained_length: int) -> str:
    """Markdown: each method against the first HiRoPE, and against itself at the shortest length."""
    methods = list(dict.fromkeys(one.method for one in measured))
    base = next((method for method in methods if method.startswith("hirope")), methods[0])
    lengths = sorted({one.length for one in measured})
    heads = ["method", *(shown(length, length / trained_length) for length in lengths)]
    values = per_file(measured)
    parts = []
    for metric in dict.fromkeys(metric for _, _, metric in values):
        beside = [[_difference(values, metric, (method, n), (base, n)) for n in lengths] for method in methods]
        before = [
            [_difference(values, metric, (method, n), (method, lengths[0])) for n in lengths] for method in methods
        ]
        for origin, lines in ((f"{base} at the same length", beside), (f"itself at {lengths[0]:,} tokens", before)):
            told = markdown(heads, [[method, *line] for method, line in zip(methods, lines, strict=True)])
            parts.append(f"## {metric}: difference from {origin}\n\n{unit(metric)}; with its 95 % interval\n\n{told}")
    return "\n".join(parts)


def _difference(values: Values, metric: str, one: tuple[str, int], other: tuple[str, int]) -> str:
    pairs = paired(values, metric, one, other)
    if one == other or not pairs:
        return ""
    mean, error = mean_and_error(pairs)
    return f"{mean:+.3f}" + ("" if error is None else f" ± {error:.3f}")
