"""Whether the arithmetic is right on this device: patched against stock, far rows against float64, steps that are
recorded against those that are not, cached against cold.

What is allowed is measured as well: the stock model's own error on this device, in this number type, against float64
on the CPU. So a bound fits whatever the device rounds to.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from hirope_ls.hirope import Scheme, patch
from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.ours import Ours
from hirope_ls.lab.bench.rows import Row
from hirope_ls.lab.device.ground import Ground
from hirope_ls.lab.device.repeated import recorded_steps
from hirope_ls.model.folder import Card
from hirope_ls.model.generator import IntArray
from hirope_ls.model.loader import load

_FACTOR = 4.0  # how much larger than the stock model's own error one of ours may be
_FLOOR = 1e-5  # where the stock model has next to none
_SAID = 12  # tokens after each prompt


def checks(ground: Ground) -> list[Row]:
    """Rows for float32 and bfloat16."""
    return [row for kind in ("float32", "bfloat16") for row in _in(ground, kind)]


def _in(ground: Ground, kind: str) -> list[Row]:
    card, length = ground.card, ground.card.trained_length
    short, long = random_prompt(card.vocab_size, length, length - 8), random_prompt(card.vocab_size, length, 3 * length)
    exact_short, exact_long = _exact(card, *short), _exact(card, *long)
    dtype = getattr(torch, kind)
    stock = AutoModelForCausalLM.from_pretrained(card.folder, dtype=dtype, local_files_only=True)
    stock = stock.to(ground.device)  # type: ignore[arg-type]
    with torch.inference_mode():
        plain = stock(_ids(short[0], ground.device)).logits
    del stock
    loaded = load(card, str(ground.device), kind)
    patched = loaded.hirope.forward(_ids(short[0], ground.device), short[1])
    far = loaded.hirope.forward(_ids(long[0], ground.device), long[1])
    allowed = max(_FLOOR, _FACTOR * _error(plain, exact_short))
    rows = [
        _bounded(f"{kind}: patched against stock, within the trained length", _error(patched, plain), allowed),
        _bounded(f"{kind}: three trained lengths, against float64 on the CPU", _error(far, exact_long), allowed),
    ]
    return [*rows, *recorded_steps(loaded, kind, allowed), _cached(Ours(loaded), card, kind)]


def _exact(card: Card, ids: IntArray, positions: IntArray) -> Tensor:
    """Logits by float64 on the CPU, where the tests hold the same code to a dense reference."""
    model = AutoModelForCausalLM.from_pretrained(card.folder, dtype=torch.float64, local_files_only=True)
    return patch(model, Scheme.default(card.trained_length)).forward(_ids(ids, torch.device("cpu")), positions)


def _ids(ids: IntArray, device: torch.device) -> Tensor:
    return torch.from_numpy(ids.astype(np.int64)).to(device)[None]


def _error(one: Tensor, two: Tensor) -> float:
    """The largest difference of two logits."""
    return float((one.double().cpu() - two.double().cpu()).abs().max())


def _bounded(case: str, error: float, allowed: float) -> Row:
    note = f"allowed: {_FACTOR:g} times the stock model's own error"
    goal, holds = f"ours <= {allowed:.3g}", error <= allowed
    return Row("checks", case, error, "allowed", allowed, "in logits", error / allowed, goal, holds, note)


def _cached(side: Ours, card: Card, kind: str) -> Row:
    """Prompts that grow, shrink and change, each answered warm and cold: the share of equal tokens."""
    length = card.trained_length
    ids, positions = random_prompt(card.vocab_size, length, 3 * length)
    equal = total = 0
    for end in (length // 2, 2 * length, 3 * length, 2 * length + 7, length + 3, 3 * length):
        prompt = ids[:end], positions[:, :end]
        warm = side.answer("warm", *prompt, _SAID).tokens
        side.model.drop("cold")
        cold = side.answer("cold", *prompt, _SAID).tokens
        side.model.drop("cold")
        equal += sum(one == two for one, two in zip(warm, cold, strict=True))
        total += _SAID
    share = equal / total
    if kind != "float32":  # chunks of other sizes round otherwise; what follows a near tie then differs
        return Row("checks", f"{kind}: tokens, cached equal to cold", share, unit="of all")
    return Row(
        "checks", f"{kind}: tokens, cached equal to cold", share, "", None, "of all", None, "ours >= 1", share == 1
    )
