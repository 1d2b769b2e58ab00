"""Torch keeps to one thread here (tiny tensors: a second one only waits), and impossible states raise."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _small_and_strict(monkeypatch):
    monkeypatch.setenv("HIROPE_STRICT", "1")
    torch.set_num_threads(1)
