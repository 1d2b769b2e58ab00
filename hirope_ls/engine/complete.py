"""One completion: prompt, model, ending, trim, and an outcome with a name.

Knows neither threads nor editors: it is called on the model's thread and returns a value, whatever happens there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

from hirope_ls.engine.completion import Completion
from hirope_ls.engine.ending import ending_for
from hirope_ls.engine.following import Clock, Following
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.prompt import Prompt, build_prompt
from hirope_ls.engine.question import Question
from hirope_ls.engine.trim import trim
from hirope_ls.model.generator import LanguageModel, Limits, Sampling, StopFlag
from hirope_ls.syntax import ANY_BLOCKS

_AROUND = 4000  # bytes each side of the cursor that the rules for text look at
_DRAWS = 3  # attempts at each alternative: many draws say what was said already


def complete(
    question: Question,
    model: LanguageModel,
    stop: StopFlag,
    *,
    deadline: float | None = None,
    asked: float | None = None,
    progress: Progress | None = None,
) -> Completion:
    """The model's answer. `deadline` and `asked` are of time.monotonic().

    At the deadline there is a whole first line, or nothing. `asked` is when the request came, for the queue's time.
    `progress` is told the text so far, and may have its own deadline: a stop flag that it sets.
    """
    return _Asked(question, model, stop, deadline).answer(Clock(asked), progress=progress)


def alternatives(
    question: Question,
    model: LanguageModel,
    stop: StopFlag,
    first: Completion,
    *,
    count: int,
    deadline: float | None = None,
) -> list[Completion]:
    """Up to `count` completions beside `first`, the one that is known: drawn at random, no two alike, all with a text.

    Always the same ones for the same text and cursor, time permitting; each costs a row of the prompt and what it
    generates. Once the deadline has passed or `stop` is set no more are begun.
    """
    here = _Asked(question, model, stop, deadline)
    found: list[Completion] = []
    for seed in range(_DRAWS * count):
        if len(found) == count or here.over:
            break
        drawn = here.answer(Clock(None), Sampling(seed=seed))
        if drawn.outcome == "shown" and drawn.text not in [each.text for each in (first, *found)]:
            found.append(drawn)
    return found


@dataclass(frozen=True, eq=False)
class _Asked:
    """A question put to a model; its prompt is made once, however often it is answered."""

    question: Question
    model: LanguageModel
    stop: StopFlag
    deadline: float | None

    @property
    def over(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self.stop.is_set() or (self.deadline is not None and time.monotonic() >= self.deadline)

    def answer(self, clock: Clock, sampling: Sampling | None = None, progress: Progress | None = None) -> Completion:
        """One completion: the most likely one, or one drawn at random."""
        offset, snapshot = self.question.offset, self.question.snapshot
        if not snapshot.served:
            return Completion("", offset, offset, "empty:file-too-large", timings=clock.total())
        prompt = self._prompt
        clock.lap("prompt")
        if not prompt.ids.size:
            return Completion("", offset, offset, "empty:no-text", timings=clock.total())
        before, after = self._around
        recipe = self.question.recipe
        language = snapshot.parse.language
        ending = ending_for(before, after, recipe.options.max_lines, language.blocks if language else ANY_BLOCKS)
        run = Following(recipe.tokenizer, ending, prompt.healed, progress)
        asked = snapshot.uri, prompt.ids, prompt.positions, self._limits(sampling), self.stop, prompt.mentions
        run.follow(self.model.generate(*asked), clock)
        text, outcome = run.result()
        if not outcome:
            trimmed = trim(text, before, after)
            text, outcome = trimmed.text, "shown" if trimmed.text else f"filtered:{trimmed.rules[-1]}"
            clock.lap("trim")
        tokens = {"prompt": int(prompt.ids.size), **run.tokens()}
        return Completion(
            text,
            offset,
            offset,
            outcome,
            timings=clock.total(),
            tokens=tokens,
            kind=prompt.kind,
            units=prompt.units,
            mentions=prompt.num_mentions,
            approximate=run.exact,
        )

    @cached_property
    def _prompt(self) -> Prompt:
        return build_prompt(self.question)

    @property
    def _around(self) -> tuple[str, str]:
        """The text before the cursor and after it, as far as rules look at it."""
        offset, data = self.question.offset, self.question.snapshot.buffer.data
        before, after = data[max(0, offset - _AROUND) : offset], data[offset : offset + _AROUND]
        return before.decode("utf-8", "ignore"), after.decode("utf-8", "ignore")

    def _limits(self, sampling: Sampling | None) -> Limits:
        special, options = self.question.recipe.tokenizer.special, self.question.recipe.options
        forbidden, healed, approximate = special.all - special.ends, self._prompt.healed, options.approximate_splice
        return Limits(options.max_new_tokens, self.deadline, special.ends, forbidden, healed, sampling, approximate)
