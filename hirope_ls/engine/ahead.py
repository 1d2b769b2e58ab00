"""What will be asked for if a suggestion is accepted whole: the completion after it, one step ahead.

The answer is the one a fresh request would get: a completion of the text after acceptance, no other. It is made only
where the cache loses nothing that the next keystroke needs if the suggestion is not accepted. Knows no threads.
"""

from __future__ import annotations

import numpy as np

from hirope_ls.engine.complete import complete
from hirope_ls.engine.completion import Completion
from hirope_ls.engine.progress import Progress
from hirope_ls.engine.prompt import Prompt, build_prompt
from hirope_ls.engine.question import Question
from hirope_ls.model.generator import LanguageModel
from hirope_ls.model.run import NO_MENTIONS, Rows, common

NOT_AHEAD = "empty:not-ahead"
_REREAD = 8  # tokens at the cursor that a keystroke may change anyway


def complete_ahead(now: Question, accepted: Question, model: LanguageModel, progress: Progress) -> Completion:
    """The completion at `accepted`, where the cursor is once the suggestion at `now` is put in.

    Its outcome is NOT_AHEAD where the two prompts have too little in common.
    """
    if not extends(build_prompt(now), build_prompt(accepted)):
        return Completion("", accepted.offset, accepted.offset, NOT_AHEAD)
    return complete(accepted, model, progress, progress=progress)


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
