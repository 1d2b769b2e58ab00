"""Training rows: windows of plain code, and fill-in-the-middle examples in the product's prompt format.

The format, with a file's text = A + P + M + S (far prefix, near prefix, middle, suffix):

    context-SPM   A <|fim_prefix|> <|fim_suffix|> S <|fim_middle|> P M <|endoftext|>
    PSM           <|fim_prefix|> P <|fim_suffix|> S <|fim_middle|> M <|endoftext|>

In context-SPM what changes least comes first: A stays in a KV cache when the cursor moves, and S while one
types. `<|file_sep|>` stands before a file that is shown from its first character, `<|endoftext|>` ends a
file or an example. SPM is from Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the
Middle"; the context before it is ours. Each part is encoded on its own, so that the model learns to go on
from the middle of a word. This module knows nothing about the model.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tokenizers import Tokenizer

from hirope_ls.lab.train.corpus import SourceFile
from hirope_ls.lab.train.renaming import Renamer
from hirope_ls.lab.train.tokenizer import END, FILE, MIDDLE, PREFIX, SUFFIX, plain_encoder, special_id
from hirope_ls.lab.train.written import FIRST_LANGUAGE, language

TRAINED_LENGTH = 512
ROW_LENGTH = TRAINED_LENGTH + 1  # inputs and the targets one further

CHARS_PER_TOKEN = 3.2
_MAX_CHARS_PER_TOKEN = 8  # for cutting a text that certainly holds so many tokens
_MIN_EXAMPLE = 96  # a rest of a row shorter than this is filled with plain code
NEAR_TOKENS = (24, 200)
SUFFIX_TOKENS = (0, 128)
_MAX_MIDDLE = 480  # characters
_FILE_WEIGHT_CAP = 32_000  # characters: a long file is not worth more than this
_SOURCE_EXPONENT = 0.7  # below 1, so that small well-kept projects are not drowned by the large ones
_RENAMED_CHARS = 3 * TRAINED_LENGTH * _MAX_CHARS_PER_TOKEN  # of a file; renaming all of a long one would take long
_OTHERS_SHARE = 0.15  # of what is drawn; a model this small that learns all languages alike knows none
_STOPS = re.compile(r"[.(\[,=:] ?|\b(?:return|import|from|in|if|for|with|not|raise) ")


@dataclass(frozen=True)
class Cut:
    """A file's text cut for an example: `far + near + middle + suffix` is a substring of the file.

    `from_start` says whether `far` begins at the file's first character.
    """

    far: str
    near: str
    middle: str
    suffix: str
    from_start: bool


@dataclass(frozen=True)
class Example:
    """Token ids and the range of them that a completion would have to produce, end mark included."""

    ids: list[int]
    middle: tuple[int, int]


@dataclass(frozen=True)
class Mix:
    """Shares of what rows are made of: context-SPM and PSM examples, the rest is plain code; and of the texts whose
    rare words are renamed."""

    spm: float = 0.5
    psm: float = 0.1
    renamed: float = 0.0


class RowMaker:
    """Makes rows from files. Row `index` of a seed is always the same row, so a run resumes from a number."""

    def __init__(self, tokenizer: Tokenizer, files: Sequence[SourceFile], seed: int = 0, mix: Mix = Mix()) -> None:
        self.files = [file for file in files if file.text.strip()]
        self.seed = seed
        self._mix = mix
        self._renamer = Renamer(self.files) if mix.renamed else None
        self._encode = plain_encoder(tokenizer)
        self._end, self._prefix, self._suffix, self._middle, self._file = (
            special_id(tokenizer, token) for token in (END, PREFIX, SUFFIX, MIDDLE, FILE)
        )
        self._cumulative = list(itertools.accumulate(_weights(self.files)))

    def row(self, index: int) -> list[int]:
        """ROW_LENGTH token ids."""
        rng = self.rng(index)
        ids: list[int] = []
        while len(ids) < ROW_LENGTH:
            room = ROW_LENGTH - len(ids)
            draw = rng.random()
            if room < _MIN_EXAMPLE or draw < 1 - self._mix.spm - self._mix.psm:
                ids += self.plain(room, rng)
            elif draw < 1 - self._mix.psm:
                ids += (self.context_spm(room, rng) or Example(self.plain(room, rng), (0, 0))).ids
            else:
                ids += (self.psm(room, rng) or Example(self.plain(room, rng), (0, 0))).ids
        return ids[:ROW_LENGTH]

    def rng(self, index: int) -> random.Random:
        """The generator of row `index`."""
        return random.Random(f"{self.seed}:{index}")

    def plain(self, room: int, rng: random.Random) -> list[int]:
        """At most `room` ids of one file: from its start in a third of the cases, else from the start of a line."""
        text = self._pick(rng).text
        start = 0 if rng.random() < 1 / 3 else _line_start(text, rng.randrange(len(text)))
        window = text[start : start + room * _MAX_CHARS_PER_TOKEN]
        whole = start + len(window) == len(text)
        if self._renamer and rng.random() < self._mix.renamed:
            window = self._renamer.renamed(window, rng)
        ids = [self._file] * (start == 0) + self._encode(window) + [self._end] * whole
        return ids[:room]

    def next_line(self, room: int, rng: random.Random) -> Example | None:
        """A line of code with plain code before it, at most `room` ids in all; its newline is the last of them."""
        text = self._pick(rng).text
        start = _line_start(text, rng.randrange(len(text)))
        end = _line_end(text, start)
        line = self._encode(text[start:end] + "\n")
        if not text[start:end].strip() or len(line) > room // 2:
            return None
        before = self._encode(text[max(0, start - room * _MAX_CHARS_PER_TOKEN) : start])[-(room - len(line)) :]
        return Example(before + line, (len(before), len(before) + len(line))) if before else None

    def context_spm(self, room: int, rng: random.Random) -> Example | None:
        """One context-SPM example of at most `room` ids, filled up with far prefix; None if a drawn cut is too long."""
        cut = self._cut(rng, room / ROW_LENGTH)
        near, middle, suffix = self._encode(cut.near), self._encode(cut.middle), self._encode(cut.suffix)
        tail = [self._prefix, self._suffix, *suffix, self._middle, *near, *middle, self._end]
        room -= len(tail)
        if room < 0:
            return None
        context = [] if rng.random() < 0.2 else self._context(cut, room, rng)
        ids = context + tail
        return Example(ids, (len(ids) - len(middle) - 1, len(ids)))

    def psm(self, room: int, rng: random.Random) -> Example | None:
        """One PSM example of at most `room` ids; None if a drawn cut is too long."""
        cut = self._cut(rng, room / ROW_LENGTH)
        middle = self._encode(cut.middle)
        head = [self._prefix, *self._encode(cut.near), self._suffix, *self._encode(cut.suffix), self._middle]
        ids = [*head, *middle, self._end]
        return Example(ids, (len(head), len(ids))) if len(ids) <= room else None

    def _context(self, cut: Cut, room: int, rng: random.Random) -> list[int]:
        """The last ids of the far prefix; where it is short, sometimes with a piece of another file before it."""
        if room <= 0:
            return []
        ids = self._encode(cut.far[-room * _MAX_CHARS_PER_TOKEN :])
        if not cut.from_start or len(ids) >= room:
            return ids[-room:]
        ids = [self._file, *ids]
        rest = room - len(ids)
        if rest >= _MIN_EXAMPLE // 2 and rng.random() < 0.5:
            ids = self._piece(rest, rng) + ids
        return ids

    def _piece(self, room: int, rng: random.Random) -> list[int]:
        """At most `room` ids of whole lines of some file, as context from elsewhere would be."""
        text = self._pick(rng).text
        start = _line_start(text, rng.randrange(len(text)))
        end = text.rfind("\n", start, start + int(room * CHARS_PER_TOKEN)) + 1
        return self._encode(text[start:end])[:room] if end > start else []

    def _cut(self, rng: random.Random, scale: float) -> Cut:
        text = self._pick(rng).text
        if self._renamer is None or rng.random() >= self._mix.renamed:
            return choose_cut(text, rng, scale)
        start = _line_start(text, max(0, rng.randrange(len(text)) - _RENAMED_CHARS // 2))
        cut = choose_cut(self._renamer.renamed(text[start : start + _RENAMED_CHARS], rng), rng, scale)
        return cut if start == 0 else replace(cut, from_start=False)

    def _pick(self, rng: random.Random) -> SourceFile:
        at = bisect.bisect(self._cumulative, rng.random() * self._cumulative[-1])
        return self.files[min(at, len(self.files) - 1)]


def choose_cut(text: str, rng: random.Random, scale: float = 1.0) -> Cut:
    """Cut a text where a completion would be asked for. `scale` shortens the near prefix and the suffix.

    Half of the middles are the rest of a line, a quarter are lines, 15 % are short spans within a line and
    the rest is anything. A middle never begins or ends between CR and LF.
    """
    draw = rng.random()
    anchor = rng.randrange(len(text))
    line_start, line_end = _line_start(text, anchor), _line_end(text, anchor)
    if draw < 0.5:
        start, end = _cursor(text, line_start, line_end, rng), line_end
    elif draw < 0.75:
        start = line_end if rng.random() < 0.3 else _cursor(text, line_start, line_end, rng)
        end = _block_end(text, line_start, line_end, rng)
    elif draw < 0.9:
        start = _cursor(text, line_start, line_end, rng)
        end = min(line_end, start + 1 + int(rng.expovariate(1 / 8)))
    else:
        start = anchor
        end = start + int(math.exp(rng.uniform(0, math.log(400))))
    end = _off_crlf(text, min(end, start + _MAX_MIDDLE, len(text)))
    start = min(_off_crlf(text, start), end)
    near_start = _line_start(text, max(0, start - int(rng.uniform(*NEAR_TOKENS) * CHARS_PER_TOKEN * scale)))
    suffix_end = _suffix_end(text, end, int(rng.uniform(*SUFFIX_TOKENS) * CHARS_PER_TOKEN * scale), rng)
    far_start = max(0, near_start - TRAINED_LENGTH * _MAX_CHARS_PER_TOKEN)
    return Cut(
        text[far_start:near_start], text[near_start:start], text[start:end], text[end:suffix_end], far_start == 0
    )


def _cursor(text: str, line_start: int, line_end: int, rng: random.Random) -> int:
    """A place in a line where one would be typing."""
    line = text[line_start:line_end]
    indent = len(line) - len(line.lstrip())
    draw = rng.random()
    if draw < 0.08:
        return line_start
    if draw < 0.25:
        return line_start + indent
    stops = [match.end() for match in _STOPS.finditer(line)] if draw < 0.65 else []
    return line_start + (rng.choice(stops) if stops else rng.randint(indent, len(line)))


def _block_end(text: str, line_start: int, line_end: int, rng: random.Random) -> int:
    """The end of the last of one to six more lines, or of the last line that is indented like this one or deeper."""
    whole_block = rng.random() < 0.5
    indent = _indent(text[line_start:line_end])
    end = line_end
    for _ in range(12 if whole_block else rng.randint(1, 6)):
        if end >= len(text):
            break
        next_end = _line_end(text, text.index("\n", end) + 1) if "\n" in text[end : end + 2] else len(text)
        line = text[end:next_end].lstrip("\r\n")
        if whole_block and line.strip() and _indent(line) < indent:
            break
        end = next_end
    return line_end + len(text[line_end:end].rstrip())


def _suffix_end(text: str, end: int, chars: int, rng: random.Random) -> int:
    """Where a suffix of about so many characters ends: after a line, or at once in a tenth of the cases."""
    if rng.random() < 0.1 and end == _line_end(text, end):
        return end
    newline = text.find("\n", min(len(text), end + chars))
    return len(text) if newline < 0 else newline + 1


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """The end of the line that `at` is in, before its CR or LF."""
    newline = text.find("\n", at)
    end = len(text) if newline < 0 else newline
    return end - 1 if end > at and text[end - 1] == "\r" else end


def _off_crlf(text: str, at: int) -> int:
    return at - 1 if text[max(at - 1, 0) : at + 1] == "\r\n" else at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _weights(files: Sequence[SourceFile]) -> list[float]:
    """How often each file is drawn: by its source's size, and no more of other languages than `_OTHERS_SHARE`."""
    sizes = [min(len(file.text), _FILE_WEIGHT_CAP) for file in files]
    totals = Counter[str]()
    for file, size in zip(files, sizes, strict=True):
        totals[file.source] += size
    weights = [size * totals[file.source] ** (_SOURCE_EXPONENT - 1) for file, size in zip(files, sizes, strict=True)]
    is_first = [language(file.path) == FIRST_LANGUAGE for file in files]
    first = sum(itertools.compress(weights, is_first))
    others = sum(weights) - first
    if not first or others <= _OTHERS_SHARE * (first + others):
        return weights
    scale = _OTHERS_SHARE / (1 - _OTHERS_SHARE) * first / others
    return [weight if one else weight * scale for weight, one in zip(weights, is_first, strict=True)]
