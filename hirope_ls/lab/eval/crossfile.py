"""Next lines that call something of another file: how they come out with and without a context of other files.

As RepoBench (arXiv 2306.03091) asks, but as an editor asks: see `lab/eval/crossing.py`. An interrupted evaluation goes
on where it stopped.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from hirope_ls.lab.eval.crossing import Asked, Bench, Case, Repository
from hirope_ls.lab.eval.figures import over_files
from hirope_ls.lab.eval.keys import digest, model_digest
from hirope_ls.lab.eval.log import Log
from hirope_ls.lab.eval.progress import Shown
from hirope_ls.lab.eval.sources import sources
from hirope_ls.lab.eval.tables import markdown
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.loader import Loaded, choose_threads, load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

NAME, LOG = "crossfile", "crossfile.jsonl"
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
class Evaluation:
    """What is to be measured, and where the log is. `model`: the digest of its folder; `own`: tokens of the file."""

    repository: Repository
    asked: Sequence[Asked]
    loaded: Loaded
    tokenizer: TextTokenizer
    model: str
    seed: int
    own: int | None
    out: Path

    def run(self) -> list[Case]:
        """Measure what is not measured yet; all of it. Raises InputError."""
        with Log(self.out / LOG) as log:
            left = [one for one in self.asked if self._key(one) not in log]
            if len(left) < len(self.asked):
                known = len(self.asked) - len(left)
                print(f"{known} of {len(self.asked)} measurements are known from before", file=sys.stderr)
            bench = Bench(self.repository, self.tokenizer, self.loaded, self.own)
            with Shown(NAME, [one.budget + len(one.source) for one in left], self.loaded.card.trained_length) as shown:
                for one in left:
                    log.add(self._key(one), asdict(bench.case(one)))
                    shown.step(one.budget + len(one.source))
            return self._found(log)

    def known(self) -> list[Case]:
        """What is measured already. Raises InputError."""
        with Log(self.out / LOG) as log:
            return self._found(log)

    def _found(self, log: Log) -> list[Case]:
        return [Case(**log[key]) for one in self.asked if (key := self._key(one)) in log]

    def _key(self, one: Asked) -> str:
        about = self.model, str(self.loaded.dtype), NAME, self.repository.digest, self.own, self.seed
        return digest((*about, one.budget, one.source.name, one.line.number))[:32]


def evaluation(args: argparse.Namespace) -> Evaluation:
    """What the options ask for. Raises HiropeError."""
    try:
        budgets = sorted({int(word) for word in args.budgets.split(",")})
    except ValueError:
        raise InputError("--budgets takes numbers of tokens: 0,1024") from None
    if min(args.limit, args.lines, args.threads or 1) < 1:
        raise InputError("--limit, --lines and --threads take numbers from 1 up")
    with Log(args.out / LOG):
        pass  # can be written
    if args.threads:
        torch.set_num_threads(args.threads)
    else:
        choose_threads()
    card, tokenizer = read_card(args.model), TextTokenizer.load(args.model)
    repository = Repository(sources(args.workspace, tokenizer, card.trained_length))
    lines = list(repository.lines(args.limit, args.lines, args.seed))
    if not lines:
        raise InputError("no file has a line that calls something of another file of the workspace")
    asked = [Asked(budget, source, line) for source, line in lines for budget in budgets]
    told = model_digest(args.model), args.seed, args.own, args.out
    return Evaluation(repository, asked, load(card, args.device), tokenizer, *told)


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
