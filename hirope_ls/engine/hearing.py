"""What a prompt mentions: its near text is listened to, token by token, and what is generated after it as well.

Which text that is, and which names its units define, is told by engine/prompt.py; what a token then mentions, by
engine/mentions.py. Knows tokens and units; no files, no trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.mentions import Definers, unfinished
from hirope_ls.model.generator import Mentions
from hirope_ls.model.tokens import TextTokenizer

IntArray = NDArray[np.int32]


def hear(
    tokenizer: TextTokenizer,
    ids: IntArray,
    units: IntArray,
    defined: Iterable[tuple[str, int]],
    before: slice,
    after: slice | None,
) -> Mentions | None:
    """The mentions in a prompt of these ids int32[n] in these units int32[n]; None where nothing can be mentioned.

    `defined`: (name, unit) in the order of units. `before`: the tokens just before the cursor, which generated ones go
    on from; `after`: those of the text after it. Each of these runs begins with a word of its own.
    """
    definers = Definers.of(defined)
    if not definers.units:
        return None

    def said(run: slice) -> IntArray:
        pieces = [tokenizer.token_bytes(id) for id in ids[run].tolist()]
        return definers.mentions(pieces, units[run].tolist(), run.start)

    runs = sorted((before, after) if after else (before,), key=lambda run: run.start)
    ear = _Ear(tokenizer, definers, unfinished(tokenizer.decode(ids[before])), int(units[-1]))
    return Mentions(np.concatenate([said(run) for run in runs], axis=1), ear)


@dataclass(frozen=True)
class _Ear:
    """Hears what is generated, in the prompt's last unit, after the unfinished word `tail`."""

    tokenizer: TextTokenizer
    definers: Definers
    tail: bytes
    unit: int

    def __call__(self, said: Sequence[int]) -> Sequence[int]:
        *before, last = said
        tail = unfinished(self.tail + self.tokenizer.decode(before))
        return self.definers.heard(tail, self.tokenizer.token_bytes(last), self.unit)
