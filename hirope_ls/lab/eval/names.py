"""The names that a stretch of a file defines, and as many names of other files that do not occur in it.

A false name has as many tokens as the true one that it stands against, so that length tells nothing, and is of a file
nearby, so that style tells little. Knows no models.
"""

from __future__ import annotations

import functools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirope_ls.lab.eval.neighbours import nearest
from hirope_ls.lab.eval.sources import Source

MOST = 16  # names
LEAST = 4
LONGEST = 24  # tokens of a name with its quotes
POOL = 256  # names of other files to choose from, and more where some size is rare
FAR = 100  # other files looked at


class Definition(NamedTuple):
    """A function or class: the index of its first token, and its own name, the last part of the dotted one."""

    first: int
    name: str


@dataclass(frozen=True)
class Names:
    """As many false names as true ones; those at the same place have equally many tokens."""

    true: tuple[str, ...]
    false: tuple[str, ...]


def name_ids(source: Source, name: str) -> NDArray[np.int32]:
    """int32[n]: the tokens of `name` on its line of a list, after the indentation.

    The quotes belong to it: the first is one token with an underscore, and without the last `add` is in `add_node`.
    """
    return source.tokenizer.encode(f' "{name}",\n'.encode()).ids


@functools.lru_cache(maxsize=1024)
def definitions(source: Source) -> tuple[Definition, ...]:
    """The functions, methods and classes of `source` in their order."""
    begun: dict[tuple[str, str], int] = {}
    for unit in source.parse.units:
        if unit.kind in ("function", "class"):
            begun.setdefault((unit.kind, unit.name), unit.start)  # a class goes on between its methods
    found = (Definition(source.token_at(start), name.rpartition(".")[2]) for (_, name), start in begun.items())
    return tuple(one for one in found if one.name.isidentifier() and not one.name.startswith("__"))


def defined(found: Sequence[Definition], first: int, last: int) -> list[str]:
    """The names defined from token `first` up to `last`, each once."""
    return list(dict.fromkeys(one.name for one in found if first <= one.first < last))


def window_end(source: Source, shortest: int, longest: int, rng: random.Random) -> int | None:
    """An end between two definitions with LEAST names in the `shortest` tokens before it, and `longest` tokens at all.

    None if there is none.
    """
    found = definitions(source)
    ends = {_end_of_code(source, unit.end) for unit in source.parse.units}
    fitting = [end for end in sorted(ends) if end >= longest and len(defined(found, end - shortest, end)) >= LEAST]
    return rng.choice(fitting) if fitting else None


def strangers(source: Source, sources: Sequence[Source], text: bytes, names: Sequence[str]) -> dict[int, list[str]]:
    """Names that other files define and `text` holds nowhere, not even in parts of words, by their number of tokens.

    From near files first, until there are POOL and each of `names` can have one of its own.
    """
    wanted = Counter(len(name_ids(source, name)) for name in names)
    pool: dict[int, list[str]] = defaultdict(list)
    seen = set(names)
    for other in nearest(source, sources)[:FAR]:
        for _, name in definitions(other):
            if name not in seen and name.encode() not in text:
                pool[len(name_ids(source, name))].append(name)
            seen.add(name)
        if sum(map(len, pool.values())) >= POOL and all(len(pool[size]) >= wanted[size] for size in wanted):
            break
    return pool


def matched(source: Source, names: Sequence[str], pool: Mapping[int, Sequence[str]], rng: random.Random) -> Names:
    """Up to MOST of `names`, spread evenly over those that have a match in `pool`, each with one of its own."""
    left = {size: rng.sample(found, len(found)) for size, found in pool.items() if size <= LONGEST}
    fitting = [name for name in names if left.get(len(name_ids(source, name)))]
    pairs = list(_pairs(source, spread(fitting, MOST), left))
    return Names(tuple(true for true, _ in pairs), tuple(false for _, false in pairs))


def spread(names: Sequence[str], most: int) -> list[str]:
    """Up to `most` of `names`, evenly from the first to the last."""
    at = np.linspace(0, len(names) - 1, min(most, len(names))).round().astype(int)
    return [names[index] for index in at]


def _pairs(source: Source, names: Sequence[str], left: dict[int, list[str]]) -> Iterator[tuple[str, str]]:
    for name in names:
        if fitting := left[len(name_ids(source, name))]:
            yield name, fitting.pop()


def _end_of_code(source: Source, end: int) -> int:
    """The index of the first token behind the code of a unit that ends at byte `end`, its blank lines left out."""
    return source.token_at(len(source.data[:end].rstrip()))
