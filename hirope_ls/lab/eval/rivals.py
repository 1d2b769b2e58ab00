"""Who is compared: models, each with its own tokenizer, and the copied line; one stretch of a file at a time.

Models answer as they are served (`lab/eval/served.py`). bits: of a character of the text, given what stands before it;
a measure that does not depend on the vocabulary. Times are of this machine: of a completion with nothing kept, and of
the next one, a character later.
"""

from __future__ import annotations

import math
import statistics
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from hirope_ls.lab.eval.completion import compared
from hirope_ls.lab.eval.copying import copied
from hirope_ls.lab.eval.gaps import Gap, Stretch
from hirope_ls.lab.eval.kinds import Hits, hits
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.served import Served, first_line
from hirope_ls.lab.eval.sources import Source
from hirope_ls.lab.methods import methods
from hirope_ls.model.loader import Loaded
from hirope_ls.model.tokens import TextTokenizer

COPY = "copy"


@dataclass(frozen=True)
class Case:
    """One rival's answers in one file: means over its lines, and how many rests of lines of each kind it got right;
    bits a character and seconds where it is a model."""

    rival: str
    file: str
    lines: int
    rest_exact_match: float
    rest_edit_similarity: float
    line_exact_match: float
    line_edit_similarity: float
    bits: float | None = None
    cold: float | None = None
    warm: float | None = None
    hits: Hits = field(default_factory=dict)


class Rival(ABC):
    """Answers questions. `name`: as the tables have it; `digest`: of all that its answers depend on."""

    name: str
    digest: str

    @abstractmethod
    def answer(self, stretch: Stretch, gap: Gap) -> str:
        """What it would put into the gap: one line."""

    def bits(self, stretch: Stretch) -> float | None:
        """Bits a character of what is scored."""
        return None

    def times(self, stretch: Stretch) -> tuple[float, float] | tuple[None, None]:
        """Seconds of a cold answer, and of the one a character later."""
        return None, None

    def case(self, stretch: Stretch) -> Case:
        """All that is asked about a stretch."""
        cold, warm = self.times(stretch)
        each = {kind: [self._told(stretch, gap) for gap in gaps] for kind, gaps in stretch.gaps.items()}
        means = {
            f"{kind}_{metric}": round(statistics.fmean(one[metric] for one in told), 6)
            for kind, told in each.items()
            for metric in told[0]
        }
        rests = stretch.gaps["rest"]
        right = hits(
            (stretch.missing(gap), stretch.before(gap).decode(errors="replace"), told["exact_match"] == 1)
            for gap, told in zip(rests, each["rest"], strict=True)
        )
        bits = self.bits(stretch)
        return Case(self.name, stretch.name, len(rests), **means, bits=bits, cold=cold, warm=warm, hits=right)

    def _told(self, stretch: Stretch, gap: Gap) -> dict[str, float]:
        """Both metrics; blanks around an answer do not count."""
        return compared(self.answer(stretch, gap).strip(), stretch.missing(gap).strip())


class Copied(Rival):
    """What stands elsewhere in the text."""

    name = digest = COPY

    def answer(self, stretch: Stretch, gap: Gap) -> str:
        return copied(stretch.before(gap), stretch.after(gap)).decode(errors="replace")


class Model(Rival):
    """A model folder, loaded. `weights`: what `model_digest` says of it."""

    def __init__(self, name: str, weights: str, loaded: Loaded, tokenizer: TextTokenizer) -> None:
        self.name, self.weights, self.loaded = name, weights, loaded
        self.digest = f"{weights} {loaded.dtype}"
        self._tokenizer = tokenizer
        self._served = Served(loaded, tokenizer)
        (method,) = methods("hirope", loaded.card.trained_length)
        self._reader = Reader(loaded, method)

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth knowing of it."""
        card = self.loaded.card
        size = {"parameters": card.parameters, "vocabulary": card.vocab_size, "trained_length": card.trained_length}
        return {"weights": self.weights[:12], **size}

    def answer(self, stretch: Stretch, gap: Gap) -> str:
        return first_line(self._served.answer(stretch.name, stretch.before(gap), stretch.after(gap)))

    def bits(self, stretch: Stretch) -> float | None:
        start, end = stretch.scored
        length = self.loaded.card.trained_length
        source = Source(stretch.name, lambda: stretch.text[:end], self._tokenizer, length)
        first = max(source.token_at(start), 1)
        text = source.text(first, len(source)).decode(errors="replace")
        nats = self._reader.nll(Prompt.of(source), len(source) - first).sum()
        return round(float(nats) / math.log(2) / len(text), 6)

    def times(self, stretch: Stretch) -> tuple[float, float]:
        gap = stretch.gaps["rest"][0]
        self._served.forget()
        cold, warm = (
            self._served.answer(stretch.name, stretch.before(each), stretch.after(each)).timings["total"] / 1000
            for each in (gap, stretch.typed(gap))
        )
        return round(cold, 5), round(warm, 5)
