"""A pointer into the text itself: what followed the last tokens where they stood before, mixed into what a model says.

    p(token) = (1 - g) p_model(token) + g p_pointer(token)

Every earlier place of the last token points at the token after it, if that can be said: what separates the parts of a
prompt follows nothing. A place weighs more the more tokens in front of it are the same and the nearer it is; g grows
with the longest such match. Code that is said again may stand deeper, so any indentation matches any other; but how far
a line is indented is told only by places whose line before is indented as here.

A small model copies badly, and code says much again. After pointer mixtures (Merity et al. 2016, arXiv 1609.07843) and
the continuous cache (Grave et al. 2016, arXiv 1612.04426), with matching tokens in place of attention: it takes four
numbers, which `lab/pointer.py` fits.

A function of the text alone, so that an answer does not depend on what is cached. Knows ids; no model, no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirope_ls.model.generator import IntArray

LONGEST = 16  # tokens of a match that are counted
LARGEST = 100.0  # of the four numbers; larger ones are a mistake
_MOST = 1 - 1e-6  # of the whole probability: the model is always heard, too


class Shares(NamedTuple):
    """What the pointer has of the whole probability: ids int64[k], no two alike, and float64[k], g in all, below 1."""

    ids: NDArray[np.int64]
    shares: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """What is to be known of ids, bool[vocab] each: whether they are text, blanks alone, the end of a line (also what
    separates the parts of a prompt is one)."""

    text: NDArray[np.bool_]
    blanks: NDArray[np.bool_]
    line_ends: NDArray[np.bool_]

    @classmethod
    def of(cls, vocab: int, never: Iterable[int], pieces: Sequence[bytes] | None = None) -> Lexicon:
        """All ids are text but those that are `never`; `pieces`: the bytes of each id, where known."""
        text, blanks, line_ends = np.ones(vocab, np.bool_), np.zeros(vocab, np.bool_), np.zeros(vocab, np.bool_)
        text[[id for id in never if 0 <= id < vocab]] = False
        for id, piece in enumerate((pieces or ())[:vocab]):
            blanks[id] = bool(piece) and not piece.strip(b" \t")
            line_ends[id] = piece.endswith(b"\n")
        return cls(text, blanks, line_ends | ~text)


@dataclass(frozen=True)
class Pointer:
    """How far a model's text is to be believed. Of a place: `by_length`, what each token of a match adds to its
    logarithmic weight, and `by_distance`, what each e-fold of the distance takes off. g is the logistic function of
    `trust` + `trust_by_length` * log(1 + the longest match's tokens)."""

    by_length: float
    by_distance: float
    trust: float
    trust_by_length: float

    @classmethod
    def parse(cls, content: object) -> Pointer | None:
        """From a configuration; None where it is no such thing."""
        names = [field.name for field in fields(cls)]
        if not isinstance(content, dict) or set(content) != set(names):
            return None
        numbers: list[Any] = [content[name] for name in names]
        if not all(type(number) in (int, float) and abs(number) <= LARGEST for number in numbers):
            return None
        return cls(*map(float, numbers))

    def shares(self, text: IntArray, lexicon: Lexicon) -> Shares | None:
        """Of what may follow int32[n]; None where nothing followed its last token."""
        places, lengths = pointing(text, lexicon)
        if not places.size:
            return None
        weights = self.by_length * lengths - self.by_distance * np.log(len(text) - places + 1)
        weights = np.exp(weights - weights.max())
        ids, of = np.unique(text[places], return_inverse=True)
        mass = np.bincount(of, weights)
        heard = mass > 0  # of a much shorter match nothing may be left
        return Shares(ids[heard].astype(np.int64), self.belief(int(lengths.max())) * mass[heard] / mass.sum())

    def belief(self, longest: int) -> float:
        """g for a longest match of so many tokens."""
        return min(_MOST, 1 / (1 + math.exp(-self.trust - self.trust_by_length * math.log1p(longest))))


class Pointed:
    """The text of one generation, as it grows."""

    def __init__(self, pointer: Pointer, prompt: IntArray, room: int, lexicon: Lexicon) -> None:
        """`room`: tokens that may yet be said."""
        self._pointer, self._prompted, self._lexicon = pointer, len(prompt), lexicon
        self._text = np.concatenate((prompt.astype(np.int32), np.zeros(room, np.int32)))

    def after(self, said: Sequence[int]) -> Shares | None:
        """The shares after the prompt and the tokens `said`."""
        end = self._prompted + len(said)
        self._text[self._prompted : end] = said
        return self._pointer.shares(self._text[:end], self._lexicon)


def pointing(text: IntArray, lexicon: Lexicon) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(places, lengths) int64[k]: where a text int32[n] has something to point at, ascending, and how many of its last
    tokens, up to LONGEST, stand in front of it. Raises ValueError for an empty text."""
    places, lengths = matches(np.where(lexicon.blanks[text], -1, text))
    believed = lexicon.text[text[places]]
    if len(places) and lexicon.line_ends[text[-1]]:
        depths = _depths(text, lexicon)
        believed &= ~lexicon.blanks[text[places]] | (depths[places - 1] == depths[-1])
    return places[believed], lengths[believed]


def matches(text: IntArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(places, lengths) int64[k]: where a token follows that has the last token in front of it, ascending, and how many
    of the last tokens, up to LONGEST, stand in front of it. Raises ValueError for an empty text."""
    if not len(text):
        raise ValueError("an empty text")
    places = np.flatnonzero(text[:-1] == text[-1]) + 1
    lengths = np.ones(len(places), np.int64)
    longer = np.arange(len(places))
    for length in range(1, min(LONGEST, len(text))):
        longer = longer[places[longer] > length]
        longer = longer[text[places[longer] - 1 - length] == text[-1 - length]]
        if not longer.size:
            break
        lengths[longer] += 1
    return places, lengths


def _depths(text: IntArray, lexicon: Lexicon) -> NDArray[np.int64]:
    """int64[n]: the blanks that the line of each token begins with, as an id; -1 where it begins with none."""
    begins = np.append(True, lexicon.line_ends[text[:-1]])
    first = np.flatnonzero(begins)[begins.cumsum() - 1]
    return np.where(lexicon.blanks[text[first]], text[first], -1).astype(np.int64)
