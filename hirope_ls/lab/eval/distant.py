"""A function that was defined some distance ago is needed now: copying it, and naming its arguments in a call.

The function, then other code, then the function again, or a call of it. The other code ends with what stands before the
function in its file, so the copy stands where the function does; in front of that comes the rest of the file, then
files near it. Of that fixed text the last d tokens are read, so what is near is the same at every distance.

Copying from context is the induction of Olsson et al. (arXiv 2209.11895), put to code. Knows no methods.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.lab.eval.neighbours import nearest
from hirope_ls.lab.eval.prompts import Part, Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import Source, text_source
from hirope_ls.lab.eval.task import Item, by_turns
from hirope_ls.problems import InputError
from hirope_ls.syntax import Unit, signature

SHORTEST, LONGEST = 40, 250  # tokens of a function
_SHORTEST_NAME = 4  # letters: shorter ones are words of other code
_BEFORE_CALL = "\n\n\nresult = "


@dataclass(frozen=True)
class Function:
    """A function in its file, in tokens `first` .. `last` - 1; those from `body` on are not on its first line."""

    source: Source
    first: int
    body: int
    last: int
    name: str
    parameters: tuple[str, ...]

    @property
    def text(self) -> Prompt:
        return Prompt.of(self.source, self.first, self.last)


@dataclass(frozen=True)
class Need:
    """A function and the code between it and the place where it is needed again."""

    function: Function
    between: Prompt


class Distant:
    """copy_nll: nats a token of the function written again, but for its first line; nll: nats a token of the argument
    names in a call that names all its parameters; exact_match: the share of them whose every token is the likeliest.
    """

    name = "distant"
    metrics = ("copy_nll", "nll", "exact_match")

    def items(self, sources: Sequence[Source], lengths: Sequence[int], limit: int, seed: int) -> list[Item]:
        """A function of each file, drawn by `seed`; where those are fewer than `limit`, more of the same files.

        Raises InputError where there are none.
        """
        each = (_needs(source, sources, max(lengths), seed) for source in sources)
        needs = by_turns(each, limit)
        if not needs:
            raise InputError(f"no function here has {max(lengths):,} tokens of other code about it: shorten --lengths")
        return [_item(need, length) for length in lengths for need in needs]

    def measure(self, reader: Reader, item: Item) -> dict[str, float]:
        """Metric to value."""
        need: Need = item.payload
        function = need.function
        call, names = _call(function)
        endings = (function.text, Prompt.of(call))
        (copied, _), (nll, best) = reader.endings(function.text + need.between, endings)
        return {
            "copy_nll": float(copied[function.body - function.first :].mean()),
            "nll": float(nll[np.concatenate(names)].mean()),
            "exact_match": float(np.mean([best[tokens].all() for tokens in names])),
        }


def functions(source: Source) -> Iterator[Function]:
    """The functions of a source that are of a fit size, and have a telling name and at least two parameters to name."""
    for unit in source.parse.units:
        if unit.kind == "function":
            found = _function(source, unit)
            if found and SHORTEST <= found.last - found.first <= LONGEST and found.body < found.last:
                yield found


def between(function: Function, others: Iterable[Source], count: int) -> Prompt | None:
    """The last `count` tokens of the code that is put between a function and its need: its own file's, and in front of
    that as many of `others`, the nearest first, as it takes. None if that is not enough, or if the function's name is
    in it."""
    source = function.source
    parts = [Part(source, 0, function.first), Part(source, function.last, len(source))]  # the nearest first
    missing = count - sum(map(len, parts))
    for other in others:
        if missing <= 0:
            break
        parts.append(Part(other, 0, len(other)))
        missing -= len(other)
    if missing > 0:
        return None
    text = Prompt(tuple(reversed(parts))).last(count)
    word = re.compile(rb"\b%s\b" % re.escape(function.name.encode()))
    return None if any(word.search(part.source.text(part.first, part.last)) for part in text.parts) else text


def _function(source: Source, unit: Unit) -> Function | None:
    data = source.data[unit.start : unit.end].rstrip()
    told = signature(source.parse.language, data)
    if told is None or len(told.parameters) < 2 or len(told.name) < _SHORTEST_NAME or told.name.startswith("__"):
        return None
    line_end = data.find(b"\n", told.start)
    first, last = source.token_at(unit.start), source.token_at(unit.start + len(data))
    body = source.token_at(unit.start + line_end + 1) if line_end >= 0 else last
    return Function(source, first, body, last, told.name, told.parameters)


def _needs(source: Source, sources: Sequence[Source], longest: int, seed: int) -> Iterator[Need]:
    found = list(functions(source))
    random.Random(f"{seed}:{source.name}").shuffle(found)
    others = nearest(source, _after(source, sources)) if found else []
    for function in found:
        text = between(function, others, longest)
        if text is not None:
            yield Need(function, text)


def _item(need: Need, length: int) -> Item:
    function = need.function
    name = f"{function.source.name}@{function.first}-{function.last}"
    return Item(name, length, Need(function, need.between.last(length)))


def _after(source: Source, sources: Sequence[Source]) -> list[Source]:
    """All sources from the one after `source` on, so that files of one folder get different ones first."""
    at = sources.index(source)
    return [*sources[at + 1 :], *sources[: at + 1]]


def _call(function: Function) -> tuple[Source, list[NDArray[np.int64]]]:
    """A call that names all parameters, and for each of them the tokens that its name, before the `=`, touches."""
    text, spans = _BEFORE_CALL + function.name + "(", []
    for name in function.parameters:
        text += "" if text.endswith("(") else ", "
        start = len(text.encode())
        text += f"{name}={name}"
        spans.append((start, start + len(name.encode())))
    source = function.source
    call = text_source(source.name, text + ")\n", source.tokenizer, source.trained_length)
    ends = call.tokens.ends
    begins = np.concatenate(([0], ends[:-1]))
    return call, [np.flatnonzero((begins < end) & (ends > start)) for start, end in spans]
