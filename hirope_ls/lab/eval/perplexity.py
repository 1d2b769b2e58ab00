"""Likelihood of the same tokens under growing context: what a position scheme makes of far text.

The last tokens of a window are scored while the context in front of them grows to the left, as in the language
modelling of HiRoPE (Zhang et al., arXiv 2403.19115, section 4). Knows no methods.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import Source
from hirope_ls.lab.eval.task import Item, by_turns
from hirope_ls.problems import InputError

MOST_SCORED = 256  # tokens


@dataclass(frozen=True)
class Window:
    """Text whose last `scored` tokens are scored; the whole of it counts for the length."""

    prompt: Prompt
    scored: int


class Perplexity:
    """nll: nats a token, the mean over the last k of a window, k = 256 or half the shortest length."""

    name = "perplexity"
    metrics = ("nll",)

    def items(self, sources: Sequence[Source], lengths: Sequence[int], limit: int, seed: int) -> list[Item]:
        """One window from the start of each file that is long enough, in the order of `sources`; where those are fewer
        than `limit`, more windows from what follows in them. There is nothing to draw, so `seed` changes nothing.

        An id names the tokens that are scored. Raises InputError where no file is long enough.
        """
        longest, scored = max(lengths), min(MOST_SCORED, min(lengths) // 2)
        if scored < 1:
            raise InputError("a length of one token leaves nothing to score: choose longer --lengths")
        windows = by_turns((_windows(source, longest) for source in sources), limit)
        if not windows:
            raise InputError(f"no file has {longest:,} tokens: choose shorter --lengths or another --workspace")
        return [_item(window, length, scored) for length in lengths for window in windows]

    def measure(self, reader: Reader, item: Item) -> dict[str, float]:
        """Metric to value."""
        window: Window = item.payload
        return {"nll": float(reader.nll(window.prompt, window.scored).mean())}


def _windows(source: Source, length: int) -> Iterator[Prompt]:
    if len(source.data) < length:  # a token is a byte at least
        return
    for end in range(length, len(source) + 1, length):
        yield Prompt.of(source, end - length, end)


def _item(window: Prompt, length: int, scored: int) -> Item:
    part = window.parts[0]
    return Item(f"{part.source.name}@{part.last - scored}-{part.last}", length, Window(window.last(length), scored))
