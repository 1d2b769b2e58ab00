"""How weights are changed: the optimisers, the learning rate over a run, and the budget that ends it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM

from hirope_ls.lab.train.state import State

_WARMUP = 0.02
_DECAY_FROM = 0.6
_BETAS = (0.9, 0.95)
_WEIGHT_DECAY = 0.1
CLIP = 1.0
"""The norm that a step's gradient is cut down to."""


@dataclass(frozen=True)
class Plan:
    """What a run is to do. With `steps` it is deterministic; else it computes for `minutes`, at any machine's speed."""

    minutes: float
    steps: int | None
    batch: int
    seed: int

    def done(self, state: State) -> float:
        """The share of the budget that is used up, 1.0 or more when the run is over."""
        return state.step / self.steps if self.steps is not None else state.seconds / (60 * self.minutes)


def make_optimisers(model: LlamaForCausalLM, lr: float) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices and AdamW for the rest; each group keeps its peak rate as `peak_lr`.

    Muon (Jordan 2024) needs far fewer tokens for the same loss, and a CPU's tokens are dear.
    """
    layers = [p for p in model.model.layers.parameters() if p.dim() == 2]
    in_layers = {id(p) for p in layers}
    rest = [p for p in model.parameters() if id(p) not in in_layers]
    muon = torch.optim.Muon(layers, lr=2 * lr, weight_decay=_WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(rest, lr=lr, betas=_BETAS, weight_decay=0.0, fused=True)
    set_peaks([muon, adamw], lr)
    return [muon, adamw]


def set_peaks(optimisers: list[torch.optim.Optimizer], lr: float) -> None:
    """Give what `make_optimisers` made another peak rate, whatever it goes on from."""
    for optimiser, peak in zip(optimisers, (2 * lr, lr), strict=True):
        for group in optimiser.param_groups:
            group["peak_lr"] = peak


def set_rates(optimisers: list[torch.optim.Optimizer], done: float) -> None:
    """Give each group the rate that is due when the share `done` of the budget is used up."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["peak_lr"] * lr_factor(done)


def lr_factor(done: float) -> float:
    """Warm-up, stable, linear decay: the learning rate's share of its peak when the share `done` is used up.

    The long stable part lets a run be prolonged: it goes on where it was, and decays later.
    """
    if done < _WARMUP:
        return max(done / _WARMUP, 0.01)
    return 1.0 if done < _DECAY_FROM else max(0.0, (1 - done) / (1 - _DECAY_FROM))
