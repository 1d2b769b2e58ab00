"""Changed rotary frequencies for prompts longer than the trained length: the rivals that stretch positions.

Everything is derived from the inverse frequencies that a model uses, whatever its configuration made of them; a base or
a dimension is never asked for. Distances stay ordinary. Knows no models, tables or schemes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["pi", "ntk", "ntk-dynamic", "yarn"]
_KINDS = ("pi", "ntk", "ntk-dynamic", "yarn")
_BETA_FAST, _BETA_SLOW = 32.0, 1.0  # YaRN's turns within the trained length: from 32 on kept, up to 1 interpolated
_DYNAMIC_FACTOR = 2.0


@dataclass(frozen=True)
class Stretch:
    """How frequencies change once a prompt of T tokens is longer than the trained length L.

    kind    "pi": position interpolation, all frequencies / factor (Chen et al. 2023, arXiv 2306.15595).
            "ntk": the base grows, so that the fastest pair stays and the slowest is interpolated (bloc97 2023).
            "ntk-dynamic": that by factor * T / L - (factor - 1) (emozilla 2023).
            "yarn": pairs that turned often enough in training stay, those that never did are interpolated, a ramp
            between; queries and keys grow by 0.1 ln(factor) + 1 (Peng et al. 2023, arXiv 2309.00071).
    factor  1 or more. None: what the prompt needs, T / L; 2 for "ntk-dynamic".
    """

    kind: Kind
    factor: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"a stretch is one of {', '.join(_KINDS)}, not {self.kind!r}")
        if self.factor is not None and not 1.0 <= self.factor < math.inf:
            raise ValueError(f"the factor of a stretch must be at least 1, not {self.factor}")

    def at(self, trained_length: int, prompt_length: int) -> Stretch:
        """The stretch with a known factor, and of a kind that asks for no length, that serves such a prompt."""
        growth = max(prompt_length / trained_length, 1.0)
        if self.kind == "ntk-dynamic":
            factor = _DYNAMIC_FACTOR if self.factor is None else self.factor
            return Stretch("ntk", factor * growth - (factor - 1.0))
        return Stretch(self.kind, growth) if self.factor is None else self


def stretched(inv_freq: Tensor, stretch: Stretch, trained_length: int, prompt_length: int) -> tuple[Tensor, float]:
    """The frequencies [pairs] that such a prompt is given, float64 on the CPU, and what its turned heads grow by.

    inv_freq [pairs]: the model's own, in radians per position, fastest first. A prompt that fits keeps them.
    """
    inv_freq = inv_freq.detach().to("cpu", torch.float64)
    known = stretch.at(trained_length, prompt_length)
    if prompt_length <= trained_length or known.factor is None:
        return inv_freq, 1.0
    if known.kind == "pi":
        return inv_freq / known.factor, 1.0
    if known.kind == "ntk":
        return inv_freq * _base_growth(len(inv_freq), known.factor), 1.0
    ramp = _yarn_ramp(inv_freq, trained_length)
    return inv_freq * (1.0 - ramp) + inv_freq / known.factor * ramp, 0.1 * math.log(known.factor) + 1.0


def _base_growth(pairs: int, factor: float) -> Tensor:
    """What a base that grows by factor^(d / (d - 2)) makes of each of the d / 2 frequencies."""
    return factor ** (-torch.arange(pairs, dtype=torch.float64) / max(pairs - 1, 1))


def _yarn_ramp(inv_freq: Tensor, trained_length: int) -> Tensor:
    """float64 [pairs]: 0 where a pair keeps its frequency, 1 where it is interpolated; linear in the pair's index."""
    pairs = len(inv_freq)
    first = max(math.floor(_pair_that_turns(inv_freq, _BETA_FAST, trained_length)), 0)
    last = min(math.ceil(_pair_that_turns(inv_freq, _BETA_SLOW, trained_length)), 2 * pairs - 1)
    width = max(last - first, 0.001)
    return ((torch.arange(pairs, dtype=torch.float64) - first) / width).clamp(0.0, 1.0)


def _pair_that_turns(inv_freq: Tensor, turns: float, length: int) -> float:
    """The index, with a fraction, of the pair that turns so often in so many tokens.

    The logarithm of a frequency is taken to be linear in the index between two pairs, and beyond the first and last.
    """
    if len(inv_freq) < 2:
        return 0.0
    wanted = math.log(2.0 * math.pi * turns / length)
    logs = inv_freq.clamp_min(torch.finfo(torch.float64).tiny).log()
    right = min(max(int((logs > wanted).sum()), 1), len(inv_freq) - 1)
    before, after = float(logs[right - 1]), float(logs[right])
    return right - 1 + (before - wanted) / (before - after)
