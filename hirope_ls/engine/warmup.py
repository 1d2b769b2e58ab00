"""What is read before it is asked for: the file from its start, what a completion at one place begins with, the rest.

Knows neither threads nor editors, nor when it is worth it.
"""

from __future__ import annotations

from hirope_ls.engine.context import Context
from hirope_ls.engine.prompt import build_context, build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.generator import LanguageModel, Prefilled, StopFlag


def warm(
    snapshot: Snapshot, recipe: Recipe, model: LanguageModel, stop: StopFlag, others: Context | None = None
) -> Prefilled | None:
    """Prefill what completions in this file begin with, `others` shown first; None if they have nothing in common."""
    if not snapshot.served:
        return None
    context = build_context(snapshot, recipe, context=others)
    return model.warm(snapshot.uri, context.ids, context.positions, stop) if context.ids.size else None


def warm_here(question: Question, model: LanguageModel, stop: StopFlag) -> Prefilled | None:
    """Prefill the question's prompt, up to its first mention; None if there is nothing to read.

    Such a warm-up takes nothing from the next completion at this place: what it cuts off, that one would cut off, too.
    """
    if not question.snapshot.served:
        return None
    prompt = build_prompt(question)
    size = prompt.ids.size
    if prompt.mentions is not None and prompt.mentions.pairs.size:
        size = int(prompt.mentions.pairs[0, 0])
    uri = question.snapshot.uri
    return model.warm(uri, prompt.ids[:size], prompt.positions[:, :size], stop) if size else None


def warm_rest(question: Question, model: LanguageModel, stop: StopFlag) -> Prefilled | None:
    """Prefill what completions below the question's place begin with, so that a jump there costs little; None without.

    It takes nothing from a completion at that place, nor from other files: where it would, nothing is read.
    """
    if not question.snapshot.served:
        return None
    rest = build_context(question.snapshot, question.recipe, build_prompt(question).dropped, question.context)
    uri = question.snapshot.uri
    return model.warm(uri, rest.ids, rest.positions, stop, modest=True) if rest.ids.size else None
