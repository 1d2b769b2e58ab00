"""One completion: prompt, model, ending, trim, and an outcome with a name.

Knows neither threads nor editors: it is called on the model's thread and returns a value, whatever happens there.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hirope_ls.engine.ending import Ending, ending_for
from hirope_ls.engine.options import Options
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.prompt import Prompt, build_context, build_prompt
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.engine.trim import loop, trim
from hirope_ls.model.folder import Card
from hirope_ls.model.generator import Event, Finished, Generated, LanguageModel, Limits, Prefilled, StopFlag
from hirope_ls.model.tokens import TextTokenizer

_AROUND = 4000  # bytes each side of the cursor that the rules for text look at


@dataclass(frozen=True)
class Completion:
    """The text to put in place of bytes `start` to `end` (nothing is replaced today: both are the cursor).

    `outcome` is one of shown, cached, empty:<why>, cancelled, deadline, filtered:<rule>, error:<what>; only the first
    two come with a text. `timings` are milliseconds: queue, prompt, prefill, decode, trim, total. `tokens` counts
    prompt (its length), reused, prefilled, generated. `kind` is the prompt's order, `units` its number of units, and
    `mentions` how often its near text speaks of one of them.
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
    clock = _Clock(asked)
    data = snapshot.buffer.data
    before = data[max(0, offset - _AROUND) : offset].decode("utf-8", "ignore")
    after = data[offset : offset + _AROUND].decode("utf-8", "ignore")
    if not snapshot.served:
        return Completion("", offset, offset, "empty:file-too-large", clock.total())
    prompt = build_prompt(snapshot, offset, tokenizer, card, options)
    clock.lap("prompt")
    if not prompt.ids.size:
        return Completion("", offset, offset, "empty:no-text", clock.total())
    ending = ending_for(before, after, options.max_lines)
    limits = _limits(tokenizer, options, deadline)
    run = _Run(tokenizer, ending, progress)
    events = model.generate(snapshot.uri, prompt.ids, prompt.positions, limits, stop, prompt.mentions)
    run.follow(events, clock)
    text, outcome = run.result()
    if not outcome:
        trimmed = trim(text, before, after)
        text, outcome = trimmed.text, "shown" if trimmed.text else f"filtered:{trimmed.rules[-1]}"
        clock.lap("trim")
    counts = run.tokens(prompt), prompt.kind, prompt.units, prompt.num_mentions
    return Completion(text, offset, offset, outcome, clock.total(), *counts)


def warm(
    snapshot: Snapshot, model: LanguageModel, tokenizer: TextTokenizer, card: Card, options: Options, stop: StopFlag
) -> Prefilled | None:
    """Prefill what completions in this file begin with; None if they have nothing in common."""
    if not snapshot.served:
        return None
    context = build_context(snapshot, tokenizer, card, options)
    return model.warm(snapshot.uri, context.ids, context.positions, stop) if context.ids.size else None


def _limits(tokenizer: TextTokenizer, options: Options, deadline: float | None) -> Limits:
    special = tokenizer.special
    ends = {special.end_of_text, special.file_sep, special.fim_prefix, special.fim_suffix, special.fim_middle}
    stop_ids = frozenset(token for token in ends if token is not None)
    return Limits(
        options.max_new_tokens, deadline, stop_ids, special.all - stop_ids, approximate=options.approximate_splice
    )


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
    """Follows a generation and ends it where the text ends."""

    def __init__(self, tokenizer: TextTokenizer, ending: Ending, progress: Progress | None) -> None:
        self._tokenizer = tokenizer
        self._progress = progress
        self._ending = ending
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # holds back half a character
        self._text = ""
        self._prefilled = Prefilled(0, 0, 0.0)
        self._generated = 0
        self._reason = ""

    def follow(self, events: Iterator[Event], clock: _Clock) -> None:
        for event in events:
            match event:
                case Prefilled():
                    self._prefilled = event
                    clock.lap("prefill")
                case Generated():
                    self._generated += 1
                    self._text += self._decoder.decode(self._tokenizer.token_bytes(event.id))
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

    def tokens(self, prompt: Prompt) -> dict[str, int]:
        return {
            "prompt": int(prompt.ids.size),
            "reused": self._prefilled.reused,
            "prefilled": self._prefilled.prefilled,
            "generated": self._generated,
        }
