"""What a model is asked: to go on at one place in one text, by one recipe for prompts.

Frozen, so that it can go from the event loop to the model's thread. A prompt depends on nothing else; of an answer, the
model and the time there is are the rest. Knows no prompts: engine/prompt.py makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hirope_ls.engine.limits import Limits
from hirope_ls.engine.options import Options
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.folder import Card
from hirope_ls.model.tokens import TextTokenizer


@dataclass(frozen=True, eq=False)
class Recipe:
    """How prompts for one model are made: in its tokens, in the order it was trained for, within some limits."""

    tokenizer: TextTokenizer
    card: Card
    options: Options = field(default_factory=Options)

    @property
    def cap(self) -> int:
        """Tokens of the text before the cursor at most."""
        return self.options.prompt_cap(self.card.trained_length)

    @property
    def max_units(self) -> int:
        """How many units a prompt may span."""
        return Limits.of(self.card.trained_length).count


@dataclass(frozen=True, eq=False)
class Question:
    """What comes at byte `offset` (not inside a character) of a text?"""

    snapshot: Snapshot
    offset: int
    recipe: Recipe
