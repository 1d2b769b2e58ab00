"""The rest of lines of code, taken out as if not typed yet: the same questions for every model, told by bytes alone.

Two kinds: `rest`, from a cursor drawn at random in a line, with the text after the line shown, as in an editor; and
`line`, a whole line from its first character, with nothing after it. Knows no tokens and no models.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hirope_ls.lab.eval.lines import Line, chosen, code_spans
from hirope_ls.lab.eval.sources import Source

KINDS = ("rest", "line")
_BEFORE = 512  # bytes of the file before a line that is asked for, at least
AFTER = 1536  # bytes kept after the last line: more than any prompt shows
_APART = 1000  # bytes in which the lines taken from a file lie
_SCORED = 1536  # bytes of a stretch, at most, whose likelihood is asked for
_WORDS = 3  # of a line, at least
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Gap:
    """What is missing of a stretch: bytes from and to. `closed`: whether the text after it is shown."""

    start: int
    end: int
    closed: bool


@dataclass(frozen=True)
class Stretch:
    """A piece of the file `name`, the gaps of each kind in it, each by itself, and the bytes that are scored."""

    name: str
    text: bytes
    gaps: dict[str, tuple[Gap, ...]]
    scored: tuple[int, int]

    def before(self, gap: Gap) -> bytes:
        return self.text[: gap.start]

    def after(self, gap: Gap) -> bytes:
        return self.text[gap.end :] if gap.closed else b""

    def missing(self, gap: Gap) -> str:
        return self.text[gap.start : gap.end].decode()

    def typed(self, gap: Gap) -> Gap:
        """With one more character typed."""
        return Gap(gap.start + len(self.missing(gap)[0].encode()), gap.end, gap.closed)


def stretches(sources: Sequence[Source], context: int, limit: int, num: int, seed: int) -> Iterator[Stretch]:
    """A stretch with up to `num` lines from each of the first `limit` files that have any, in the order of `sources`.

    `context`: bytes before a cursor at most; the text begins at a line.
    """
    for source in sources:
        if limit == 0:
            return
        rng = random.Random(f"{seed} {source.name}")
        if lines := chosen(list(_lines(source)), num, rng, _APART):
            yield _stretch(source, lines, context, rng)
            limit -= 1


def _lines(source: Source) -> Iterator[Line]:
    """Those that may be asked for; they begin with a byte here, not with a token."""
    for number, _, code, end in code_spans(source):
        text = source.data[code:end].decode()
        if code >= _BEFORE and len(_WORD.findall(text)) >= _WORDS:
            yield Line(number, code, text)


def _stretch(source: Source, lines: Sequence[Line], context: int, rng: random.Random) -> Stretch:
    last = lines[-1].first
    start = source.data.find(b"\n", last - context, last) + 1 if last > context else 0
    end = last + len(lines[-1].text.encode())
    gaps: dict[str, list[Gap]] = {kind: [] for kind in KINDS}
    for line in lines:
        at, size = line.first - start, len(line.text.encode())
        gaps["rest"].append(Gap(at + cursor(line.text, rng), at + size, True))
        gaps["line"].append(Gap(at, at + size, False))
    text = source.data[start : end + AFTER].decode(errors="ignore").encode()
    scored = text.find(b"\n", max((end - start) // 2, end - start - _SCORED)) + 1
    told = {kind: tuple(own) for kind, own in gaps.items()}
    return Stretch(source.name, text, told, (min(scored, last - start), end - start))


def cursor(text: str, rng: random.Random) -> int:
    """Bytes of a line that are typed already: any number of its characters that leaves some of a word."""
    most = max(match.end() for match in re.finditer(r"\w", text))
    return len(text[: rng.randrange(most)].encode())
