"""What will be asked for if a suggestion is accepted whole: the completion after it, one step ahead.

The answer is the one a fresh request would get: a completion of the text after acceptance, no other. It is made only
where the cache loses nothing that the next keystroke needs if the suggestion is not accepted. Knows no threads.
"""

from __future__ import annotations

import numpy as np

from hirope_ls.engine.complete import Completion, complete
from hirope_ls.engine.options import Options
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.prompt import Prompt, build_prompt
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.folder import Card
from hirope_ls.model.generator import LanguageModel
from hirope_ls.model.run import NO_MENTIONS, Rows, common
from hirope_ls.model.tokens import TextTokenizer

NOT_AHEAD = "empty:not-ahead"
_REREAD = 8  # tokens at the cursor that a keystroke may change anyway


def complete_ahead(
    now: tuple[Snapshot, int],
    accepted: tuple[Snapshot, int],
    model: LanguageModel,
    tokenizer: TextTokenizer,
    card: Card,
    options: Options,
    progress: Progress,
) -> Completion:
    """The completion at `accepted`, a snapshot and a byte offset; `now` is the same before the suggestion is put in.

    Its outcome is NOT_AHEAD where the two prompts have too little in common.
    """
    prompts = [build_prompt(*place, tokenizer, card, options) for place in (now, accepted)]
    if not extends(*prompts):
        return Completion("", accepted[1], accepted[1], NOT_AHEAD)
    return complete(*accepted, model, tokenizer, card, options, progress, progress=progress)


def extends(now: Prompt, then: Prompt) -> bool:
    """Whether `then` keeps those rows of `now` that a prompt for one more typed character would keep, too."""
    needed = now.ids.size - _REREAD - (now.suffix + 2 if now.kind == "psm" else 0)
    return now.kind == then.kind and shared(now, then) >= needed


def shared(one: Prompt, two: Prompt) -> int:
    """Length of the common prefix: equal in ids, in positions and in mentions."""
    return common(_rows(one), _rows(two), min(one.ids.size, two.ids.size))


def _rows(prompt: Prompt) -> Rows:
    pairs = NO_MENTIONS if prompt.mentions is None else prompt.mentions.pairs.astype(np.int64)
    return Rows(prompt.ids, prompt.positions, pairs)
