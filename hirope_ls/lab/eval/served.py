"""A loaded model asked as `hirope-ls complete` asks it: the engine's prompt, ending and trimming, for one line.

Knows one text at a time and what was kept of those before; no tasks.
"""

from __future__ import annotations

import threading

from hirope_ls.engine.complete import complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.options import Options
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.loader import Loaded
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text import Buffer

_KV_BUDGET = 1 << 30
_NEVER = threading.Event()
_SESSION = "text"


def local_model(loaded: Loaded, tokenizer: TextTokenizer, budget: int) -> LocalModel:
    """The model as the engine has it, with caches of its own, of so many bytes at most."""
    special = tokenizer.special.all
    return LocalModel(loaded, budget, special, tokenizer.vocab_size, pieces=tokenizer.pieces)


class Served:
    """A model, and what it holds of the texts it was asked about: answers are the same whatever that is."""

    def __init__(self, loaded: Loaded, tokenizer: TextTokenizer, options: Options | None = None) -> None:
        """options: those of each completion; without any, one line."""
        self._recipe = Recipe(tokenizer, loaded.card, options or Options(max_lines=1))
        self._pipeline = Pipeline(tokenizer, loaded.card.trained_length)
        self._model = local_model(loaded, tokenizer, _KV_BUDGET)

    def answer(self, name: str, before: bytes, after: bytes) -> Completion:
        """What would be suggested between `before` and `after`, texts of a file of that name."""
        snapshot = self._pipeline.open(_SESSION, 1, Buffer.of(before + after), None, name)
        return complete(Question(snapshot, len(before), self._recipe), self._model, _NEVER)

    def forget(self) -> None:
        """Let the next answer be a cold one."""
        self._model.drop(_SESSION)


def first_line(completion: Completion) -> str:
    """What is compared of an answer."""
    return completion.text.lstrip("\n").partition("\n")[0]
