"""Going on from the model folder that a run left, where the run's own folder is gone.

Such a folder has the weights, in bfloat16, the tokenizer and the history; the optimisers begin anew.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from hirope_ls.lab.train.settings import Value
from hirope_ls.lab.train.state import Folder, State
from hirope_ls.problems import InputError

_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
_HISTORY = "training.json"


def lay_tokenizer(left: Path, folder: Folder) -> None:
    """Give the run the tokenizer of what is left. Raises InputError for a folder that no run left."""
    missing = [name for name in (*_TOKENIZER, _HISTORY, "config.json") if not (left / name).is_file()]
    if missing:
        raise InputError(f"{left} is no model folder that lab train left: it has no {missing[0]}")
    folder.tokenizer.mkdir(parents=True, exist_ok=True)
    for name in _TOKENIZER:
        shutil.copy(left / name, folder.tokenizer / name)


def made_with(left: Path) -> dict[str, Value]:
    """How what is left was made."""
    about: dict[str, Value] = _history(left)["about"]
    return about


def go_on(left: Path, model: LlamaForCausalLM) -> State:
    """Fill a model of the same shape, and return how far what is left was."""
    found = AutoModelForCausalLM.from_pretrained(left, dtype=torch.float32)
    model.load_state_dict(found.state_dict())
    history = _history(left)
    steps, seconds, tokens = history["steps"], history["seconds"], history["tokens"]
    return State(steps, seconds, tokens, history["evaluations"], history["about"], history["losses"])


def _history(left: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((left / _HISTORY).read_text(encoding="utf-8"))
    return content
