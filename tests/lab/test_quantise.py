"""Quantised models: written, loaded and run like others, by the real packages; and which of them are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fuzz import rng, rounds
from model.prompts import Document, a_prompt, ask
from model.tiny_models import TRAINED, save_model

from hirope_ls.cli import main
from hirope_ls.lab.quantise import KINDS, quantised_model
from hirope_ls.model import quantised
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import Loaded, load
from hirope_ls.problems import HiropeError, ModelRefused, SettingsError

SHAPE: dict[str, Any] = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2}
WEIGHT_ONLY = {"default": {"_type": "Int8WeightOnlyConfig", "_data": {}}}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a tiny random model whose matrices fit the blocks of kernels."""
    return save_model(tmp_path_factory.mktemp("original"), "qwen2", **SHAPE)


@pytest.fixture(scope="module", params=list(KINDS))
def folder(request: pytest.FixtureRequest, original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, quantised by the command."""
    for name in quantised.PACKAGES[KINDS[request.param]]:
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'hirope-ls[quantized]'")
    out = tmp_path_factory.mktemp(request.param) / "new"
    assert main(["lab", "quantise", str(out), "--model", str(original), "--to", request.param]) == 0
    return out


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    return load(read_card(folder), "cpu")


def test_the_folder_holds_less_and_says_the_same(folder: Path, original: Path, loaded: Loaded) -> None:
    card, before = read_card(folder), read_card(original)
    assert card.quantised in quantised.PACKAGES and before.quantised is None
    assert card.disk_bytes < before.disk_bytes / 2  # the original is in float32, and embeddings stay as they are
    assert (card.trained_length, card.fim_order) == (before.trained_length, before.fim_order)
    assert loaded.dtype == torch.bfloat16
    ids = torch.arange(4, 4 + TRAINED // 2)[None]
    positions = torch.stack([torch.zeros(ids.shape[1], dtype=torch.long), torch.arange(ids.shape[1])])
    (kind,) = (kind for kind, method in KINDS.items() if method == card.quantised)
    fresh = quantised_model(before, kind)
    with torch.no_grad():
        stock = fresh(ids).logits.float()
    assert torch.allclose(loaded.hirope.forward(ids, positions).float(), stock, atol=0.02 * stock.abs().max().item())


def test_the_quick_way_leaves_quantised_layers_alone(loaded: Loaded) -> None:
    """torchao keeps its tensors in plain linear layers, which they are not."""
    assert loaded.hirope._decoder is None


def test_cached_is_cold(loaded: Loaded) -> None:
    """As near as bfloat16 comes when rows are computed in other chunks: the choice, or one as likely."""
    random = rng("quantised, cached == cold")
    warm, cold = (LocalModel(loaded, 1 << 24, chunk=chunk) for chunk in (32, 64))
    document, reused = Document(random, 300, 3 * TRAINED), 0
    for _ in range(rounds(12)):
        prompt = document.prompt()
        one, two = (ask(each, "file", prompt) for each in (warm, cold))
        cold.drop("file")
        reused += one.prefilled.reused
        assert one.reason == two.reason == "length"
        for said, expected, *likely in zip(one.ids, two.ids, one.logprobs, two.logprobs, strict=True):
            assert abs(likely[0] - likely[1]) < 0.2, (one, two)
            if said != expected:
                break
        document.step(one.ids)
    assert reused > 0


CONFIGS: dict[str, tuple[Any, str]] = {
    "another method": ({"quant_method": "awq", "bits": 4}, "'awq'"),
    "no method": ({"bits": 4}, "None"),
    "no object": ("int8", "None"),
    "activations as well": (
        {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8DynamicActivationInt8WeightConfig"}}},
        "more than its weights",
    ),
    "a config by module": ({"quant_method": "torchao", "quant_type": {"default": {"_type": "FqnToConfig"}}}, "more"),
    "an old name": ({"quant_method": "torchao", "quant_type": "int8_weight_only"}, "more than its weights"),
    "LLM.int8": ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "more than its weights"),
    "both": ({"quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": True}, "more than its weights"),
}


def changed(folder: Path, tmp_path: Path, **changes: Any) -> Path:
    """A copy with another config.json."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text()) | changes
    (copy / "config.json").write_text(json.dumps(config))
    return copy


def refusal(folder: Path) -> str:
    with pytest.raises(HiropeError) as caught:
        load(read_card(folder), "cpu")
    line = str(caught.value)
    assert "\n" not in line and len(line) < 500
    return line


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("nested", [False, True])
def test_what_is_refused(original: Path, tmp_path: Path, name: str, nested: bool) -> None:
    config, told = CONFIGS[name]
    changes = {"quantization_config": config}
    assert told in refusal(changed(original, tmp_path, **({"text_config": changes} if nested else changes)))


def test_what_to_install(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "find_spec", lambda name: None if name == "torchao" else name)
    how = {"quant_method": "torchao", "quant_type": WEIGHT_ONLY}
    line = refusal(changed(original, tmp_path, quantization_config=how))
    assert "needs torchao: pip install 'hirope-ls[quantized]'" in line


def test_a_config_that_lies(folder: Path, original: Path, tmp_path: Path) -> None:
    """The weights of the original, and the word of a quantised one."""
    how = json.loads((folder / "config.json").read_text())["quantization_config"]
    copy = changed(original, tmp_path, quantization_config=how)
    try:
        loaded = load(read_card(copy), "cpu")
    except ModelRefused as error:
        assert "\n" not in str(error)
    else:  # as good as it is told to be: transformers took the weights as they are
        assert ask(LocalModel(loaded, 1 << 24), "file", a_prompt(40)).reason == "length"


def test_another_number_type_is_refused(folder: Path) -> None:
    assert load(read_card(folder), "cpu", "bfloat16").dtype == torch.bfloat16
    for name in ("float32", "float16", "int8"):
        with pytest.raises(SettingsError, match="bfloat16"):
            load(read_card(folder), "cpu", name)


def test_the_command_refuses(original: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kind = next(kind for kind, method in KINDS.items() if method == read_card(folder).quantised)
    assert main(["lab", "quantise", str(tmp_path / "new"), "--model", str(folder), "--to", kind]) == 2
    assert "already" in capsys.readouterr().err
    assert main(["lab", "quantise", str(original), "--model", str(original), "--to", kind]) == 2
    assert "not empty" in capsys.readouterr().err
