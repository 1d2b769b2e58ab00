from __future__ import annotations

from pathlib import Path

import pytest
from model.tiny_models import save_model


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny random Llama with a trained length of 64 tokens. Not to be changed."""
    return save_model(tmp_path_factory.mktemp("llama"))
