"""What compiled loops keep is, to the bit, what torch computes where a cache turns a key anew."""

import numpy as np
import pytest
import torch
from fuzz import rng

from hirope_ls.compiled import build


@pytest.mark.parametrize("size", [4, 8, 24, 64, 128])
def test_turned_keys_are_rounded_as_torch_rounds_them(size):
    loops = build.load("float32")
    random = np.random.default_rng(rng(f"turned-{size}").randrange(1 << 30))

    def numbers(*shape):
        return random.standard_normal(shape).astype(np.float32)

    rows, heads, hidden, none = 3, 2, 32, np.zeros(0, np.float32)
    weight, (cos, sin) = numbers(heads * size, hidden), (numbers(rows, size) for _ in range(2))
    keys, values, turned = (np.zeros((heads, 8, size), np.float32) for _ in range(3))
    linear, near = (weight, none), np.zeros((heads * rows, size), np.float32)
    norms = none, none, np.float32(0)
    tables = cos, sin, cos[0], sin[0]
    ones = np.ones(hidden, np.float32), np.float32(1e-5)
    loops.begin(numbers(rows, hidden), *ones, *linear, *linear, *linear, *norms, *tables, keys, values, turned, 2,
                near, near[:0])  # fmt: skip
    kept = torch.from_numpy(keys[:, 2 : 2 + rows])
    wanted = kept * torch.from_numpy(cos) + kept.roll(size // 2, 2) * torch.from_numpy(sin)
    assert kept.abs().min() > 0 and torch.equal(torch.from_numpy(turned[:, 2 : 2 + rows]), wanted)
