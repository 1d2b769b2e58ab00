"""A line copied from the text around it: what any model must beat; and a model that has copying mixed in.

The longest run of characters before the cursor that stands somewhere else in the context is looked for, and what
follows it there is the answer, up to the end of its line; the nearest place above where several runs are as long, and
never a blank. Where the text after the cursor is shown, it is searched as well. Knows text; no tokens and no models.

Held against each other on sqlalchemy and tornado (1,714 lines), and not kept as they got fewer right of whole lines and
rests of lines together: runs of words, runs of four characters at least, text without its indentation, and the
commonest line instead of the nearest.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from hirope_ls.hirope import Scheme
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.methods import Method
from hirope_ls.model.choice import mixed
from hirope_ls.model.loader import Loaded
from hirope_ls.model.pointer import Lexicon
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

BELOW = 400  # bytes after a cursor that are searched: about what a prompt shows
_BREAK, _BLANK = b"\n\0\n", b"\0 \t\r\f\v"  # no run goes on over the break


def copied(before: bytes, after: bytes = b"") -> bytes:
    """What followed the longest run before the cursor elsewhere: the rest of a line, without its end."""
    below = after[:BELOW].partition(b"\n")[2]  # from the next line on
    text = below + _BREAK + before
    for length in range(_longest(text), 0, -1):
        run, end = text[-length:], len(text) - 1
        while (at := text.rfind(run, 0, end)) >= 0:
            line = text[at + length :].partition(b"\n")[0]
            if line.strip(_BLANK):
                return line
            end = at + length - 1
    return b""


def _longest(text: bytes) -> int:
    """The length of the longest end of `text` that stands in it once more."""
    low, high = 0, max(len(text) - 1, 0)
    while low < high:
        middle = (low + high + 1) // 2
        if text.find(text[-middle:], 0, -1) >= 0:
            low = middle
        else:
            high = middle - 1
    return low


@functools.lru_cache(maxsize=1)
def lexicon(tokenizer: TextTokenizer) -> Lexicon:
    """What a pointer has to know of a tokenizer's ids."""
    return Lexicon.of(tokenizer.vocab_size, tokenizer.special.all, tokenizer.pieces)


class Pointing(Reader):
    """A model as it is served: with what its pointer says mixed in (model/pointer.py)."""

    @property
    def _asked(self) -> Loaded:
        return self.loaded

    def _next(self, logits: Tensor, prompt: Prompt, said: Sequence[int]) -> Tensor:
        pointer, row = self.loaded.card.pointer, logits[0].float()
        text = np.concatenate((prompt.ids, np.array(said, np.int32)))
        shares = pointer.shares(text, lexicon(prompt.tokenizer)) if pointer else None
        return (row if shares is None else mixed(row, float(row.logsumexp(0)), shares)[0]).argmax(-1, keepdim=True)


class Copier(Reader):
    """Writes what is copied from the prompt, whatever the model."""

    def generate(self, prompt: Prompt, most: int, stop: Callable[[bytes], bool]) -> bytes:
        return copied(prompt.tokenizer.decode(prompt.ids))

    def fill(self, tokenizer: TextTokenizer, name: str, before: bytes, after: bytes) -> str:
        return copied(before, after).decode(errors="replace")


BASELINES = {
    "copy": "no model: what followed the longest run of characters that stands before the cursor and above",
    "served": "hirope, and what the model's pointer into the text says (lab pointer): as completions are made",
}
"""What answers beside the methods, where a task asks for text."""


def reader(loaded: Loaded, method: Method) -> Reader:
    """The reader of a method or a baseline. Raises InputError for a model that has no pointer to be served with."""
    if method.name == "served" and loaded.card.pointer is None:
        raise InputError("the model has no pointer, so it is served as hirope has it: fit one with lab pointer")
    if method.name == "served":
        return Pointing(loaded, replace(method, scheme=Scheme.default(loaded.card.trained_length)))
    return (Copier if method.name in BASELINES else Reader)(loaded, method)
