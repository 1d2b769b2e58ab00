"""Models of published shapes with random weights: they decode as fast as trained ones, and nothing is downloaded.

The shapes are Qwen2.5-Coder's (technical report, arXiv 2409.12186, table 1; vocabularies as in its configurations).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, Qwen2Config

from hirope_ls.hirope import Scheme, patch
from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.goals import GOALS
from hirope_ls.lab.bench.ours import Ours
from hirope_ls.lab.bench.rows import Row, row
from hirope_ls.lab.bench.sides import Answer, Side
from hirope_ls.lab.bench.stock import Stock, endless, generate
from hirope_ls.lab.device.ground import Ground
from hirope_ls.lab.device.stepping import steps
from hirope_ls.model.folder import Card
from hirope_ls.model.loader import Loaded

_SHORT = 4_096  # the trained length that makes a prompt of 16k hierarchical


@dataclass(frozen=True)
class Shape:
    """Sizes of a Qwen2 model. `tied`: input and output share one matrix."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    mlp: int
    vocab: int
    tied: bool
    trained: int = 32_768


SHAPES = {
    "0.5B": Shape(896, 24, 14, 2, 4_864, 151_936, True),
    "1.5B": Shape(1_536, 28, 12, 2, 8_960, 151_936, True),
    "7B": Shape(3_584, 28, 28, 4, 18_944, 152_064, False),
}
_TINY = Shape(64, 2, 4, 2, 128, 512, True, 256)


@dataclass(frozen=True)
class _Run:
    """Contexts in tokens, new tokens timed, and times that is done."""

    contexts: tuple[int, ...] = (8_192, 16_384)
    short: int = _SHORT
    tokens: int = 64
    rounds: int = 3


_QUICK = _Run((96, 192), 64, 4, 1)


def measure(name: str, ground: Ground) -> list[Row]:
    """Prefill and decode of one shape, within its trained length and hierarchically, against generate()."""
    shape, run = (_TINY, _QUICK) if ground.quick else (SHAPES[name], _Run())
    ground.free()
    model = _model(shape, ground)
    ours = {
        context: _times(_ours(model, shape, shape.trained, ground), shape, context, run) for context in run.contexts
    }
    far = run.contexts[-1]
    hierarchical = _times(_ours(model, shape, run.short, ground), shape, far, run)
    theirs = {context: _times(Stock(model, generate), shape, context, run) for context in run.contexts}
    rows = [
        row for context in run.contexts for row in _rows(f"{name}, {context:,} tokens", ours[context], theirs[context])
    ]
    rows += _rows(f"{name}, {far:,} tokens, hierarchical", hierarchical, theirs[far])
    for trained, kind in ((shape.trained, ""), (run.short, ", hierarchical")):
        rows += _steps(f"{name}, {far:,} tokens{kind}", _ours(model, shape, trained, ground), far, run)
    for context, times in (*ours.items(), (far, hierarchical)):
        kind = ", hierarchical" if times is hierarchical else ""
        rows.append(_share(f"{name}, {context:,} tokens{kind}", model, shape, context, times[1], ground))
    if ground.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(ground.device)
        rows.append(row("shapes", f"{name}: most memory of the device", peak / 2**20, "MiB"))
    return rows


def _model(shape: Shape, ground: Ground) -> Any:
    """The stock model, made on the device."""
    config = Qwen2Config(
        vocab_size=shape.vocab,
        hidden_size=shape.hidden,
        intermediate_size=shape.mlp,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.trained,
        tie_word_embeddings=shape.tied,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
    )
    torch.manual_seed(0)
    with torch.device(ground.device):
        model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)  # type: ignore[no-untyped-call]
    endless(model)
    return model.eval().requires_grad_(False)


def _ours(model: Any, shape: Shape, trained: int, ground: Ground) -> Ours:
    """Our side over the model, patched; `_times` and `_steps` give it back unpatched."""
    size = sum(parameter.numel() for parameter in model.parameters())
    card = Card(Path("random weights"), "Qwen2ForCausalLM", "qwen2", trained, None, shape.vocab, size, 0)
    return Ours(Loaded(card, patch(model, Scheme.default(trained)), ground.device, torch.bfloat16))


def _times(side: Side, shape: Shape, context: int, run: _Run) -> tuple[float, float]:
    """Medians in ms: of a cold prefill, and of a token."""
    length = side.loaded.card.trained_length if isinstance(side, Ours) else shape.trained
    ids, positions = random_prompt(shape.vocab, length, context)
    answers: list[Answer] = []
    try:
        side.answer("shape", ids, positions, 4)  # everybody's first call sets things up
        for _ in range(run.rounds):
            side.forget()
            answers.append(side.answer("shape", ids, positions, 1 + run.tokens))
    finally:
        side.close()
        if isinstance(side, Ours):
            side.loaded.hirope.unpatch()
    firsts, steps = (sorted(getattr(one, what).wall for one in answers) for what in ("first", "step"))
    return 1e3 * firsts[len(firsts) // 2], 1e3 * steps[len(steps) // 2]


def _steps(case: str, side: Ours, context: int, run: _Run) -> list[Row]:
    try:
        return steps(case, side.loaded, context, run.tokens)
    finally:
        side.close()
        side.loaded.hirope.unpatch()


def _rows(case: str, ours: tuple[float, float], theirs: tuple[float, float]) -> list[Row]:
    note = "one after the other, not in turn"
    return [
        row("shapes", f"{case}: prefill", ours[0], "ms", "generate", theirs[0], note=note),
        row(
            "shapes", f"{case}: decode", 1e3 / ours[1], "tokens/s", "generate", 1e3 / theirs[1], "decode generate", note
        ),
    ]


def _share(case: str, model: Any, shape: Shape, context: int, ms: float, ground: Ground) -> Row:
    """Of what the memory allows: each token reads all weights (but of the input's matrix one row) and every key and
    value once."""
    weights = sum(parameter.nbytes for parameter in model.parameters())
    weights -= 0 if shape.tied else model.get_input_embeddings().weight.nbytes
    kv = 2 * shape.layers * shape.kv_heads * (shape.hidden // shape.heads) * 2 * context
    limit = 1e3 * (weights + kv) / ground.bandwidth
    goal = GOALS["decode bandwidth"]
    note = f"{(weights + kv) / 2**20:,.0f} MiB a token; the device copies {ground.bandwidth / 1e9:,.0f} GB/s"
    on_gpu = ground.device.type == "cuda"
    holds = limit / ms >= goal.bound if on_gpu else None
    told = str(goal) if on_gpu else None
    return Row(
        "shapes", f"{case}: of the bandwidth", 1e3 / ms, "limit", 1e3 / limit, "tokens/s", limit / ms, told, holds, note
    )
