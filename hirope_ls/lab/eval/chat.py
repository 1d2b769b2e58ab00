"""A question put to a chat model: what its template writes in front of a text and behind it, as tokens.

Knows no task and no model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.sources import Source
from hirope_ls.lab.methods import Units
from hirope_ls.model.chat import around
from hirope_ls.model.tokens import TextTokenizer, Tokens


class Written(Source):
    """Tokens that no text gives: control tokens among them. One unit, or several if they are very many."""

    def __init__(self, name: str, ids: NDArray[np.int32], tokenizer: TextTokenizer, trained_length: int) -> None:
        super().__init__(name, lambda: tokenizer.decode(ids), tokenizer, trained_length)
        sizes = [len(tokenizer.token_bytes(int(id))) for id in ids]
        self._tokens = Tokens.of(ids, np.cumsum(sizes, dtype=np.int64))

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    def positions(self, units: Units) -> NDArray[np.int32]:
        at, longest = np.arange(len(self), dtype=np.int32), units.limits(self.trained_length).longest
        return np.stack((at // longest, at % longest))


def put_by_user(folder: Path, before: str, after: str, source: Source) -> tuple[Prompt, Prompt]:
    """What stands in front of a text and behind it when a user says `before`, the text and `after`.

    `source` lends tokenizer and trained length. Raises ModelRefused where the template cannot be used.
    """
    ids = (np.array(part, np.int32) for part in around(folder, before, after))
    head, tail = (Prompt.of(Written("chat", part, source.tokenizer, source.trained_length)) for part in ids)
    return head, tail
