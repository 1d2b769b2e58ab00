"""One explanation being written by a model: told piece by piece, stopped, begun again, and brought to a clean end.

The same prompt and the same draw give the same text, so what was begun again tells nothing twice. Called on the model's
thread; knows no editors and no threads.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from hirope_ls.engine.explain.asking import Asked, Contents, Turns, ask
from hirope_ls.engine.explain.prose import comment_prose, repeats, whole_sentences
from hirope_ls.engine.explain.subject import Subject
from hirope_ls.engine.question import Recipe
from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.model.chat import around, has_template, takes_turns
from hirope_ls.model.generator import Finished, Generated, LanguageModel, Limits, Prefilled, Sampling, StopFlag
from hirope_ls.problems import ModelRefused

SESSION = "\0explain"
"""The model's session of explanations; no document's is called so."""

Ended = Literal["end", "repetition", "length", "empty", "cancelled", "memory"]


@dataclass(frozen=True)
class Explanation:
    """What the model wrote, without its marks. end: it came to one, or the comment did; repetition, length: it was cut
    there; empty: there was nothing to cut. tokens: {prompt, reused, prefilled, generated}; `ms` in all."""

    text: str
    reason: Ended
    draw: int = 0
    contents: Contents | None = None
    tokens: dict[str, int] = field(default_factory=dict)
    ms: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether it would be the same if it were asked for again: nobody broke it off."""
        return self.reason not in ("cancelled", "memory")


class Writing:
    """See above. `draw` 0 takes the likeliest words, other numbers other ones. `tell` is given the text in pieces."""

    def __init__(
        self, subject: Subject, recipe: Recipe, pipeline: Pipeline, draw: int, tell: Callable[[str], None]
    ) -> None:
        self.subject, self.recipe, self.pipeline, self.draw = subject, recipe, pipeline, draw
        self._tell = tell
        self._told = ""
        self._asked: Asked | None = None
        self._chat = False

    @property
    def told(self) -> str:
        """What was told so far."""
        return self._told

    def run(self, model: LanguageModel, stop: StopFlag) -> Explanation:
        """Write it, or as much of it as there is when `stop` is set."""
        began = time.monotonic()
        asked = self._asked = self._asked or self._ask()
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        raw, count, reused, computed = "", 0, 0, 0
        reason: Ended = "end"
        for event in model.generate(SESSION, asked.ids, asked.positions, self._limits(asked), stop, asked.mentions):
            match event:
                case Prefilled():
                    reused, computed = event.reused, event.prefilled
                case Generated():
                    count += 1
                    raw += decoder.decode(self.recipe.tokenizer.token_bytes(event.id))
                    text, over = self._prose(raw, False)
                    if over or repeats(text) is not None:
                        break
                    self._say(text)
                case Finished():
                    reason = "end" if event.reason == "stop" else _REASONS.get(event.reason, "cancelled")
        text, reason = self._ended(raw, reason)
        tokens = {"prompt": int(asked.ids.size), "reused": reused, "prefilled": computed, "generated": count}
        return Explanation(text, reason, self.draw, asked.contents, tokens, (time.monotonic() - began) * 1e3)

    def _ended(self, raw: str, reason: Ended) -> tuple[str, Ended]:
        text, over = self._prose(raw, reason == "end")  # what was broken off may go on
        if (cut := repeats(text)) is not None:
            text, reason = whole_sentences(cut), "repetition"
        elif reason == "length" and not over:
            text = whole_sentences(text)
        elif over:
            reason = "end"
        bare = text.strip()
        if reason not in ("cancelled", "memory") and not bare:
            return "", "empty" if reason != "repetition" else reason
        if reason in ("end", "length"):
            self._say(bare)
        return bare, reason

    def _prose(self, raw: str, over: bool) -> tuple[str, bool]:
        if self._chat:
            return raw.lstrip(), False
        return comment_prose(raw, self.subject.mark, over)

    def _say(self, text: str) -> None:
        """Tell what is new; nothing while the text is still behind what was told before."""
        stable = text.rstrip()
        if len(stable) > len(self._told) and stable.startswith(self._told):
            piece, self._told = stable[len(self._told) :], stable
            self._tell(piece)

    def _ask(self) -> Asked:
        turns = turns_of(self.recipe)
        self._chat = turns is not None
        return ask(self.subject, self.recipe, self.pipeline, turns)

    def _limits(self, asked: Asked) -> Limits:
        """Whatever control token a model writes, its text ends there; a comment's not before a word is begun, which a
        model that was made to fill gaps would often leave out."""
        sampling = Sampling(seed=self.draw) if self.draw else None
        stops = self.recipe.tokenizer.special.all
        return Limits(asked.longest, None, stops, prefix=b"" if self._chat else b" ", sampling=sampling)


_REASONS: dict[str, Ended] = {"length": "length", "memory": "memory"}


def turns_of(recipe: Recipe) -> Turns | None:
    """How to put a question to a model that answers such; None for others. Imports transformers where it must."""
    folder = recipe.card.folder
    if not has_template(folder) or not takes_turns(folder):
        return None
    try:
        return around(folder)
    except ModelRefused:
        return None
