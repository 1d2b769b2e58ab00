"""The tables of the page, for one section. Knows figures only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hirope_ls.lab.eval.figures import LOWER_IS_BETTER
from hirope_ls.lab.eval.lengths import shown
from hirope_ls.lab.eval.tables import markdown, unit
from hirope_ls.lab.reproduce.found import Figure, Found, verdict
from hirope_ls.lab.reproduce.plan import BASE

_WORDS = {"better": " better", "worse": " worse", "level": "", "": ""}


def means(found: Found, metric: str) -> str:
    """Methods down, lengths across; in bold what is not clearly worse than the best of its column."""
    best = {length: _best(found, metric, length) for length in found.lengths}

    def cell(method: str, length: int) -> str:
        figure = found.figure(method, length, metric)
        if figure is None:
            return ""
        against = found.difference(metric, (method, length), (best[length], length))
        told = f"{figure}{_fewer(found, figure)}"
        return told if verdict(against, metric) == "worse" else f"**{told}**"

    about = f"{unit(metric)}; mean over files ± 95 %; bold: the best, and what is level with it file by file"
    return f"**{metric}** ({about})\n\n{_grid(found, found.methods, cell)}"


def _best(found: Found, metric: str, length: int) -> str:
    told = {method: figure.mean for method in found.methods if (figure := found.figure(method, length, metric))}
    return (min if metric in LOWER_IS_BETTER else max)(told, key=told.__getitem__)


def _fewer(found: Found, figure: Figure) -> str:
    return f" (n {figure.n})" if figure.n < found.about["files"] else ""


def against_base(found: Found, metric: str) -> str:
    """Each method's difference from HiRoPE at the same length."""
    others = [method for method in found.methods if method != BASE]

    def cell(method: str, length: int) -> str:
        return _told(found.difference(metric, (method, length), (BASE, length)), metric)

    about = f"difference from {BASE} at the same length, file by file; *worse* and *better* where it is clear"
    return f"**{metric}**: {about}\n\n{_grid(found, others, cell)}"


def against_itself(found: Found, metric: str) -> str:
    """Each method's difference from itself at the trained length."""

    def cell(method: str, length: int) -> str:
        origin = found.origin
        return "" if length == origin else _told(found.difference(metric, (method, length), (method, origin)), metric)

    origin = found.multiple(found.origin)
    about = f"difference from itself at {origin}, file by file; *worse* and *better* where it is clear"
    return f"**{metric}**: {about}\n\n{_grid(found, found.methods, cell)}"


def _told(figure: Figure | None, metric: str) -> str:
    return "" if figure is None else figure.signed + _WORDS[verdict(figure, metric)]


def _grid(found: Found, methods: Sequence[str], cell: Callable[[str, int], str]) -> str:
    heads = ["method", *(shown(length, length / found.trained_length) for length in found.lengths)]
    return markdown(heads, [[method, *(cell(method, length) for length in found.lengths)] for method in methods])
