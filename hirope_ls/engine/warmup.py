"""What is read before it is asked for: the file from its start, what a completion at one place begins with, the rest.

Knows neither threads nor editors, nor when it is worth it.
"""

from __future__ import annotations

from hirope_ls.engine.complete import warm
from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import build_context, build_prompt
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.folder import Card
from hirope_ls.model.generator import LanguageModel, Prefilled, StopFlag
from hirope_ls.model.tokens import TextTokenizer

__all__ = ["warm", "warm_here", "warm_rest"]


def warm_here(
    snapshot: Snapshot,
    offset: int,
    model: LanguageModel,
    tokenizer: TextTokenizer,
    card: Card,
    options: Options,
    stop: StopFlag,
) -> Prefilled | None:
    """Prefill the prompt for byte `offset`, up to its first mention; None if there is nothing to read.

    Such a warm-up takes nothing from the next completion at this place: what it cuts off, that one would cut off, too.
    """
    if not snapshot.served:
        return None
    prompt = build_prompt(snapshot, offset, tokenizer, card, options)
    size = prompt.ids.size
    if prompt.mentions is not None and prompt.mentions.pairs.size:
        size = int(prompt.mentions.pairs[0, 0])
    return model.warm(snapshot.uri, prompt.ids[:size], prompt.positions[:, :size], stop) if size else None


def warm_rest(
    snapshot: Snapshot,
    offset: int,
    model: LanguageModel,
    tokenizer: TextTokenizer,
    card: Card,
    options: Options,
    stop: StopFlag,
) -> Prefilled | None:
    """Prefill what completions below byte `offset` begin with, so that a jump there costs little; None without any.

    It takes nothing from a completion at `offset`, nor from other files: where it would, nothing is read.
    """
    if not snapshot.served:
        return None
    dropped = build_prompt(snapshot, offset, tokenizer, card, options).dropped
    rest = build_context(snapshot, tokenizer, card, options, dropped)
    return model.warm(snapshot.uri, rest.ids, rest.positions, stop, modest=True) if rest.ids.size else None
