"""What a model needs of memory: what is computed from a configuration beside what is really held."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from model.tiny_models import save_model

from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import load
from hirope_ls.model.memory import WORKING, Need, Shape
from hirope_ls.model.tokens import TextTokenizer


@pytest.mark.parametrize("family", ["llama", "qwen2", "starcoder2", "gemma3"])
def test_a_cached_token_takes_what_is_computed(family: str, tmp_path: Path) -> None:
    card = read_card(save_model(tmp_path, family))
    tokenizer = TextTokenizer.load(card.folder)
    model = LocalModel(load(card, "cpu"), 1 << 20, tokenizer.special.all, tokenizer.vocab_size)
    assert card.shape is not None
    assert card.shape.row_bytes(torch.float32.itemsize) == model._store.row_bytes
    need = card.need(4)
    assert need is not None and need.weights == 4 * card.parameters


def test_sums() -> None:
    need = Need(1000, Shape(layers=2, kv_heads=3, head_dim=5), 2)
    row = 2 * 3 * (2 * 3 * 5)
    assert need.bytes(7) == 1000 + 7 * row + WORKING
    assert need.most_tokens(need.bytes(7)) == 7 and need.most_tokens(need.bytes(7) - 1) == 6
    assert need.most_tokens(1000) == 0
    assert need.budget_mib(1) == 256 and need.budget_mib(10**7) * 2**20 >= 10**7 * row * 9 / 8


def test_heads_that_are_said_and_those_that_follow() -> None:
    fields = {"num_hidden_layers": 4, "num_attention_heads": 4, "hidden_size": 32}
    assert Shape.of(fields) == Shape(4, 4, 8)
    assert Shape.of(fields | {"num_key_value_heads": 2, "head_dim": 16}) == Shape(4, 2, 16)


@pytest.mark.parametrize("spoilt", ["num_hidden_layers", "num_attention_heads", "hidden_size"])
@pytest.mark.parametrize("value", [None, 0, -1, "4", True, 2**40])
def test_a_configuration_that_does_not_tell(spoilt: str, value: object) -> None:
    fields = {"num_hidden_layers": 4, "num_attention_heads": 4, "hidden_size": 32}
    assert Shape.of(fields) is not None and Shape.of(fields | {spoilt: value}) is None


def test_a_card_without_a_shape_is_a_card(tmp_path: Path) -> None:
    folder = save_model(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    del config["num_attention_heads"]
    (folder / "config.json").write_text(json.dumps(config))
    card = read_card(folder)
    assert card.shape is None and card.need(2) is None
