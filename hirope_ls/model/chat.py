"""What a chat model's template writes in front of what a user says and behind it, as tokens.

The template of tokenizer_config.json or chat_template.jinja is filled in by transformers, which runs it in a sandbox
(jinja2's immutable one), and the tokens are those of tokenizer.json, control tokens included. What the user says is
not the template's business: a text that is put between head and tail cannot make control tokens. Knows no questions.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from hirope_ls.problems import ModelRefused

_TEXT = "<<<the text>>>"  # stands for it while the template is filled in
_ANSWER = "<<<the answer>>>"


def has_template(folder: Path) -> bool:
    """Whether the tokenizer in that model folder has a chat template."""
    if (folder / "chat_template.jinja").is_file():
        return True
    return bool(_json(folder / "tokenizer_config.json").get("chat_template"))


@functools.lru_cache(maxsize=4)
def around(folder: Path, before: str = "", after: str = "") -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids in front of a text and behind it when a user says `before`, the text and `after`.

    Imports transformers. Raises ModelRefused where the template cannot be used.
    """
    tokenizer = _tokenizer(folder)
    parts = _filled(folder, tokenizer, [f"{before}{_TEXT}{after}"], True).split(_TEXT)
    if len(parts) != 2:
        raise ModelRefused(f"the chat template in {folder} does not say once what the user says")
    head, tail = (tuple(tokenizer.encode(part, add_special_tokens=False)) for part in parts)
    return head, tail


@functools.lru_cache(maxsize=4)
def takes_turns(folder: Path) -> bool:
    """Whether the model was trained to answer: it ends its texts as its template ends an answer.

    Base models often come with the template of their chat sibling, but end texts in another way. Imports transformers.
    """
    if not has_template(folder):
        return False
    try:
        tokenizer = _tokenizer(folder)
        parts = _filled(folder, tokenizer, [_TEXT, _ANSWER], False).split(_ANSWER)
        behind = set(tokenizer.encode(parts[-1], add_special_tokens=False)) if len(parts) == 2 else set()
    except ModelRefused:
        return False
    return bool(behind & _ends(folder, tokenizer))


def _ends(folder: Path, tokenizer: Any) -> set[int]:
    """The ids that end what the model says, by its tokenizer and by its settings for generation."""
    told = _json(folder / "generation_config.json").get("eos_token_id")
    each = told if isinstance(told, list) else [told]
    return {one for one in (*each, tokenizer.eos_token_id) if isinstance(one, int)}


def _tokenizer(folder: Path) -> Any:
    from transformers import PreTrainedTokenizerFast

    try:
        return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise _unusable(folder, error) from None


def _filled(folder: Path, tokenizer: Any, says: list[str], ask: bool) -> str:
    """The template with turns of user and assistant. ask: up to where the next answer begins, without thoughts."""
    roles = ("user", "assistant")
    turns = [{"role": roles[number % 2], "content": text} for number, text in enumerate(says)]
    try:
        return str(
            tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=ask, enable_thinking=False)
        )
    except Exception as error:  # of the template's own, of jinja2's, of transformers'
        raise _unusable(folder, error) from None


def _unusable(folder: Path, error: Exception) -> ModelRefused:
    return ModelRefused(f"the chat template in {folder} cannot be used: {' '.join(str(error).split())}")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
