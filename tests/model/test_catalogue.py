"""The models worth choosing: the facts of each row hang together."""

from __future__ import annotations

import re

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from hirope_ls.hirope import support
from hirope_ls.model.catalogue import CATALOGUE, PERMISSIVE, Entry, find
from hirope_ls.model.families import FAMILIES
from hirope_ls.model.hub import HubId
from hirope_ls.model.loader import hush

NAMES = [entry.name for entry in CATALOGUE]


@pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)
def test_a_model_of_its_configuration_has_so_many_parameters(entry: Entry) -> None:
    """Made by transformers, without memory for its weights."""
    hush()
    config = CONFIG_MAPPING[entry.config["model_type"]](
        **{key: value for key, value in entry.config.items() if key != "model_type"},
        **({"use_qkv_bias": False} if entry.config["model_type"] == "stablelm" else {}),
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    assert sum(weight.numel() for weight in model.parameters()) == entry.parameters
    assert support(config).ok


@pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)
def test_names_revisions_and_licences(entry: Entry) -> None:
    assert HubId.parse(entry.pinned) is not None
    assert re.fullmatch(r"[0-9a-f]{40}|", entry.revision)
    assert bool(entry.terms) != (entry.licence in PERMISSIVE), "a licence that allows any use, or what it asks"
    assert find(entry.name) is entry and find("no/such") is None


@pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)
def test_its_order_is_that_of_its_family(entry: Entry) -> None:
    """As it will be told from its folder: by markers that one of the families has, its type and its name."""
    kind = entry.config["model_type"]
    orders = {family.order for family in FAMILIES if family.fits(family.markers, kind, entry.name)}
    assert entry.order in orders


def test_what_is_not_for_any_use_says_so() -> None:
    told = {entry.name: entry.terms for entry in CATALOGUE}
    for name in ("Qwen/Qwen2.5-Coder-3B", "stabilityai/stable-code-3b"):
        assert "not for commercial use" in told[name]
    assert "not for production" in told["mistralai/Codestral-22B-v0.1"]
