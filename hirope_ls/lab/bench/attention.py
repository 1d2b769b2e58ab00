"""What the hierarchy costs in attention: HiRoPE (near and far regions) against plain RoPE through SDPA.

Both run in the same engine with the same cache, the scheme being all that differs, on one layer of the model's heads
with next to no MLP and vocabulary, so that attention is nearly all there is. Random weights and ids: speed knows none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from hirope_ls.hirope import Scheme, patch
from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.ours import Ours
from hirope_ls.lab.bench.peers import Lab, in_turn, middle
from hirope_ls.lab.bench.rows import Row, row
from hirope_ls.lab.bench.sides import Answer, Side, Took
from hirope_ls.model.folder import Card
from hirope_ls.model.loader import Loaded

_VOCAB, _MLP = 64, 16
_NEAR = "plain RoPE"


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
    schemes = {"ours": Scheme.default(length), _NEAR: Scheme.plain(length)}
    sides: dict[str, Side] = {name: Ours(_one_layer(lab.loaded, scheme)) for name, scheme in schemes.items()}
    for side in sides.values():
        _read(side, 2 * length, length, 3)
        side.forget()
    for tokens in sizes.prefills:
        answers = in_turn(sides, lambda side, tokens=tokens: _cold(side, tokens, length), sizes.rounds)  # type: ignore[misc]
        yield _row(f"prefill of {tokens:,}", answers, _first, "attention prefill")
    end = sizes.prefills[-1]
    chunks = in_turn(sides, lambda side: _chunk(side, end, sizes.chunk, length), 1 + 2 * sizes.rounds)
    later = {name: answers[1:] for name, answers in chunks.items()}  # the first also reads what stands before
    yield _row(f"{sizes.chunk} rows at {end:,}", later, _first, "attention chunk")
    steps = in_turn(sides, lambda side: _read(side, end, length, 1 + sizes.steps), 1 + 2 * sizes.rounds)
    yield _row(f"decode at {end:,}", steps, _step, "attention step")


def _row(case: str, answers: dict[str, list[Answer]], what: Any, goal: str) -> Row:
    (ours, ours_cpu), (theirs, theirs_cpu) = (middle(answers[name], what) for name in ("ours", _NEAR))
    note = f"CPU {ours_cpu:.2f} against {theirs_cpu:.2f} ms"
    return row("attention", case, ours, "ms", _NEAR, theirs, goal, note)


def _read(side: Side, tokens: int, length: int, new: int = 1) -> Answer:
    ids, positions = random_prompt(_VOCAB, length, tokens)
    return side.answer("file", ids, positions, new)


def _cold(side: Side, tokens: int, length: int) -> Answer:
    side.forget()
    return _read(side, tokens, length)


def _chunk(side: Side, end: int, rows: int, length: int) -> Answer:
    """`rows` are computed after the cache is cut to what stands before them: the first of them is another token."""
    ids, positions = random_prompt(_VOCAB, length, end)
    before = ids.copy()
    before[end - rows] = 4 + (ids[end - rows] - 3) % (_VOCAB - 4)
    side.answer("file", before[: end - rows + 1], positions[:, : end - rows + 1], 1)
    return side.answer("file", ids, positions, 1)


def _first(answer: Answer) -> Took:
    return answer.first


def _step(answer: Answer) -> Took:
    return answer.step


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
