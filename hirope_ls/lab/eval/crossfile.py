"""Next lines that call something of another file: how they come out with and without a context of other files.

As RepoBench (arXiv 2306.03091) asks, but as an editor asks: the line is taken out, the cursor stands where its code
began, the text after it stays, the context is chosen for that text, and the answer is what would be suggested. Calls
are told by the names of the workspace, on evidence. nll: of the line's tokens after the prompt, nats a token. Times are
of this machine: the choice, a cold answer, and one whose prompt is known.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hirope_ls.engine.choosing import Surroundings, choose
from hirope_ls.engine.complete import complete
from hirope_ls.engine.context import Context
from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.lab.eval.completion import compared
from hirope_ls.lab.eval.lines import Line, chosen, code_lines
from hirope_ls.lab.eval.sources import Source, sources
from hirope_ls.lab.eval.tables import markdown
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.generator import Mentions
from hirope_ls.model.loader import choose_threads, load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.names import Names, resolve
from hirope_ls.problems import InputError
from hirope_ls.syntax.extracting import symbols_of
from hirope_ls.text import Buffer

_KV_BUDGET = 4 << 30
_EVIDENT = ("import", "type", "object")


@dataclass(frozen=True)
class Case:
    """One line under one budget of context tokens; `shown`: tokens of other files; seconds."""

    line: str
    budget: int
    shown: int
    exact_match: float
    edit_similarity: float
    nll: float
    prompt: int
    choosing: float
    cold: float
    warm: float


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
    add("--json", type=Path, metavar="FILE", help="write every case there as well")


def run(args: argparse.Namespace) -> int:
    """Measure, print a table, and return 0. Raises HiropeError."""
    try:
        budgets = sorted({int(word) for word in args.budgets.split(",")})
    except ValueError:
        raise InputError("--budgets takes numbers of tokens: 0,1024") from None
    choose_threads()
    card, tokenizer = read_card(args.model), TextTokenizer.load(args.model)
    repository = Repository(sources(args.workspace, tokenizer, card.trained_length))
    lines = list(repository.lines(args.limit, args.lines, args.seed))
    if not lines:
        raise InputError("no file has a line that calls something of another file of the workspace")
    special = tokenizer.special.all
    model = LocalModel(load(card, args.device), _KV_BUDGET, special, tokenizer.vocab_size, pieces=tokenizer.pieces)
    cases = []
    for budget in budgets:
        recipe = Recipe(tokenizer, card, Options(max_lines=1, context_tokens=budget, max_prompt_tokens=args.own))
        bench = Bench(repository, recipe, model)
        cases += [bench.case(source, line) for source, line in lines]
    print(table(cases), end="")
    if args.json:
        args.json.write_text(json.dumps([asdict(case) for case in cases], indent=1) + "\n", "utf-8")
    return 0


class Repository:
    """The files of workspaces with the names that they define; a path is the name of its source."""

    def __init__(self, found: Sequence[Source]) -> None:
        self.sources = {source.name: source for source in found}

    @cached_property
    def names(self) -> Names:
        names = Names()
        for name, source in self.sources.items():
            names.put(name, symbols_of(source.parse))
        return names

    def text(self, path: str) -> bytes | None:
        """What a file says."""
        return self.sources[path].data if path in self.sources else None

    def lines(self, limit: int, num: int, seed: int) -> Iterator[tuple[Source, Line]]:
        """Lines of the first `limit` files that have such."""
        for source in self.sources.values():
            if limit == 0:
                return
            calling = self._calling(source)
            fitting = [line for line in code_lines(source) if line.number in calling]
            found = chosen(fitting, num, random.Random(f"{seed} {source.name}"))
            yield from ((source, line) for line in found)
            limit -= bool(found)

    def _calling(self, source: Source) -> set[int]:
        """The numbers of lines that call what another file defines."""
        symbols = symbols_of(source.parse)
        found = set()
        for one in symbols.references:
            if one.kind == "call":
                meant = resolve(self.names, source.name, symbols, one)
                if meant and meant[0].evidence in _EVIDENT and meant[0].path != source.name:
                    found.add(source.data.count(b"\n", 0, one.start) + 1)
        return found


class Bench:
    """A model that is asked for lines of a repository by one recipe."""

    def __init__(self, repository: Repository, recipe: Recipe, model: LocalModel) -> None:
        self._repository, self._recipe, self._model = repository, recipe, model
        self._pipeline = Pipeline(recipe.tokenizer, recipe.card.trained_length)

    def case(self, source: Source, line: Line) -> Case:
        """One line, asked for with an empty cache and again."""
        question = self._question(source, line)
        began = time.perf_counter()
        context = self._chosen(question, source)
        choosing = time.perf_counter() - began
        question = Question(question.snapshot, question.offset, self._recipe, context)
        self._model.drop(question.snapshot.uri)
        answers = [complete(question, self._model, threading.Event()) for _ in range(2)]
        compare = compared(answers[0].text.strip().partition("\n")[0].strip(), line.text)
        return Case(
            line=f"{source.name}@{line.number}",
            budget=self._recipe.options.context_tokens or 0,
            shown=context.cost if context else 0,
            exact_match=compare["exact_match"],
            edit_similarity=compare["edit_similarity"],
            nll=self._nll(question, line),
            prompt=answers[0].tokens.get("prompt", 0),
            choosing=choosing,
            cold=answers[0].timings["total"] / 1000,
            warm=answers[1].timings["total"] / 1000,
        )

    def _question(self, source: Source, line: Line) -> Question:
        """The text without the line's code, the cursor where it began."""
        start = sum(map(len, source.data.splitlines(keepends=True)[: line.number - 1]))
        start = source.data.index(line.text.encode(), start)
        text = source.data[:start] + source.data[start + len(line.text.encode()) :]
        snapshot = self._pipeline.open(f"file:///{source.name}", 1, Buffer.of(text), None, source.name)
        return Question(snapshot, start, self._recipe)

    def _chosen(self, question: Question, source: Source) -> Context | None:
        around = Surroundings(self._repository.names, self._repository.text)
        return choose(question.snapshot, source.name, question.offset, around, self._recipe)

    def _nll(self, question: Question, line: Line) -> float:
        prompt = build_prompt(question)
        told = self._recipe.tokenizer.encode(prompt.healed + line.text.encode()).ids
        more = np.repeat(prompt.positions[:, -1:], len(told), axis=1)
        more[-1] += np.arange(1, len(told) + 1, dtype=np.int32)
        ids, positions = np.append(prompt.ids, told), np.append(prompt.positions, more, axis=1)
        mentions = prompt.mentions
        if mentions is not None:
            pairs = np.append(mentions.pairs, mentions.after(prompt.ids.size, told.tolist()).astype(np.int32), axis=1)
            mentions = Mentions(pairs, mentions.of)
        return -float(self._model.score(ids, positions, mentions)[-len(told) :].mean())


def table(cases: Sequence[Case]) -> str:
    """By budget: means over the lines, with the difference to the smallest budget and its standard error."""
    budgets = sorted({case.budget for case in cases})
    first = {case.line: case for case in cases if case.budget == budgets[0]}
    heads = ["budget", "lines", "shown", "exact match", "edit similarity", "nll", "choosing", "cold", "warm"]
    rows = []
    for budget in budgets:
        some = [case for case in cases if case.budget == budget]
        row = [f"{budget:,}", str(len(some)), f"{statistics.fmean(case.shown for case in some):,.0f}"]
        for metric in ("exact_match", "edit_similarity", "nll"):
            values = [getattr(case, metric) for case in some]
            gains = [getattr(case, metric) - getattr(first[case.line], metric) for case in some]
            row.append(f"{statistics.fmean(values):.3f}" + ("" if budget == budgets[0] else f" ({_mean(gains)})"))
        row += [f"{statistics.median(getattr(c, key) for c in some):.3f} s" for key in ("choosing", "cold", "warm")]
        rows.append(row)
    return markdown(heads, rows)


def _mean(gains: Sequence[float]) -> str:
    error = statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
    return f"{statistics.fmean(gains):+.3f} ± {error:.3f}"
