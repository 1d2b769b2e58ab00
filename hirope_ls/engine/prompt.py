"""What the model is given for a cursor: token ids and position ids, in the order the model was trained for.

A prompt is a function of the question (text, cursor, chosen context, model card, options), never of what happened
before, so a warm answer equals a cold one. It changes as little as it can while one types, as the KV cache keeps what
did not change:

    context-spm   A <|fim_prefix|> <|fim_suffix|> S <|fim_middle|> P
    psm           <|fim_prefix|> P <|fim_suffix|> S <|fim_middle|>
    spm           <|fim_prefix|> <|fim_suffix|> S <|fim_middle|> P
    suffix-prefix-middle   <|fim_suffix|> S <|fim_prefix|> P <|fim_middle|>      (Seed-Coder, Mellum)
    suffix-prefix          <|fim_suffix|> S <|fim_prefix|> P                     (Codestral)
    plain         P          (no FIM tokens, an order that is not known, or nothing but blanks after the cursor)

P is the text before the cursor and S some of the text after it, encoded on its own. In context-spm the text before
the cursor is cut in two: P begins at a line start, 64 to about 190 tokens before the cursor, at a place that moves
once in 64 tokens; A is the rest. So a typed character recomputes a few tokens of P, and a cursor that jumps keeps A.
Text too long for the model is cut at its start, at a place that moves once in a quarter of the cap.

What is shown of other files, C (engine/context.py), stands before all that, in any order; without it nothing does. It
is chosen beforehand and belongs to the question, so keystrokes leave it as it is.

Position ids, int32[2, n]: row 0 is the unit, row 1 counts the tokens inside it. Units follow prompt order, from 0: the
parts of C; the file's blocks (engine/layout.py) in A; S with its three special tokens is one unit; P goes on from
there, and where the A/P boundary cuts a block, its second part is a unit of its own. In psm the order is P, then S. A
token that opens the prompt or P belongs to the unit after it, one that ends P to the unit before. The number of units
stays within what the model's trained length allows.

Mentions (engine/mentions.py) are those of the text round the cursor alone: S, and P or what would be P in context-spm.
They mean definitions in the prompt's text before the cursor. So far text has none, and stays cached whatever is typed.

The FIM orders are from Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the Middle"; the
context before SPM is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hirope_ls.engine.assembly import Assembly, arrange, begun, opened
from hirope_ls.engine.context import Context
from hirope_ls.engine.excerpt import Prefix, near_start, suffix_ids
from hirope_ls.engine.hearing import hear
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.generator import Mentions

IntArray = NDArray[np.int32]


@dataclass(frozen=True)
class Prompt:
    """Ids int32[n] and positions int32[2, n], and what they are made of, counted in tokens.

    `kind` is the order used. `far`, `near`, `suffix` and `others` count A, P, S and C; `dropped` counts the tokens at
    the file's start that did not fit. `healed` is the text right before the cursor that is not in the prompt, because
    what is generated begins with it. `mentions` is None where no token can have hierarchical positions.
    """

    ids: IntArray
    positions: IntArray
    kind: str
    far: int
    near: int
    suffix: int
    dropped: int
    mentions: Mentions | None = None
    healed: bytes = b""
    others: int = 0

    @property
    def num_mentions(self) -> int:
        """How many (token, unit) pairs there are."""
        return self.mentions.pairs.shape[1] if self.mentions else 0

    @property
    def units(self) -> int:
        """How many units the prompt spans."""
        return int(self.positions[0, -1]) + 1 if self.ids.size else 0


def build_prompt(question: Question) -> Prompt:
    """The prompt that asks it."""
    snapshot, offset, recipe = question.snapshot, question.offset, question.recipe
    data, tokenizer, options = snapshot.buffer.data, recipe.tokenizer, recipe.options
    special, trained_for = tokenizer.special, recipe.card.fim_order
    suffix = suffix_ids(data, offset, tokenizer, options.suffix_tokens)
    order = trained_for if suffix.size and special.has_fim else None
    prefix = Prefix.of(snapshot, offset, tokenizer, recipe.cap, options.heal)
    heard = near_start(data, prefix.starts, prefix.first)
    near = heard if order == "context-spm" else prefix.first
    made = opened(special, trained_for, prefix.first, question.context)
    arrange(made, prefix, near, suffix, special, order)
    ids, positions = made.joined(recipe.max_units)
    mentions = None
    if ids.size + options.max_new_tokens > recipe.card.trained_length and heard < prefix.end:
        mentions = _mentions(question, prefix, heard, made, ids, positions[0])
    counts = near - prefix.first, prefix.end - near, int(suffix.size) if order else 0, prefix.first
    others = question.context.cost if question.context else 0
    return Prompt(ids, positions, order or "plain", *counts, mentions, data[prefix.cut : offset], others)


def build_context(snapshot: Snapshot, recipe: Recipe, dropped: int = 0, context: Context | None = None) -> Prompt:
    """What prompts anywhere in the file begin with: C, and its text up to the cap, to be read before it is asked for.

    For a file within the cap; prompts far down a longer one begin elsewhere: those that drop the first `dropped` tokens
    begin with the text from there. Empty where the suffix comes first.
    """
    prefix = Prefix.of(snapshot, len(snapshot.buffer.data), recipe.tokenizer, None, heal=False)
    end = min(prefix.end, dropped + recipe.cap)
    made = begun(prefix, dropped, end, recipe.tokenizer.special, recipe.card.fim_order, context)
    ids, positions = made.joined(recipe.max_units)
    return Prompt(ids, positions, "context", end - dropped, 0, 0, dropped, others=context.cost if context else 0)


def _mentions(
    question: Question, prefix: Prefix, heard: int, made: Assembly, ids: IntArray, units: IntArray
) -> Mentions | None:
    """Those of the prompt `made`, whose text before the cursor is listened to from the token number `heard` on."""
    places = np.concatenate(made.places)
    shown = question.context.defined if question.context else []
    defined = [*shown, *defining(question.snapshot, prefix, units[places])]  # units are counted from the first one's
    before = slice(int(places[heard - prefix.first]), int(places[-1]) + 1)
    return hear(question.recipe.tokenizer, ids, units, defined, before, made.after)


def defining(snapshot: Snapshot, prefix: Prefix, units: IntArray) -> list[tuple[str, int]]:
    """(name, unit) of what the text before the cursor defines; `units` of its tokens from the first used one on."""
    found = snapshot.parse.definitions_in(int(prefix.starts[0]), prefix.cut)
    begins = np.array([begin for begin, _ in found], np.int64)
    tokens = np.searchsorted(prefix.starts, begins, side="right") - 1
    return [(name, unit) for (_, name), unit in zip(found, units[tokens].tolist(), strict=True)]
