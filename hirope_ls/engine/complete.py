"""One completion: prompt, model, ending, trim, and an outcome with a name.

Knows neither threads nor editors: it is called on the model's thread and returns a value, whatever happens there.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from hirope_ls.engine.ending import Ending, ending_for
from hirope_ls.engine.options import Options
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.prompt import Prompt, build_context, build_prompt
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.engine.trim import loop, trim
from hirope_ls.model.folder import Card
from hirope_ls.model.generator import (
    Event,
    Finished,
    Generated,
    LanguageModel,
    Limits,
    Prefilled,
    Sampling,
    StopFlag,
)
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import never

_AROUND = 4000  # bytes each side of the cursor that the rules for text look at
_DRAWS = 3  # attempts at each alternative: many draws say what was said already


@dataclass(frozen=True)
class Completion:
    """The text to put in place of bytes `start` to `end` (nothing is replaced today: both are the cursor).

    `outcome` is one of shown, cached, empty:<why>, cancelled, deadline, filtered:<rule>, error:<what>; only the first
    two come with a text. `timings` are milliseconds: queue, prompt, prefill, decode, trim, total. `tokens` counts
    prompt (its length), reused, prefilled, generated, and what was guessed for those: drafted, accepted. `kind` is the
    prompt's order, `units` its number of units, and `mentions` how often its near text speaks of one of them.
    `approximate`: the row of the prompt from which on it rests on rows from before an edit; None: it is what the model
    says.
    """

    text: str
    start: int
    end: int
    outcome: str
    timings: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    kind: str = ""
    units: int = 0
    mentions: int = 0
    approximate: int | None = None


def complete(
    snapshot: Snapshot,
    offset: int,
    model: LanguageModel,
    tokenizer: TextTokenizer,
    card: Card,
    options: Options,
    stop: StopFlag,
    *,
    deadline: float | None = None,
    asked: float | None = None,
    progress: Progress | None = None,
) -> Completion:
    """Complete at byte `offset` (not inside a character). `deadline` and `asked` are of time.monotonic().

    At the deadline there is a whole first line, or nothing. `asked` is when the request came, for the queue's time.
    `progress` is told the text so far, and may have its own deadline: a stop flag that it sets.
    """
    question = _Question(snapshot, offset, model, tokenizer, card, options, stop, deadline)
    return question.answer(_Clock(asked), progress=progress)


def alternatives(
    snapshot: Snapshot,
    offset: int,
    model: LanguageModel,
    tokenizer: TextTokenizer,
    card: Card,
    options: Options,
    stop: StopFlag,
    *,
    count: int,
    deadline: float | None = None,
    asked: float | None = None,
) -> list[Completion]:
    """At least one and up to `count` completions, no two alike: what `complete` gives, then some drawn at random.

    Always the same ones for the same text and cursor, time permitting. All but the first have a text; each costs a row
    of the prompt and what it generates. Once the deadline has passed or `stop` is set no more are begun.
    """
    question = _Question(snapshot, offset, model, tokenizer, card, options, stop, deadline)
    found = [question.answer(_Clock(asked))]
    for seed in range(_DRAWS * (count - 1)):
        if (
            len(found) == count
            or found[0].outcome not in ("shown", "empty:blank", "empty:model-ended")
            or question.over
        ):
            break
        drawn = question.answer(_Clock(None), Sampling(seed=seed))
        if drawn.outcome == "shown" and drawn.text not in [each.text for each in found]:
            found.append(drawn)
    return found


class _Question:
    """What is asked of the model at one place in one text; its prompt is made once, however often it is answered."""

    def __init__(
        self,
        snapshot: Snapshot,
        offset: int,
        model: LanguageModel,
        tokenizer: TextTokenizer,
        card: Card,
        options: Options,
        stop: StopFlag,
        deadline: float | None,
    ) -> None:
        self._snapshot, self._offset = snapshot, offset
        self._model, self._tokenizer, self._card = model, tokenizer, card
        self._options, self._stop, self._deadline = options, stop, deadline

    @property
    def over(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self._stop.is_set() or (self._deadline is not None and time.monotonic() >= self._deadline)

    def answer(self, clock: _Clock, sampling: Sampling | None = None, progress: Progress | None = None) -> Completion:
        """One completion: the most likely one, or one drawn at random."""
        offset, data = self._offset, self._snapshot.buffer.data
        before = data[max(0, offset - _AROUND) : offset].decode("utf-8", "ignore")
        after = data[offset : offset + _AROUND].decode("utf-8", "ignore")
        if not self._snapshot.served:
            return Completion("", offset, offset, "empty:file-too-large", clock.total())
        prompt = self._prompt
        clock.lap("prompt")
        if not prompt.ids.size:
            return Completion("", offset, offset, "empty:no-text", clock.total())
        limits = _limits(self._tokenizer, self._options, self._deadline, prompt.healed, sampling)
        run = _Run(self._tokenizer, ending_for(before, after, self._options.max_lines), prompt.healed, progress)
        asked = self._snapshot.uri, prompt.ids, prompt.positions, limits, self._stop, prompt.mentions
        run.follow(self._model.generate(*asked), clock)
        text, outcome = run.result()
        if not outcome:
            trimmed = trim(text, before, after)
            text, outcome = trimmed.text, "shown" if trimmed.text else f"filtered:{trimmed.rules[-1]}"
            clock.lap("trim")
        counts = run.tokens(prompt), prompt.kind, prompt.units, prompt.num_mentions, run.exact
        return Completion(text, offset, offset, outcome, clock.total(), *counts)

    @cached_property
    def _prompt(self) -> Prompt:
        return build_prompt(self._snapshot, self._offset, self._tokenizer, self._card, self._options)


def warm(
    snapshot: Snapshot, model: LanguageModel, tokenizer: TextTokenizer, card: Card, options: Options, stop: StopFlag
) -> Prefilled | None:
    """Prefill what completions in this file begin with; None if they have nothing in common."""
    if not snapshot.served:
        return None
    context = build_context(snapshot, tokenizer, card, options)
    return model.warm(snapshot.uri, context.ids, context.positions, stop) if context.ids.size else None


def _limits(
    tokenizer: TextTokenizer, options: Options, deadline: float | None, prefix: bytes, sampling: Sampling | None
) -> Limits:
    special = tokenizer.special
    ends = {special.end_of_text, special.file_sep, special.fim_prefix, special.fim_suffix, special.fim_middle}
    stop_ids = frozenset(token for token in ends if token is not None)
    forbidden, approximate = special.all - stop_ids, options.approximate_splice
    return Limits(options.max_new_tokens, deadline, stop_ids, forbidden, prefix, sampling, approximate)


class _Clock:
    """Milliseconds by phase."""

    def __init__(self, asked: float | None) -> None:
        self._last = time.monotonic()
        self._began = self._last if asked is None else asked
        self.laps = {} if asked is None else {"queue": (self._last - asked) * 1000}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = (now - self._last) * 1000
        self._last = now

    def total(self) -> dict[str, float]:
        return {**self.laps, "total": (time.monotonic() - self._began) * 1000}


class _Run:
    """Follows a generation to where the text ends. It begins with `healed`, which stands before the cursor already."""

    def __init__(self, tokenizer: TextTokenizer, ending: Ending, healed: bytes, progress: Progress | None) -> None:
        self._tokenizer = tokenizer
        self._progress = progress
        self._ending = ending
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # holds back half a character
        self._text = ""
        self._healed = healed
        self._prefilled = Prefilled(0, 0, 0.0)
        self._generated = self._drafted = self._accepted = 0
        self._reason = ""

    def follow(self, events: Iterator[Event], clock: _Clock) -> None:
        for event in events:
            match event:
                case Prefilled():
                    self._prefilled = event
                    clock.lap("prefill")
                case Generated():
                    self._generated += 1
                    self._drafted += event.drafted
                    self._accepted += event.accepted
                    self._text += self._decoder.decode(self._new(event.id))
                    if self._progress is not None:
                        self._progress.tell(self._text)
                    cut = self._ending.cut(self._text)
                    if cut is not None or loop(self._text, "", "") != self._text:
                        self._text, self._reason = self._text[:cut], "end"
                        break
                case Finished():
                    late = self._progress is not None and event.reason == "cancelled" and self._progress.late
                    self._reason = "deadline" if late else event.reason
        clock.lap("decode")

    def _new(self, token: int) -> bytes:
        """What a token adds to the text after the cursor."""
        piece = self._tokenizer.token_bytes(token)
        known = min(len(piece), len(self._healed))
        if piece[:known] != self._healed[:known]:
            never("a generated text does not begin as it has to")
        self._healed = self._healed[known:]
        return piece[known:]

    def result(self) -> tuple[str, str]:
        """The text, and an outcome where there is none to show."""
        if self._reason == "cancelled":
            return "", "cancelled"
        if self._reason == "memory":
            return "", "error:memory"
        text = self._text
        if self._reason in ("deadline", "length"):
            text = self._ending.whole(text) or ("" if self._reason == "deadline" else text)
        if text.strip():
            return text, ""
        if self._reason == "deadline":
            return "", "deadline"
        return "", "empty:blank" if self._generated else "empty:model-ended"

    @property
    def exact(self) -> int | None:
        return self._prefilled.exact

    def tokens(self, prompt: Prompt) -> dict[str, int]:
        return {
            "prompt": int(prompt.ids.size),
            "reused": self._prefilled.reused,
            "prefilled": self._prefilled.prefilled,
            "generated": self._generated,
            "drafted": self._drafted,
            "accepted": self._accepted,
        }
