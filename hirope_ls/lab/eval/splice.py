"""What the approximate splice costs and saves: next-token distributions after an edit far above, against exact ones.

Real files are edited as people edit them, so many tokens above a cursor, and each edit is answered both ways
(`lab/eval/splicing.py`). An interrupted evaluation goes on where it stopped.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval.edits import KINDS
from hirope_ls.lab.eval.figures import over_files
from hirope_ls.lab.eval.keys import digest, model_digest
from hirope_ls.lab.eval.series import Series, begin, log_name
from hirope_ls.lab.eval.sources import Source, sources
from hirope_ls.lab.eval.splicing import FOLLOWING, Bench, Case, Change, changes
from hirope_ls.lab.eval.tables import markdown
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.loader import load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

NAME = "splice"
LOG = log_name(NAME)
_HEADS = ["edit", "tokens above", "cases", "top-1 agreement", "KL", "worst KL", "rows", "exact rows", "CPU time ratio"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--workspace", type=Path, nargs="+", required=True, metavar="DIR", help="folders of source files")
    add("--model", type=Path, default=bundled_folder(), metavar="DIR", help="model folder (default: the bundled model)")
    add("--distances", default="512,1024,2048,4096", metavar="LIST", help="tokens from the edit to the cursor")
    add("--cursors", type=int, default=3, metavar="N", help="places in each file (default: 3)")
    add("--limit", type=int, default=30, metavar="N", help="files at most (default: 30)")
    add("--seed", type=int, default=0, metavar="N", help="for the places (default: 0)")
    add("--out", type=Path, required=True, metavar="DIR", help="where the results go; a stopped run goes on from there")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add("--threads", type=int, metavar="N", help="threads of torch (default: the physical cores)")


def run(args: argparse.Namespace) -> int:
    """Measure, print a table, and return 0. Raises HiropeError."""
    print(table(evaluation(args).run()), end="")
    return 0


@dataclass(frozen=True)
class Evaluation(Series[Change, Case]):
    """What is to be measured."""

    name = NAME

    def bench(self) -> Callable[[Change], Case]:
        return Bench(self.loaded, self.tokenizer).case

    def case(self, facts: dict[str, Any]) -> Case:
        return Case(**facts)

    def length(self, one: Change) -> int:
        return one.distance

    def key(self, one: Change) -> str:
        about = (self.model, str(self.loaded.dtype), NAME, FOLLOWING, one.source.name, self.seed)
        return digest((about, one.kind, one.distance, one.old, one.source, one.text))[:32]


def evaluation(args: argparse.Namespace) -> Evaluation:
    """What the options ask for. Raises HiropeError."""
    try:
        distances = [int(word) for word in args.distances.split(",")]
    except ValueError:
        raise InputError("--distances takes numbers of tokens: 512,1024") from None
    numbers = {"distances": min(distances), "cursors": args.cursors, "limit": args.limit}
    begin(args.out / LOG, args.threads, **numbers)
    card, tokenizer = read_card(args.model), TextTokenizer.load(args.model)
    found = sources(args.workspace, tokenizer, card.trained_length)
    chosen = _changes(found, distances, args.cursors, args.limit, args.seed)
    if not chosen:
        raise InputError("no file has an assignment so far above a cursor: choose longer files or shorter --distances")
    return Evaluation(chosen, load(card, args.device), tokenizer, model_digest(args.model), args.seed, args.out)


def _changes(found: Sequence[Source], distances: Sequence[int], cursors: int, limit: int, seed: int) -> list[Change]:
    """Those of the first `limit` files that have any."""
    each: list[list[Change]] = []
    for source in found:
        if own := changes(source, distances, cursors, seed):
            each.append(own)
        if len(each) == limit:
            break
    return [change for own in each for change in own]


def table(cases: Sequence[Case]) -> str:
    """By distance and kind of edit; agreement and KL are means over files, with their 95 % intervals."""
    lines = []
    for distance in sorted({case.distance for case in cases}):
        for kind in [*KINDS, "all"]:
            some = [case for case in cases if case.distance == distance and kind in (case.kind, "all")]
            if some:
                lines.append([kind, f"{distance:,}", str(len(some)), *_figures(some)])
    return markdown(_HEADS, [*lines, ["all", "all", str(len(cases)), *_figures(cases)]])


def mean(cases: Sequence[Case], metric: str) -> tuple[float, float | None]:
    """Over the files, and how far its 95 % interval reaches."""
    return over_files((case.file, getattr(case, metric)) for case in cases)


def _figures(cases: Sequence[Case]) -> list[str]:
    mean_rows = statistics.fmean
    return [
        _told(*mean(cases, "agreement"), 3),
        _told(*mean(cases, "kl"), 4),
        f"{max(case.worst for case in cases):.3f}",
        f"{mean_rows(case.rows for case in cases):,.0f}",
        f"{mean_rows(case.exact_rows for case in cases):,.0f}",
        f"{sum(case.seconds for case in cases) / sum(case.exact_seconds for case in cases):.3f}",
    ]


def _told(mean: float, error: float | None, digits: int) -> str:
    return f"{mean:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")
