"""What a completion may cost and how long it may get: the engine's own few numbers, free of any settings file."""

from __future__ import annotations

from dataclasses import dataclass

SHORT_CONTEXT = 2048
"""Models trained for at most so many tokens get prompts 16 times as long; others 32,768 tokens."""
LONGEST_SUFFIX = 128
"""Tokens of the text after the cursor."""
_MARKS = 16  # tokens of the model's own, and a file's name


@dataclass(frozen=True)
class Options:
    """Limits of one completion, in tokens and lines.

    `max_new_tokens` bounds what is generated. `max_lines` bounds a block; 1 means never more than one line.
    `suffix_tokens` is about how much of the text after the cursor the model sees (at most 128).
    `heal`: whether a half-typed word is read again as a part of what is generated (engine/healing.py).
    `max_prompt_tokens` bounds the text before the cursor that the model sees; None chooses by the model.
    `approximate_splice`: see `Limits.approximate`.
    `context_tokens` bounds what is shown of other files; None chooses by the model, 0 shows nothing.
    """

    max_new_tokens: int = 96
    max_lines: int = 8
    suffix_tokens: int = 96
    max_prompt_tokens: int | None = None
    heal: bool = True
    approximate_splice: bool = False
    context_tokens: int | None = None

    def prompt_cap(self, trained_length: int) -> int:
        """Tokens of the file before the cursor that go into a prompt for a model of this trained length."""
        if self.max_prompt_tokens is not None:
            return max(self.max_prompt_tokens, 64)
        return 16 * trained_length if trained_length <= SHORT_CONTEXT else 32_768

    def context_budget(self, trained_length: int) -> int:
        """Tokens of other files that a prompt may show: a quarter of the cap, for models that gain by them.

        Models trained for little context are small ones: they gain nothing (`hirope-ls eval crossfile`).
        """
        if self.context_tokens is not None:
            return self.context_tokens
        return 0 if trained_length <= SHORT_CONTEXT else self.prompt_cap(trained_length) // 4

    def most_tokens(self, trained_length: int) -> int:
        """The longest that a prompt and what is written after it can be."""
        own, others = self.prompt_cap(trained_length), self.context_budget(trained_length)
        return own + others + LONGEST_SUFFIX + self.max_new_tokens + _MARKS
