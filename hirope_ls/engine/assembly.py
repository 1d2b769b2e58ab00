"""Puts a prompt together from its parts, in the order a model was trained for, and counts its units.

Which orders there are stands in engine/prompt.py. Knows ids and blocks; no text, no cursor.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.context import Context
from hirope_ls.engine.excerpt import Prefix
from hirope_ls.model.families import FimOrder
from hirope_ls.model.tokens import SpecialTokens

IntArray = NDArray[np.int32]
_SUFFIX_FIRST: Final[tuple[FimOrder, ...]] = ("spm", "suffix-prefix-middle", "suffix-prefix")


class Assembly:
    """A prompt in the making: runs of ids with their units, counted on from one run to the next."""

    def __init__(self) -> None:
        self._ids: list[IntArray] = []
        self._units: list[IntArray] = []
        self._next = self._size = 0
        self.places: list[IntArray] = []  # where in the prompt the file's tokens before the cursor are, in order
        self.after: slice | None = None  # where the text after the cursor is, with its special tokens

    def lead(self, token: int | None) -> None:
        """A token, if there is one, that belongs to the unit that comes next."""
        if token is not None:
            self._add(np.array([token], np.int32), np.array([self._next], np.int32))

    def tail(self, token: int | None) -> None:
        """A token, if there is one, that belongs to the unit of the text before it."""
        if token is not None:
            unit = self._next - 1 if self.places else self._next
            self._add(np.array([token], np.int32), np.array([unit], np.int32))

    def suffix(self, *ids: int | IntArray | None) -> None:
        """The text after the cursor: one unit of its own."""
        joined = np.concatenate([np.atleast_1d(np.asarray(part, np.int32)) for part in ids if part is not None])
        self.after = slice(self._size, self._size + joined.size)
        self._add(joined, np.full(joined.size, self._next, np.int32))
        self._next += 1

    def others(self, context: Context) -> None:
        """What is shown of other files."""
        if context.ids.size:
            self._add(context.ids, self._next + context.units)
            self._next += int(context.units[-1]) + 1

    def text(self, prefix: Prefix, start: int, end: int) -> None:
        """The file's text before the cursor: a unit for each block, the first of them a new one."""
        if end > start:
            ids, blocks = prefix.part(start, end)
            units = self._next + np.cumsum(np.diff(blocks, prepend=blocks[0]) != 0, dtype=np.int32)
            self.places.append(np.arange(self._size, self._size + end - start, dtype=np.int32))
            self._add(ids, units)
            self._next = int(units[-1]) + 1

    def joined(self, max_units: int) -> tuple[IntArray, IntArray]:
        """Ids int32[n] and positions int32[2, n]."""
        if not self._ids:
            return np.empty(0, np.int32), np.empty((2, 0), np.int32)
        ids = np.concatenate(self._ids)
        units = np.minimum(np.concatenate(self._units), max_units - 1)
        index = np.arange(ids.size, dtype=np.int32)
        begins = np.where(np.diff(units, prepend=-1) != 0, index, 0)
        return ids, np.stack([units, index - np.maximum.accumulate(begins)]).astype(np.int32)

    def _add(self, ids: IntArray, units: IntArray) -> None:
        self._ids.append(ids)
        self._units.append(units)
        self._size += ids.size


def opened(special: SpecialTokens, order: FimOrder | None, dropped: int, context: Context | None) -> Assembly:
    """What every prompt of a model opens with, before anything of this file.

    That is the model's begin token, what is shown of other files, which changes less than this one, and the bundled
    model's mark of a file's first character.
    """
    prompt = Assembly()
    prompt.lead(special.begin)
    if context is not None:
        prompt.others(context)
    if special.begin is not None:
        return prompt
    if order == "context-spm" and not dropped:
        prompt.lead(special.file_sep)
    return prompt


def begun(
    prefix: Prefix, start: int, end: int, special: SpecialTokens, order: FimOrder | None, context: Context | None
) -> Assembly:
    """What a model's prompts have in common wherever the cursor is: its tokens `start..end` as they are read.

    Nothing where the suffix comes first.
    """
    if order in _SUFFIX_FIRST and special.has_fim:
        return Assembly()
    prompt = opened(special, order, start, context)
    if order == "psm":
        prompt.lead(special.fim_prefix)
    prompt.text(prefix, start, end)
    return prompt


def arrange(
    prompt: Assembly, prefix: Prefix, near: int, suffix: IntArray, special: SpecialTokens, order: FimOrder | None
) -> None:
    """Add the text round the cursor in an order. Where the suffix comes first, the tokens from `near` on follow it."""
    if order == "psm":
        prompt.lead(special.fim_prefix)
        prompt.text(prefix, prefix.first, prefix.end)
        prompt.suffix(special.fim_suffix, suffix, special.fim_middle)
    elif order is None:
        prompt.text(prefix, prefix.first, prefix.end)
    elif order in ("suffix-prefix-middle", "suffix-prefix"):
        prompt.suffix(special.fim_suffix, suffix)
        prompt.lead(special.fim_prefix)
        prompt.text(prefix, prefix.first, prefix.end)
        prompt.tail(special.fim_middle if order == "suffix-prefix-middle" else None)
    else:  # context-spm, and spm, which has no far part
        prompt.text(prefix, prefix.first, near)
        prompt.suffix(special.fim_prefix, special.fim_suffix, suffix, special.fim_middle)
        prompt.text(prefix, near, prefix.end)
