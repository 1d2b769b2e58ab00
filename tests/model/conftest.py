from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from model.tiny_models import save_model


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny matrices gain nothing from more threads, and on a busy machine they wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny random Llama with a trained length of 64 tokens. Not to be changed."""
    return save_model(tmp_path_factory.mktemp("llama"))
