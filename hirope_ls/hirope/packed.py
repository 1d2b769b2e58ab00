"""Linear layers that read the same input, computed together.

Small weights are copied into one matrix, input by output: a product of a few rows with that reads memory in order and
is launched once, about 1.5 times as fast on a CPU. Large ones are bound by memory alone and are read where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Linears(NamedTuple):
    """Weights [out, in] and biases [out] or None, in the order of the outputs; `joined` [in, sum of outs] or None."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor | None, ...]
    joined: Tensor | None = None
    sizes: Sequence[int] = ()

    def __call__(self, x: Tensor) -> Sequence[Tensor]:
        """The outputs [n, out] for rows [n, in]."""
        if self.joined is None:
            return [functional.linear(x, *both) for both in zip(self.weights, self.biases, strict=True)]
        if len(self.sizes) == 1:
            return (self._plus(x @ self.joined, 0),)
        return [self._plus(part, n) for n, part in enumerate(torch.split(x @ self.joined, list(self.sizes), 1))]

    def serves(self, like: Tensor) -> bool:
        """Whether a copy, if there is one, is still of the model's type and on its device."""
        return self.joined is None or (self.joined.dtype, self.joined.device) == (like.dtype, like.device)

    def pack(self) -> Linears:
        """With a copy of all weights in one."""
        joined = torch.cat([weight.detach().t() for weight in self.weights], dim=1).contiguous()
        return self._replace(joined=joined, sizes=[weight.shape[0] for weight in self.weights])

    def _plus(self, x: Tensor, number: int) -> Tensor:
        bias = self.biases[number]
        return x if bias is None else x + bias


def linears(*modules: Any) -> Linears | None:
    """The weights of `nn.Linear` modules, not copied; None where one is something else: quantised, adapted, sharded
    layers, or tensors in plain ones (torchao's), know by themselves how they compute."""
    if any(type(module) is not nn.Linear or type(module.weight) is not nn.Parameter for module in modules):
        return None
    return Linears(tuple(module.weight for module in modules), tuple(module.bias for module in modules))
