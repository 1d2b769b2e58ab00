"""Compiled products of a few rows with many equal numpy's, for every number of rows and both kinds of numbers."""

import numpy as np
import pytest
import torch
from fuzz import rng, rounds

from hirope_ls.compiled import build


@pytest.fixture(scope="module")
def products():
    build.load("float32")
    from hirope_ls.compiled import products

    return products


def bits(numbers):
    """bfloat16 bits, and what they stand for."""
    rounded = torch.from_numpy(numbers).bfloat16()
    return rounded.view(torch.int16).numpy().view(np.uint16), rounded.float().numpy()


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 40])
@pytest.mark.parametrize("half", [False, True])
def test_dots(products, rows, half):
    random = np.random.default_rng(rng(f"dots-{rows}-{half}").randrange(1 << 30))
    for _ in range(rounds(3)):
        count, size, first = random.integers(0, 40), random.integers(1, 70), random.integers(0, 5)
        keys = random.standard_normal((count, size)).astype(np.float32)
        x = random.standard_normal((rows, size)).astype(np.float32)
        given, meant = bits(keys) if half else (keys, keys)
        out = np.full((rows, first + count + 2), 7, np.float32)
        products.dots(given, x, out, first)
        np.testing.assert_allclose(out[:, first : first + count], x @ meant.T, atol=1e-4)
        assert (out[:, :first] == 7).all() and (out[:, first + count :] == 7).all()


def test_added_weights(products):
    random = np.random.default_rng(rng("weights").randrange(1 << 30))
    for _ in range(rounds(20)):
        rows, count, size, first = (int(random.integers(low, 30)) for low in (1, 0, 1, 0))
        weights = random.random((rows, first + count)).astype(np.float32)
        values = random.standard_normal((count, size)).astype(np.float32)
        out = random.standard_normal((rows, size)).astype(np.float32)
        wanted = out + weights[:, first:] @ values
        products.add_weighted(weights, first, values, out)
        np.testing.assert_allclose(out, wanted, atol=1e-4)
