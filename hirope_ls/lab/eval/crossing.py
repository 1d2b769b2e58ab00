"""One line that calls something of another file, asked for as an editor asks, with a context of other files.

The line is taken out, the cursor stands where its code began, the text after it stays, the context is chosen for that
text, and the answer is what would be suggested. Calls are told by the names of the workspace, on evidence. nll: of the
line's tokens after the prompt, nats a token. Times are of this machine: the choice, a cold answer, and one whose prompt
is known.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hirope_ls.engine.choosing import Surroundings, choose
from hirope_ls.engine.complete import complete
from hirope_ls.engine.context import Context
from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.lab.eval.completion import compared
from hirope_ls.lab.eval.keys import digest
from hirope_ls.lab.eval.lines import Line, chosen, code_lines
from hirope_ls.lab.eval.served import local_model
from hirope_ls.lab.eval.sources import Source
from hirope_ls.model.generator import Mentions
from hirope_ls.model.loader import Loaded
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.names import Names, resolve
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

    @property
    def file(self) -> str:
        return self.line.rpartition("@")[0]


@dataclass(frozen=True)
class Asked:
    """One line, with at most so many tokens of other files."""

    budget: int
    source: Source
    line: Line


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

    @cached_property
    def digest(self) -> str:
        """Of all that may be shown."""
        return digest(list(self.sources.values()))

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
    """A model that is asked for lines of a repository."""

    def __init__(self, repository: Repository, tokenizer: TextTokenizer, loaded: Loaded, own: int | None) -> None:
        self._repository, self._own = repository, own
        self._tokenizer, self._card = tokenizer, loaded.card
        self._model = local_model(loaded, tokenizer, _KV_BUDGET)
        self._pipeline = Pipeline(tokenizer, loaded.card.trained_length)

    def case(self, one: Asked) -> Case:
        """One line, asked for with an empty cache and again."""
        options = Options(max_lines=1, context_tokens=one.budget, max_prompt_tokens=self._own)
        question = self._question(one, Recipe(self._tokenizer, self._card, options))
        began = time.perf_counter()
        context = self._chosen(question, one.source)
        choosing = time.perf_counter() - began
        question = replace(question, context=context)
        self._model.drop(question.snapshot.uri)
        answers = [complete(question, self._model, threading.Event()) for _ in range(2)]
        compare = compared(answers[0].text.strip().partition("\n")[0].strip(), one.line.text)
        return Case(
            line=f"{one.source.name}@{one.line.number}",
            budget=one.budget,
            shown=context.cost if context else 0,
            exact_match=compare["exact_match"],
            edit_similarity=compare["edit_similarity"],
            nll=self._nll(question, one.line),
            prompt=answers[0].tokens.get("prompt", 0),
            choosing=choosing,
            cold=answers[0].timings["total"] / 1000,
            warm=answers[1].timings["total"] / 1000,
        )

    def _question(self, one: Asked, recipe: Recipe) -> Question:
        """The text without the line's code, the cursor where it began."""
        source, line = one.source, one.line
        start = sum(map(len, source.data.splitlines(keepends=True)[: line.number - 1]))
        start = source.data.index(line.text.encode(), start)
        text = source.data[:start] + source.data[start + len(line.text.encode()) :]
        snapshot = self._pipeline.open(f"file:///{source.name}", 1, Buffer.of(text), None, source.name)
        return Question(snapshot, start, recipe)

    def _chosen(self, question: Question, source: Source) -> Context | None:
        around = Surroundings(self._repository.names, self._repository.text)
        return choose(question.snapshot, source.name, question.offset, around, question.recipe)

    def _nll(self, question: Question, line: Line) -> float:
        prompt = build_prompt(question)
        told = self._tokenizer.encode(prompt.healed + line.text.encode()).ids
        more = np.repeat(prompt.positions[:, -1:], len(told), axis=1)
        more[-1] += np.arange(1, len(told) + 1, dtype=np.int32)
        ids, positions = np.append(prompt.ids, told), np.append(prompt.positions, more, axis=1)
        mentions = prompt.mentions
        if mentions is not None:
            pairs = np.append(mentions.pairs, mentions.after(prompt.ids.size, told.tolist()).astype(np.int32), axis=1)
            mentions = Mentions(pairs, mentions.of)
        return -float(self._model.score(ids, positions, mentions)[-len(told) :].mean())
