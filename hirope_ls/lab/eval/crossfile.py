"""Next lines that call something of another file: how they come out with and without a context of other files.

As RepoBench (arXiv 2306.03091) asks, but as an editor asks: see `lab/eval/crossing.py`. An interrupted evaluation goes
on where it stopped.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval.crossing import Asked, Bench, Case, Repository
from hirope_ls.lab.eval.figures import over_files
from hirope_ls.lab.eval.keys import digest, model_digest
from hirope_ls.lab.eval.series import Series, begin, log_name
from hirope_ls.lab.eval.sources import sources
from hirope_ls.lab.eval.tables import markdown
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.loader import load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

NAME = "crossfile"
LOG = log_name(NAME)
METRICS = ("exact_match", "edit_similarity", "nll")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--workspace", type=Path, nargs="+", required=True, metavar="DIR", help="folders of source files")
    add("--model", type=Path, default=bundled_folder(), metavar="DIR", help="model folder (default: the bundled model)")
    add("--budgets", default="0,2048", metavar="LIST", help="tokens of other files at most (default: 0,2048)")
    add("--own", type=int, metavar="N", help="tokens of the file itself at most (default: by the model)")
    add("--limit", type=int, default=20, metavar="N", help="files at most (default: 20)")
    add("--lines", type=int, default=3, metavar="N", help="lines of each (default: 3)")
    add("--seed", type=int, default=0, metavar="N", help="for the lines (default: 0)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add("--threads", type=int, metavar="N", help="threads of torch (default: the physical cores)")
    add("--out", type=Path, required=True, metavar="DIR", help="where the results go; a stopped run goes on from there")


def run(args: argparse.Namespace) -> int:
    """Measure, print a table, and return 0. Raises HiropeError."""
    print(table(evaluation(args).run()), end="")
    return 0


@dataclass(frozen=True)
class Evaluation(Series[Asked, Case]):
    """What is to be measured. `own`: tokens of the file itself."""

    name = NAME
    repository: Repository
    own: int | None

    def bench(self) -> Callable[[Asked], Case]:
        return Bench(self.repository, self.tokenizer, self.loaded, self.own).case

    def case(self, facts: dict[str, Any]) -> Case:
        return Case(**facts)

    def length(self, one: Asked) -> int:
        return one.budget + len(one.source)

    def key(self, one: Asked) -> str:
        about = self.model, str(self.loaded.dtype), NAME, self.repository.digest, self.own, self.seed
        return digest((*about, one.budget, one.source.name, one.line.number))[:32]


def evaluation(args: argparse.Namespace) -> Evaluation:
    """What the options ask for. Raises HiropeError."""
    try:
        budgets = sorted({int(word) for word in args.budgets.split(",")})
    except ValueError:
        raise InputError("--budgets takes numbers of tokens: 0,1024") from None
    begin(args.out / LOG, args.threads, limit=args.limit, lines=args.lines)
    card, tokenizer = read_card(args.model), TextTokenizer.load(args.model)
    repository = Repository(sources(args.workspace, tokenizer, card.trained_length))
    lines = list(repository.lines(args.limit, args.lines, args.seed))
    if not lines:
        raise InputError("no file has a line that calls something of another file of the workspace")
    asked = [Asked(budget, source, line) for source, line in lines for budget in budgets]
    about = load(card, args.device), tokenizer, model_digest(args.model), args.seed, args.out
    return Evaluation(asked, *about, repository, args.own)


def table(cases: Sequence[Case]) -> str:
    """By budget: means over the lines, with the difference to the smallest budget and its 95 % interval over files."""
    budgets = sorted({case.budget for case in cases})
    heads = ["budget", "lines", "shown", "exact match", "edit similarity", "nll", "choosing", "cold", "warm"]
    rows = []
    for budget in budgets:
        some = [case for case in cases if case.budget == budget]
        row = [f"{budget:,}", str(len(some)), f"{statistics.fmean(case.shown for case in some):,.0f}"]
        for metric in METRICS:
            mean = f"{statistics.fmean(getattr(case, metric) for case in some):.3f}"
            row.append(mean if budget == budgets[0] else f"{mean} ({told(gain(cases, budget, metric))})")
        row += [f"{statistics.median(getattr(c, key) for c in some):.3f} s" for key in ("choosing", "cold", "warm")]
        rows.append(row)
    return markdown(heads, rows)


def gain(cases: Sequence[Case], budget: int, metric: str) -> tuple[float, float | None]:
    """What a budget adds to the smallest one: the mean over files, which are what is drawn, and its 95 % interval."""
    least = min(case.budget for case in cases)
    first = {case.line: getattr(case, metric) for case in cases if case.budget == least}
    some = [case for case in cases if case.budget == budget and case.line in first]
    return over_files((case.file, getattr(case, metric) - first[case.line]) for case in some)


def told(found: tuple[float, float | None]) -> str:
    """As in: +0.010 ± 0.020."""
    mean, error = found
    return f"{mean:+.3f}" + ("" if error is None else f" ± {error:.3f}")
