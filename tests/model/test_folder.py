"""Promise M without torch: what a model folder may hold, and each way in which it is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model.tiny_models import TRAINED, VOCABULARY, save_model
from transformers import AutoConfig

from hirope_ls.hirope import trained_length
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.problems import ModelRefused


@pytest.fixture
def folder(llama: Path, tmp_path: Path) -> Path:
    """A copy that may be spoilt."""
    return shutil.copytree(llama, tmp_path / "model")


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refused(folder: Path | str) -> str:
    with pytest.raises(ModelRefused) as caught:
        read_card(folder)
    line = str(caught.value)
    assert line and "\n" not in line and len(line) < 500
    return line


def test_card_of_a_good_folder(llama: Path) -> None:
    card = read_card(str(llama))
    assert (card.folder, card.architecture, card.model_type) == (llama.resolve(), "LlamaForCausalLM", "llama")
    assert (card.trained_length, card.vocab_size, card.fim_order) == (TRAINED, VOCABULARY, "psm")
    assert card.disk_bytes == (llama / "model.safetensors").stat().st_size
    assert 4 * card.parameters < card.disk_bytes < 4 * card.parameters + 10_000  # fp32 and a header
    assert card.name == llama.name


def test_no_fim_tokens_no_fim(tmp_path: Path) -> None:
    assert read_card(save_model(tmp_path, fim=False)).fim_order is None


def test_the_folder_may_say_its_trained_length_and_fim_order(folder: Path) -> None:
    edit_json(folder / "config.json", hirope={"trained_length": 48, "fim_order": "context-spm"})
    card = read_card(folder)
    assert (card.trained_length, card.fim_order) == (48, "context-spm")
    edit_json(folder / "config.json", hirope={"fim_order": None})
    assert read_card(folder).fim_order is None


YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
SCALED: dict[str, tuple[dict[str, Any], int]] = {  # what stands in config.json, and the length that follows from it
    "nothing": ({"max_position_embeddings": 32}, 32),
    "linear": ({"max_position_embeddings": 32, "rope_scaling": {"type": "linear", "factor": 4.0}}, 32),
    "yarn, to be used beyond": ({"max_position_embeddings": 32, "rope_scaling": YARN}, 128),
    "yarn, a little more": ({"max_position_embeddings": 40, "rope_scaling": YARN}, 128),
    "yarn, stretched already": ({"max_position_embeddings": 128, "rope_scaling": YARN}, 128),
    "yarn, original unsaid": ({"max_position_embeddings": 32, "rope_scaling": {"type": "yarn", "factor": 2}}, 64),
}


@pytest.mark.parametrize("name", SCALED)
def test_trained_length_of_scaled_frequencies(folder: Path, name: str) -> None:
    """The card, made without transformers, and the loaded configuration must agree."""
    fields, wanted = SCALED[name]
    path = folder / "config.json"
    edit_json(path, rope_parameters=None, rope_theta=10000.0, hirope=None, **fields)
    assert read_card(folder).trained_length == wanted
    assert trained_length(AutoConfig.from_pretrained(folder)) == wanted


def test_trained_length_where_kinds_of_layers_differ(folder: Path) -> None:
    ropes = {"sliding_attention": {"rope_type": "default"}, "full_attention": YARN | {"rope_type": "yarn"}}
    edit_json(folder / "config.json", max_position_embeddings=32, rope_parameters=ropes)
    assert read_card(folder).trained_length == 128


def test_bundled_folder_is_in_the_package() -> None:
    assert bundled_folder().parent.name == "model"
    if (bundled_folder() / "model.safetensors").exists():
        assert read_card(bundled_folder()).parameters > 1_000_000


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


Fault = tuple[Callable[[Path], object], str]  # how to spoil a file, and a word of the refusal

CONFIG_FAULTS: dict[str, Fault] = {
    "not json": (lambda path: path.write_text("{"), "JSON"),
    "not an object": (lambda path: path.write_text("[1]"), "not a JSON object"),
    "not utf-8": (lambda path: path.write_bytes(b'{"a": "\xff"}'), "JSON"),
    "too deep": (lambda path: path.write_text("[" * 200_000), "JSON"),
    "too large": (lambda path: path.write_text('{"a": "' + "x" * 5_000_000 + '"}'), "larger than"),
    "absent": (Path.unlink, "no config.json"),
    "a folder": (make_folder, "no config.json"),
    "a pipe": (make_pipe, "no config.json"),
    "own code": (lambda path: edit_json(path, auto_map={"AutoModel": "x.Y"}), "auto_map"),
    "own code, nested": (lambda path: edit_json(path, text_config={"auto_map": {}}), "auto_map"),
    "hub kernel": (lambda path: edit_json(path, _attn_implementation="kernels-community/flash"), "attention code"),
    "quantised": (lambda path: edit_json(path, quantization_config={"quant_method": "awq"}), "quantised by"),
    "no model type": (lambda path: edit_json(path, model_type=None), "model_type"),
    "no architecture": (lambda path: edit_json(path, architectures=[]), "architecture"),
    "not a decoder": (lambda path: edit_json(path, architectures=["BertForMaskedLM"]), "only text decoders"),
    "no trained length": (lambda path: edit_json(path, max_position_embeddings="64"), "max_position_embeddings"),
    "silly trained length": (lambda path: edit_json(path, hirope={"trained_length": 1}), "trained_length"),
    "silly yarn": (lambda path: edit_json(path, rope_parameters=YARN | {"factor": "4"}), "yarn factor"),
    "sillier yarn": (lambda path: edit_json(path, rope_parameters=YARN | {"factor": float("nan")}), "yarn factor"),
    "no vocabulary": (lambda path: edit_json(path, vocab_size=True), "vocab_size"),
    "unknown fim order": (lambda path: edit_json(path, hirope={"fim_order": "mps"}), "fim_order"),
}


@pytest.mark.parametrize("fault", CONFIG_FAULTS)
def test_config_faults(folder: Path, fault: str) -> None:
    spoil, told = CONFIG_FAULTS[fault]
    spoil(folder / "config.json")
    assert told in refused(folder)


def test_missing_folders(tmp_path: Path, llama: Path) -> None:
    assert "no model folder" in refused(tmp_path / "absent")
    assert "not a folder" in refused(llama / "config.json")
    assert "cannot be opened" in refused("nul\0byte")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(tmp_path / "loop")


def test_own_code_of_the_tokenizer(folder: Path) -> None:
    edit_json(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]})
    assert "auto_map" in refused(folder)


def test_no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    assert "tokenizer.json" in refused(folder)


def test_an_adapter_would_pull_in_another_model(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')
    assert "adapter" in refused(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "last.ckpt"])
def test_pickle_only(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    assert "pickle" in refused(folder)


def test_pickle_beside_safetensors_is_left_alone(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    read_card(folder)


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "no weights" in refused(folder)


def header_of(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the header of a safetensors file and leave its data alone."""
    data = path.read_bytes()
    header = header_of(path)
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + int.from_bytes(data[:8], "little") :])


def first(header: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = next(entry for name, entry in header.items() if name != "__metadata__")
    return entry


WEIGHT_FAULTS: dict[str, Fault] = {
    "empty": (lambda path: path.write_bytes(b""), "truncated"),
    "a 4 GB header": (lambda path: path.write_bytes((4 * 10**9).to_bytes(8, "little") + b"{}"), "truncated"),
    "the largest header": (lambda path: path.write_bytes(b"\xff" * 8 + b"{}"), "truncated"),
    "truncated data": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "truncated"),
    "data left over": (lambda path: path.write_bytes(path.read_bytes() + b"x"), "padded"),
    "header not json": (lambda path: path.write_bytes((2).to_bytes(8, "little") + b"{x"), "header"),
    "header no object": (lambda path: path.write_bytes((2).to_bytes(8, "little") + b"[]"), "header"),
    "no tensors": (lambda path: path.write_bytes((2).to_bytes(8, "little") + b"{}"), "no tensors"),
    "wrong shape": (lambda path: rewrite(path, lambda h: first(h)["shape"].append(2)), "shape"),
    "negative shape": (lambda path: rewrite(path, lambda h: first(h).update(shape=[-1])), "malformed"),
    "huge shape": (lambda path: rewrite(path, lambda h: first(h).update(shape=[2**62, 2**62])), "malformed"),
    "a gap": (lambda path: rewrite(path, lambda h: h.pop(min(set(h) - {"__metadata__"}))), "gap"),
    "an unknown number type": (lambda path: rewrite(path, lambda h: first(h).update(dtype="Q4")), "number type"),
    "no offsets": (lambda path: rewrite(path, lambda h: first(h).pop("data_offsets")), "malformed"),
}


@pytest.mark.parametrize("fault", WEIGHT_FAULTS)
def test_weight_faults(folder: Path, fault: str) -> None:
    spoil, told = WEIGHT_FAULTS[fault]
    spoil(folder / "model.safetensors")
    assert told in refused(folder)


def shard(folder: Path) -> Path:
    """Turn the one weight file into a 'sharded' model of one shard; returns the index."""
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    names = [name for name in header_of(folder / "part.safetensors") if name != "__metadata__"]
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, "part.safetensors")}))
    return index


def test_sharded(folder: Path) -> None:
    whole = read_card(folder)
    shard(folder)
    assert read_card(folder) == whole


@pytest.mark.parametrize(
    ("weight_map", "told"),
    [
        ({}, "no weight_map"),
        (["part.safetensors"], "no weight_map"),
        ({"a": "../part.safetensors"}, "same folder"),
        ({"a": "part.bin"}, "only .safetensors"),
        ({"a": "other.safetensors"}, "not in the folder"),
        ({"a": "part.safetensors"}, "does not hold it"),
    ],
)
def test_poor_index(folder: Path, weight_map: object, told: str) -> None:
    shard(folder).write_text(json.dumps({"weight_map": weight_map}))
    assert told in refused(folder)


def test_links_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.safetensors"
    (folder / "model.safetensors").rename(outside)
    (folder / "model.safetensors").symlink_to(outside)
    assert "outside" in refused(folder)


def test_links_inside_the_folder_and_to_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(folder / "weights")
    (folder / "model.safetensors").symlink_to("weights")
    (tmp_path / "link").symlink_to(folder)
    assert read_card(tmp_path / "link").folder == folder.resolve()


def hub_cache(folder: Path, tmp_path: Path) -> Path:
    """The layout in which huggingface_hub keeps a downloaded model; returns the snapshot."""
    cache = tmp_path / "models--someone--tiny"
    snapshot = cache / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    (cache / "blobs").mkdir()
    for path in folder.iterdir():
        path.rename(cache / "blobs" / f"blob-{path.name}")
        (snapshot / path.name).symlink_to(f"../../blobs/blob-{path.name}")
    return snapshot


def test_a_hub_cache_is_welcome(folder: Path, tmp_path: Path) -> None:
    card = read_card(hub_cache(folder, tmp_path))
    assert card.name == "someone/tiny" and card.disk_bytes > 10_000


def test_links_out_of_a_hub_cache(folder: Path, tmp_path: Path) -> None:
    snapshot = hub_cache(folder, tmp_path)
    (tmp_path / "config.json").write_bytes((snapshot / "config.json").read_bytes())
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").symlink_to(tmp_path / "config.json")
    assert "outside" in refused(snapshot)


def test_a_card_needs_neither_torch_nor_transformers(llama: Path) -> None:
    code = (
        "import sys; from hirope_ls.model.folder import read_card; read_card(sys.argv[1]);"
        "import hirope_ls.model.generator; assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(llama)], check=True)
