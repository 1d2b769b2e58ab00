"""What the hierarchy costs in attention: HiRoPE (near and far regions) against plain RoPE through SDPA.

Both run in the same engine with the same cache, each as it does best: ours in the server's chunks, plain RoPE a prompt
at once, where SDPA needs no mask. The scheme is all that differs otherwise. One layer of the model's heads with next to
no MLP and vocabulary, so that attention is nearly all there is; random weights and ids, which speed knows nothing of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from hirope_ls.hirope import Scheme, patch
from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.ours import Ours
from hirope_ls.lab.bench.peers import Lab, in_turn, middle
from hirope_ls.lab.bench.rows import Row, row
from hirope_ls.lab.bench.sides import Answer, Side, Took
from hirope_ls.model.folder import Card
from hirope_ls.model.generator import IntArray
from hirope_ls.model.loader import Loaded

_Prompt = tuple[IntArray, IntArray]
_VOCAB, _MLP = 64, 16
_WHOLE = 1 << 30  # plain attention reads a prompt quickest at once: SDPA then needs no mask
_PLAIN = "plain RoPE"


@dataclass(frozen=True)
class Sizes:
    """Tokens of the prefills (the last is also where the chunk and the steps are), rows of the chunk, steps, rounds."""

    prefills: tuple[int, ...] = (4_096, 16_384)
    chunk: int = 256
    steps: int = 24
    rounds: int = 3


QUICK = Sizes((2_048,), 64, 8, 1)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Rows for prefills, a chunk and a step."""
    length = lab.card.trained_length
    sides: dict[str, Side] = {
        "ours": Ours(_one_layer(lab.loaded, Scheme.default(length))),
        _PLAIN: Ours(_one_layer(lab.loaded, Scheme.plain(length)), chunk=_WHOLE),
    }
    end, rounds = sizes.prefills[-1], 1 + 2 * sizes.rounds
    prompt = random_prompt(_VOCAB, length, end + sizes.steps)
    for side in sides.values():
        _read(side, prompt, 2 * length)
    for tokens in sizes.prefills:
        calls = [partial(_cold, prompt=prompt, end=tokens)] * sizes.rounds
        yield _row(f"prefill of {tokens:,}", in_turn(sides, calls), "attention prefill")
    chunks = [partial(_read, prompt=_renewed(prompt, end - sizes.chunk, n), end=end) for n in range(rounds)]
    yield _row(f"{sizes.chunk} rows at {end:,}", _but_first(in_turn(sides, chunks)), "attention chunk")
    steps = [partial(_read, prompt=prompt, end=end + n) for n in range(1 + sizes.steps)]
    yield _row(f"a row at {end:,}", _but_first(in_turn(sides, steps)), "attention step")


def _row(case: str, answers: dict[str, list[Answer]], goal: str) -> Row:
    (ours, ours_cpu), (theirs, theirs_cpu) = (middle(answers[name], _first) for name in ("ours", _PLAIN))
    computed = [answers[name][-1].computed for name in ("ours", _PLAIN)]
    note = f"CPU {ours_cpu:.2f} against {theirs_cpu:.2f} ms; {computed[0]:,} rows computed against {computed[1]:,}"
    return row("attention", case, ours, "ms", _PLAIN, theirs, goal, note)


def _but_first(answers: dict[str, list[Answer]]) -> dict[str, list[Answer]]:
    """The first answer reads whatever is not cached yet."""
    return {name: later for name, (_, *later) in answers.items()}


def _renewed(prompt: _Prompt, start: int, seed: int) -> _Prompt:
    """Other tokens from `start` on, which nobody has cached."""
    ids = prompt[0].copy()
    ids[start:] = np.random.default_rng([1, seed]).integers(4, _VOCAB, len(ids) - start)
    return ids, prompt[1]


def _read(side: Side, prompt: _Prompt, end: int) -> Answer:
    return side.answer("file", prompt[0][:end], prompt[1][:, :end], 1)


def _cold(side: Side, prompt: _Prompt, end: int) -> Answer:
    side.forget()
    return _read(side, prompt, end)


def _first(answer: Answer) -> Took:
    return answer.first


def _one_layer(loaded: Loaded, scheme: Scheme) -> Loaded:
    """A model of one layer with random weights and the heads of the loaded one."""
    config = AutoConfig.from_pretrained(loaded.card.folder, local_files_only=True)
    config.update({"num_hidden_layers": 1, "intermediate_size": _MLP, "vocab_size": _VOCAB, "pad_token_id": None})
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:1]
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_config(config, dtype=loaded.dtype)  # type: ignore[no-untyped-call]
    model = model.eval().requires_grad_(False).to(loaded.device)
    return Loaded(_card(loaded.card, model), patch(model, scheme), loaded.device, loaded.dtype)


def _card(card: Card, model: Any) -> Card:
    size = sum(parameter.numel() for parameter in model.parameters())
    return Card(Path("one layer"), card.architecture, card.model_type, card.trained_length, None, _VOCAB, size, 0)
