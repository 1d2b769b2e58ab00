"""Which functions and classes does this text define? The code symbol understanding of HiRoPE (arXiv 2403.19115).

rank: true names against names of other files, by how much likelier the text makes each in a list of names; that needs
no model that understands a question. generate: a model is asked, and its answer searched for the names. Knows no
methods.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

from hirope_ls.lab.eval.chat import put_by_user
from hirope_ls.lab.eval.names import (
    LEAST,
    LONGEST,
    Names,
    defined,
    definitions,
    matched,
    name_ids,
    strangers,
    window_end,
)
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import Source, text_source
from hirope_ls.lab.eval.task import Item
from hirope_ls.model.chat import has_template
from hirope_ls.problems import InputError

How = Literal["rank", "generate"]

ANSWER = 1024  # tokens generated at most, and no more than a quarter of the shortest length
LIST = "\n\n\n__all__ = [\n   "  # the last blank of the indentation is one token with the quote
COMMENT = "\n\n\n# Functions and classes defined in this file:\n# "
BEFORE = "Here is a part of a Python file:\n\n```python\n"
AFTER = (
    "\n```\n\nList the names of all functions, methods and classes that it defines, one on a line, and nothing else."
)


@dataclass(frozen=True)
class Question:
    """A window of a file between what is put before and after it, and the names that it is about.

    room   tokens of an answer at most
    """

    before: Prompt
    window: Prompt
    after: Prompt
    names: Names
    room: int

    @property
    def prompt(self) -> Prompt:
        """All that is read."""
        return self.before + self.window + self.after


class Symbols:
    """`how`: "rank" or "generate"; `chat`: the model folder whose chat template puts the question, if it has one.

    A length counts all that is read and written: window, question and answer.
    """

    name = "symbols"
    metrics = ("recall",)

    def __init__(self, how: How = "rank", chat: Path | None = None) -> None:
        self.how = how
        self.chat = chat
        self._alone: WeakKeyDictionary[Reader, dict[str, float]] = WeakKeyDictionary()

    def items(self, sources: Sequence[Source], lengths: Sequence[int], limit: int, seed: int) -> list[Item]:
        """A window of each of the first `limit` files that define enough names; it ends where it does at any length."""
        found: list[Item] = []
        for source in sources:
            if len(found) == limit * len(lengths):
                break
            if len(source.data) >= max(lengths):  # a token is a byte at least
                found += self._of(source, sources, lengths, random.Random(f"{seed} {source.name}"))
        if not found:
            raise InputError(f"no file of {max(lengths)} tokens defines {LEAST} names in {min(lengths)} of them")
        return sorted(found, key=lambda item: lengths.index(item.length))

    def measure(self, reader: Reader, item: Item) -> dict[str, float]:
        """The share of the true names that are found."""
        question: Question = item.payload
        found = self._ranked(reader, question) if self.how == "rank" else _told(reader, question)
        return {"recall": found / len(question.names.true)}

    def _of(self, source: Source, sources: Sequence[Source], lengths: Sequence[int], rng: random.Random) -> list[Item]:
        before, after = self._frame(source)
        room = LONGEST if self.how == "rank" else min(ANSWER, min(lengths) // 4)
        sizes = [length - len(before) - len(after) - room for length in lengths]
        end = window_end(source, min(sizes), max(sizes), rng)
        if end is None:
            return []
        found, first = definitions(source), end - max(sizes)
        pool = strangers(source, sources, source.text(first, end), defined(found, first, end))
        names = [matched(source, defined(found, end - size, end), pool, rng) for size in sizes]
        if min(len(one.true) for one in names) < LEAST:
            return []
        windows = [Prompt.of(source, end - size, end) for size in sizes]
        questions = [Question(before, window, after, one, room) for window, one in zip(windows, names, strict=True)]
        return [Item(f"{source.name}@{end}", *pair) for pair in zip(lengths, questions, strict=True)]

    def _frame(self, source: Source) -> tuple[Prompt, Prompt]:
        """What is put before a window and after it."""
        if self.how == "generate" and self.chat:
            return put_by_user(self.chat, BEFORE, AFTER, source)
        question = LIST if self.how == "rank" else COMMENT
        return Prompt(()), Prompt.of(text_source("question", question, source.tokenizer, source.trained_length))

    def _ranked(self, reader: Reader, question: Question) -> int:
        """How many of the names that gain most by the window are true, taking as many as there are true ones."""
        true, names = set(question.names.true), sorted(question.names.true + question.names.false)
        seen = _likelihoods(reader, question.prompt, question, names)
        alone = self._alone.setdefault(reader, {})
        new = [name for name in names if name not in alone]
        alone |= zip(new, _likelihoods(reader, question.before + question.after, question, new), strict=True)
        gains = {name: value - alone[name] for name, value in zip(names, seen, strict=True)}
        return len(true.intersection(sorted(names, key=gains.__getitem__, reverse=True)[: len(true)]))


def _likelihoods(reader: Reader, prompt: Prompt, question: Question, names: Sequence[str]) -> list[float]:
    source = question.window.parts[0].source
    return reader.continuations(prompt, [name_ids(source, name) for name in names]) if names else []


def _told(reader: Reader, question: Question) -> int:
    """How many of the true names an answer holds; one that is no chat's ends with its comment."""
    chat = bool(question.before.parts)
    answer = reader.generate(question.prompt, question.room, lambda text: not chat and _left_comment(text))
    return len(set(question.names.true).intersection(re.findall(r"\w+", answer.decode(errors="replace"))))


def _left_comment(text: bytes) -> bool:
    return re.search(rb"\n[^#]", text) is not None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The task's own options."""
    parser.add_argument(
        "--how",
        choices=("auto", "rank", "generate"),
        default="auto",
        help="rank true names against false ones, ask for the names, or (auto) ask models that have a chat template",
    )


def from_args(args: argparse.Namespace, folder: Path) -> Symbols:
    """The task as the command line asks for it, for the model in `folder`."""
    chat = folder if has_template(folder) else None
    return Symbols(("generate" if chat else "rank") if args.how == "auto" else args.how, chat)
