"""The GGUF file: llama.cpp says what transformers says, token by token; what it would compute otherwise is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import rng
from model.tiny_models import TRAINED, VOCABULARY, save_model

from hirope_ls.cli import main
from hirope_ls.lab.bench.stock import stock_model
from hirope_ls.lab.to_gguf import write
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.problems import ModelRefused

NEW = 24
CLEAR = 1e-3  # two logits nearer than this may change places with the order of a sum


@pytest.fixture
def llama_cpp():
    """The module of our side, where llama.cpp and gguf are installed."""
    why = "llama.cpp is not installed: pip install 'hirope-ls[lab]'"
    pytest.importorskip("gguf", reason=why)
    pytest.importorskip("llama_cpp", reason=why)
    from hirope_ls.lab.bench import llamacpp

    return llamacpp


def compare(module, folder: Path, out: Path, size: int, vocab: int, dtype: str) -> tuple[list[int], list[int], float]:
    """Greedy tokens of llama.cpp and of transformers after random ids, as far as the choice is clear, and how far the
    first logits are apart."""
    random = rng(f"gguf {dtype}")
    ids = np.array([random.randrange(4, vocab) for _ in range(size)], np.int32)
    write(read_card(folder), out, dtype)
    positions = np.zeros((2, size), np.int32)
    side = module.LlamaCpp(out, 1024, 1, exact=True)
    try:
        side.answer("first", ids, positions, 1)
        logits = side.logits()
        said = side.answer("all", ids, positions, NEW).tokens
    finally:
        side.close()
    model = stock_model(folder, "cpu", torch.float32)
    rows = torch.from_numpy(ids.astype(np.int64))[None]
    with torch.inference_mode():
        wanted = model(rows).logits[0, -1].numpy()
        found = model.generate(
            rows, max_new_tokens=NEW, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
    best = torch.cat(found.logits).topk(2).values
    unclear = [*(best[:, 0] - best[:, 1] < CLEAR).tolist(), True].index(True)
    apart = float(np.abs(logits - wanted).max())
    return list(said)[:unclear], found.sequences[0, size:].tolist()[:unclear], apart


def test_the_bundled_model_says_the_same(llama_cpp, tmp_path):
    card = read_card(bundled_folder())
    size = card.trained_length - NEW - 8
    said, wanted, apart = compare(llama_cpp, card.folder, tmp_path / "b.gguf", size, card.vocab_size, "float32")
    assert said == wanted and apart < CLEAR / 4


def test_float16_is_close(llama_cpp, tmp_path):
    card = read_card(bundled_folder())
    *_, apart = compare(llama_cpp, card.folder, tmp_path / "b.gguf", 100, card.vocab_size, "float16")
    assert 0 < apart < 0.1


@pytest.mark.parametrize("tied", [True, False])
def test_grouped_heads_and_an_output_matrix(llama_cpp, tmp_path, tied):
    folder = save_model(tmp_path / "model", tie_word_embeddings=tied, hidden_size=64)
    said, wanted, apart = compare(llama_cpp, folder, tmp_path / "t.gguf", TRAINED - NEW, VOCABULARY, "float32")
    assert said == wanted and apart < CLEAR / 4


def test_the_command_writes_a_file(llama_cpp, tmp_path, capsys):
    folder, out = save_model(tmp_path / "model"), tmp_path / "out.gguf"
    assert main(["lab", "gguf", str(out), "--model", str(folder), "--dtype", "float16"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_bytes()[:4] == b"GGUF"


def test_what_is_missing_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gguf", None)
    assert main(["lab", "gguf", str(tmp_path / "out.gguf")]) == 2
    assert "hirope-ls[lab]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}, "it is a qwen2 model, not a llama"),
        ({"attention_bias": True}, "its attention has biases"),
        ({"mlp_bias": True}, "its MLP has biases"),
        ({"hidden_act": "gelu"}, "its activation is gelu"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "frequencies are scaled"),
    ],
)
def test_other_models_are_refused_in_one_line(tmp_path, change, says):
    folder = save_model(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelRefused, match=says) as refused:
        write(read_card(folder), tmp_path / "out.gguf")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out.gguf").exists()
