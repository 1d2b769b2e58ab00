"""A question put to a chat model: what its template writes in front of a text and behind it, as tokens.

The template of tokenizer_config.json or chat_template.jinja is filled in by transformers, which runs it in a sandbox,
and the tokens are those of tokenizer.json, control tokens included. Knows no task and no model.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.sources import Source
from hirope_ls.lab.methods import Units
from hirope_ls.model.tokens import TextTokenizer, Tokens
from hirope_ls.problems import ModelRefused

_TEXT = "<<<the text>>>"  # stands for it while the template is filled in


class Written(Source):
    """Tokens that no text gives: control tokens among them. One unit, or several if they are very many."""

    def __init__(self, name: str, ids: NDArray[np.int32], tokenizer: TextTokenizer, trained_length: int) -> None:
        super().__init__(name, lambda: tokenizer.decode(ids), tokenizer, trained_length)
        sizes = [len(tokenizer.token_bytes(int(id))) for id in ids]
        self._tokens = Tokens.of(ids, np.cumsum(sizes, dtype=np.int64))

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    def positions(self, units: Units) -> NDArray[np.int32]:
        at, longest = np.arange(len(self), dtype=np.int32), units.limits(self.trained_length).longest
        return np.stack((at // longest, at % longest))


def has_template(folder: Path) -> bool:
    """Whether the tokenizer in that model folder has a chat template."""
    settings = folder / "tokenizer_config.json"
    if (folder / "chat_template.jinja").is_file():
        return True
    try:
        return settings.is_file() and bool(json.loads(settings.read_text("utf-8")).get("chat_template"))
    except (OSError, ValueError, AttributeError):
        return False


def put_by_user(folder: Path, before: str, after: str, source: Source) -> tuple[Prompt, Prompt]:
    """What stands in front of a text and behind it when a user says `before`, the text and `after`.

    `source` lends tokenizer and trained length. Raises ModelRefused where the template cannot be used.
    """
    ids = (np.array(part, np.int32) for part in _around(folder, before, after))
    head, tail = (Prompt.of(Written("chat", part, source.tokenizer, source.trained_length)) for part in ids)
    return head, tail


@functools.lru_cache(maxsize=4)
def _around(folder: Path, before: str, after: str) -> tuple[tuple[int, ...], ...]:
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        turns = [{"role": "user", "content": f"{before}{_TEXT}{after}"}]
        parts = str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)).split(_TEXT)
        ids = tuple(tuple(tokenizer.encode(part, add_special_tokens=False)) for part in parts)
    except Exception as error:  # of the template's own, of jinja2's, of transformers'
        raise ModelRefused(f"the chat template in {folder} cannot be used: {' '.join(str(error).split())}") from None
    if len(ids) != 2:
        raise ModelRefused(f"the chat template in {folder} does not say once what the user says")
    return ids
