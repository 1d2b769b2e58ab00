"""The prompt from which a model explains a definition: the definition itself, in the file around it, and a beginning.

comment  the file up to the definition's end, and below it a comment that begins to say what the definition does; it is
         asked as a completion at that place is (engine/prompt.py), so the file's cached tokens serve for it, too
chat     what a user says by the model's chat template: the file, as far as there is room, and what is to be explained

In both the definition has its unit's positions, and the last words name it, so that where it is far from them it is
mentioned (engine/mentions.py). A definition longer than there is room for is shown up to where the room ends, alone.
A function of the definition, its file and the model. Knows no threads and no answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.assembly import Assembly
from hirope_ls.engine.excerpt import Prefix
from hirope_ls.engine.explain.subject import Subject
from hirope_ls.engine.hearing import hear
from hirope_ls.engine.prompt import Prompt, build_prompt, defining
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.model.generator import Mentions
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text import Buffer
from hirope_ls.text.encoding import character_start
from hirope_ls.text.markdown import fence_for

IntArray = NDArray[np.int32]
Turns = tuple[Sequence[int], Sequence[int]]
"""What a chat template writes in front of what a user says, and behind it, as ids."""

_MOST = 8192  # tokens of a file that an explanation is worth
_WORDS = 128  # tokens for the question and the words around it
_BEHIND = 4000  # bytes of what follows the definition that a comment's prompt may look at
_BYTES = 8  # for one token, at most, but in odd texts
_LONGEST = {"comment": 96, "chat": 320}  # tokens generated


@dataclass(frozen=True)
class Contents:
    """What a prompt holds, for people.

    how: "chat" or "comment". lines: the definition's, counted from 1; whole: whether all of it is there; tokens: how
    many it has. units: the first and the last one that its tokens are in, of num_units; index: the largest index of a
    token in these. shown: the first and last line of the file that stand before the question. size: tokens in all.
    """

    how: str
    lines: tuple[int, int]
    whole: bool
    tokens: int
    units: tuple[int, int]
    index: int
    shown: tuple[int, int]
    size: int
    num_units: int
    mentions: int
    trained_length: int


@dataclass(frozen=True, eq=False)
class Asked:
    """Ids int32[n], positions int32[2, n] and mentions, as a model is given them.

    definition: where in the prompt the definition's tokens are. longest: tokens that may be generated.
    """

    ids: IntArray
    positions: IntArray
    mentions: Mentions | None
    definition: NDArray[np.int64]
    longest: int
    contents: Contents


def ask(subject: Subject, recipe: Recipe, pipeline: Pipeline, turns: Turns | None = None) -> Asked:
    """The prompt; by a comment where the model takes no turns."""
    how = "comment" if turns is None else "chat"
    cap = min(recipe.cap, _MOST)
    options = replace(recipe.options, max_prompt_tokens=cap, max_new_tokens=_LONGEST[how], context_tokens=0, heal=False)
    asking = _Asking(subject, replace(recipe, options=options), pipeline)
    return asking.by_comment() if turns is None else asking.by_chat(turns)


class _Asking:
    """One prompt in the making."""

    def __init__(self, subject: Subject, recipe: Recipe, pipeline: Pipeline) -> None:
        self.subject, self.recipe, self.pipeline = subject, recipe, pipeline
        self.tokenizer, self.longest = recipe.tokenizer, recipe.options.max_new_tokens
        # A text that is cut at its start keeps three quarters of the cap at least.
        room = max(recipe.cap * 3 // 4 - _WORDS, 16)
        self.source, self.size = _head(subject.source, room, recipe.tokenizer)
        self.whole = len(self.source) == len(subject.source)

    def by_comment(self) -> Asked:
        one, data = self.subject, self.subject.buffer.data
        before = data[: one.start] if self.whole else b""
        behind = data[one.end : character_start(data, min(len(data), one.end + _BEHIND))] if self.whole else b""
        margin = one.source[: len(one.source) - len(one.source.lstrip(b" \t"))].decode()
        opening = f"\n\n{margin}{one.mark} What {one.word} does, in plain words:".encode()
        offset = len(before) + len(self.source) + len(opening)
        snapshot = self._snapshot(before + self.source + opening + behind)
        prompt = build_prompt(Question(snapshot, offset, self.recipe))
        prefix = Prefix.of(snapshot, offset, self.tokenizer, self.recipe.cap, heal=False)
        made = prompt.ids, prompt.positions, prompt.mentions
        return self._asked("comment", *made, one.start - len(before), prefix, _places(prompt))

    def by_chat(self, turns: Turns) -> Asked:
        one, data = self.subject, self.subject.buffer.data
        low, high = self._window() if self.whole else (one.start, one.start + len(self.source))
        snapshot = self._snapshot(data[low:high])
        prefix = Prefix.of(snapshot, high - low, self.tokenizer, None, heal=False)
        fence = fence_for(snapshot.buffer.text)
        made = Assembly()
        made.suffix(np.array(turns[0], np.int32), self._words(f"This is from {one.file_name}:\n\n{fence}\n"))
        made.text(prefix, prefix.first, prefix.end)
        made.suffix(self._words(f"\n{fence}\n\n{_question(one)}"), np.array(turns[1], np.int32))
        ids, positions = made.joined(self.recipe.max_units)
        places = np.concatenate([np.empty(0, np.int32), *made.places]).astype(np.int64)
        mentions = None
        if ids.size + self.longest > self.recipe.card.trained_length and made.after is not None:
            defined = defining(snapshot, prefix, positions[0, places])
            mentions = hear(self.tokenizer, ids, positions[0], defined, made.after, None)
        return self._asked("chat", ids, positions, mentions, low, prefix, places)

    def _snapshot(self, data: bytes) -> Snapshot:
        return self.pipeline.open("", 0, Buffer.of(data), self.subject.language_id, self.subject.path)

    def _words(self, text: str) -> IntArray:
        return self.tokenizer.encode(text.encode()).ids

    def _window(self) -> tuple[int, int]:
        """The bytes of the file that there is room for: half of it for what stands before the definition, or more."""
        one, data = self.subject, self.subject.buffer.data
        room = self.recipe.cap - self.size - 2 * _WORDS
        reach = max(room, 0) * _BYTES
        first = data.find(b"\n", character_start(data, one.start - reach), one.start) + 1 if one.start > reach else 0
        last = character_start(data, min(len(data), one.end + reach))
        above = self.tokenizer.encode(data[first : one.start] if first or one.start <= reach else b"")
        below = self.tokenizer.encode(data[one.end : last])
        before = min(len(above), max(room // 2, room - len(below), 0))
        after = min(len(below), max(room - before, 0))
        low = one.start
        if before:
            begin = first + int(above.begins(np.array([len(above) - before]))[0])
            low = begin if before == len(above) else data.find(b"\n", begin, one.start) + 1 or one.start
        end = one.end + int(below.ends[after - 1]) if after else one.end
        high = end if end == len(data) else max(data.rfind(b"\n", one.end, end), one.end)
        return low, high

    def _asked(
        self,
        how: str,
        ids: IntArray,
        positions: IntArray,
        mentions: Mentions | None,
        moved: int,
        prefix: Prefix,
        places: NDArray[np.int64],
    ) -> Asked:
        """`moved`: how many bytes of the file are not before the snapshot's; `places`: of the prefix's tokens."""
        one, starts, line_of = self.subject, prefix.starts, self.subject.buffer.line_of
        begin, end = one.start - moved, one.start - moved + len(self.source)
        low = max(int(starts.searchsorted(begin, "right")) - 1, 0)
        definition = places[low : int(starts.searchsorted(end))]
        first, last = one.start, max(one.start + len(self.source) - 1, one.start)
        beginning = int(starts[0]) + moved if starts.size else one.start
        ending = last if how == "comment" else moved + prefix.cut
        units, index = positions[:, definition] if definition.size else np.zeros((2, 1), np.int32)
        contents = Contents(
            how,
            (line_of(first) + 1, line_of(last) + 1),
            self.whole and beginning <= first,
            int(definition.size),
            (int(units.min()), int(units.max())),
            int(index.max()),
            (line_of(beginning) + 1, line_of(min(ending, len(one.buffer.data))) + 1),
            int(ids.size),
            int(positions[0, -1]) + 1 if ids.size else 0,
            mentions.pairs.shape[1] if mentions else 0,
            self.recipe.card.trained_length,
        )
        return Asked(ids, positions, mentions, definition, self.longest, contents)


def _question(one: Subject) -> str:
    return (
        f"Explain the {one.kind} `{one.name}` to a programmer who is about to use it: what it does, what it takes and "
        "gives, and what is easy to get wrong. At most six sentences. Say only what the code shows."
    )


def _head(source: bytes, room: int, tokenizer: TextTokenizer) -> tuple[bytes, int]:
    """As many whole lines of a definition as so many tokens hold, or so much of the first, and their tokens."""
    tokens = tokenizer.encode(source)
    if len(tokens) <= room:
        return source, len(tokens)
    end = int(tokens.ends[room - 1])
    cut = source.rfind(b"\n", 0, end)
    kept = source[: cut if cut > 0 else character_start(source, end)]
    return kept, room


def _places(prompt: Prompt) -> NDArray[np.int64]:
    """Where in a prompt the tokens of the file before the cursor are."""
    size, near, far, suffix = int(prompt.ids.size), prompt.near, prompt.far, prompt.suffix
    if prompt.kind == "psm":
        return np.arange(near, dtype=np.int64) + size - suffix - 2 - near
    size -= prompt.kind == "suffix-prefix-middle"  # its mark stands after all
    between = suffix + 3 if prompt.kind != "plain" else 0
    before = np.arange(far, dtype=np.int64) + size - near - between - far
    return np.concatenate((before, np.arange(size - near, size, dtype=np.int64)))
