"""Models side by side, on the same lines of code: what an editor would show, beside what copying from the file gives.

Each file is asked about twice: for the rest of lines from a cursor in them, as an editor asks, with the text below
shown; and for whole next lines from the text above alone. Exact match, edit similarity and bits a character are means
over files with their 95 % intervals; differences are taken file by file. All see the same text: --context bytes before
a cursor. Times are medians of this machine, taken by turns. An interrupted comparison goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval.comparison import draw, tables
from hirope_ls.lab.eval.gaps import Stretch, stretches
from hirope_ls.lab.eval.keys import digest, model_digest
from hirope_ls.lab.eval.rivals import COPY, Case, Copied, Model, Rival
from hirope_ls.lab.eval.series import Series, begin, log_name
from hirope_ls.lab.eval.sources import sources
from hirope_ls.model.folder import read_card
from hirope_ls.model.hub import resolve
from hirope_ls.model.loader import load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

NAME = "models"
LOG = log_name(NAME)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--workspace", type=Path, nargs="+", required=True, metavar="DIR", help="folders of source files")
    told = "folders, or ids of fetched models; an = gives one a name: old=DIR (default: bundled)"
    add("--models", nargs="+", default=["bundled"], metavar="MODEL", help=told)
    add("--context", type=int, default=6000, metavar="N", help="bytes before a cursor at most (default: 6000)")
    add("--limit", type=int, default=100, metavar="N", help="files at most (default: 100)")
    add("--lines", type=int, default=4, metavar="N", help="lines of each (default: 4)")
    add("--seed", type=int, default=0, metavar="N", help="for lines and cursors (default: 0)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add("--threads", type=int, metavar="N", help="threads of torch (default: the physical cores)")
    add("--out", type=Path, required=True, metavar="DIR", help="where the results go; a stopped run goes on from there")


def run(args: argparse.Namespace) -> int:
    """Measure, write table and picture, print the table, and return 0. Raises HiropeError."""
    cases = evaluation(args).run()
    text = tables(cases)
    try:
        (args.out / "table.md").write_text(text, encoding="utf-8")
        draw(cases, args.out / "plot.png")
    except OSError as error:
        raise InputError(f"cannot write to {args.out}: {error.strerror}") from None
    print(text, end="")
    return 0


@dataclass(frozen=True)
class Asked:
    """One file, by one rival."""

    stretch: Stretch
    rival: Rival


@dataclass(frozen=True)
class Evaluation(Series[Asked, Case]):
    """What is to be measured; `loaded`, `tokenizer` and `model` are the first model's."""

    name = NAME
    models: Sequence[Model]

    def bench(self) -> Callable[[Asked], Case]:
        return lambda one: one.rival.case(one.stretch)

    def case(self, facts: dict[str, Any]) -> Case:
        return Case(**facts)

    def length(self, one: Asked) -> int:
        return 1 if one.rival.name == COPY else len(one.stretch.text)

    def key(self, one: Asked) -> str:
        return digest((NAME, "kinds", one.rival.name, one.rival.digest, self._digests[one.stretch.name]))[:32]

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {one.stretch.name: digest(one.stretch) for one in self.asked}

    @property
    def facts(self) -> dict[str, Any]:
        return {"models": {model.name: model.facts for model in self.models}}


def evaluation(args: argparse.Namespace) -> Evaluation:
    """What the options ask for. Raises HiropeError."""
    begin(args.out / LOG, args.threads, context=args.context, limit=args.limit, lines=args.lines)
    folders = _named(args.models)
    cards = {name: read_card(folder) for name, folder in folders.items()}
    tokenizers = {name: TextTokenizer.load(folder) for name, folder in folders.items()}
    first = next(iter(folders))
    found = sources(args.workspace, tokenizers[first], cards[first].trained_length)
    chosen = list(stretches(found, args.context, args.limit, args.lines, args.seed))
    if not chosen:
        raise InputError("no file has a line of code with text above it: name other folders with --workspace")
    models = [
        Model(name, model_digest(folder), load(cards[name], args.device), tokenizers[name])
        for name, folder in folders.items()
    ]
    asked = [Asked(stretch, rival) for stretch in chosen for rival in (Copied(), *models)]
    about = models[0].loaded, tokenizers[first], models[0].weights
    return Evaluation(asked, *about, args.seed, args.out, models)


def _named(models: Sequence[str]) -> dict[str, Path]:
    """The folder of each model under a name of its own. Raises InputError or ModelRefused."""
    pairs = [(name, value) for name, _, value in (_pair(text) for text in models)]
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1 or name == COPY]
    if twice:
        raise InputError(f"give each model another name than {twice[0]!r}: --models old=DIR new=DIR")
    return {name: resolve(value) for name, value in pairs}


def _pair(text: str) -> tuple[str, str, str]:
    name, sign, value = text.partition("=")
    return (name, sign, value) if sign and not Path(text).exists() else (Path(text).name or text, "", text)
