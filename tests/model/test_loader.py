"""Loading for real: model families as transformers saves them, and what is refused once torch looks at a folder."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model.prompts import ask
from model.tiny_models import SPECIAL, TRAINED, save_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from hirope_ls.model import loader
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import IntArray
from hirope_ls.model.loader import load, pick_dtype
from hirope_ls.model.threads import num_threads
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import HiropeError, ModelRefused, SettingsError

SOURCE = b"def area(width, height):\n    return width * height\n\n\nclass Square:\n    side: float\n"


@pytest.fixture
def folder(llama: Path, tmp_path: Path) -> Path:
    return shutil.copytree(llama, tmp_path / "model")


def one_line(error: HiropeError) -> str:
    line = str(error)
    assert line and "\n" not in line and len(line) < 400
    return line


def refused(folder: Path) -> str:
    card = read_card(folder)  # what a header can tell is in order
    with pytest.raises(ModelRefused) as caught:
        load(card, "cpu")
    return one_line(caught.value)


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("family", ["llama", "qwen2", "starcoder2", "gemma3"])
def test_families_load_and_complete_text(family: str, tmp_path: Path) -> None:
    """The whole way: text, tokens, the stock model's own choice while the text is short, text again."""
    folder = save_model(tmp_path, family)
    tokenizer = TextTokenizer.load(folder)
    ids: IntArray = tokenizer.encode(SOURCE).ids[: TRAINED - 10]
    positions = np.stack([np.zeros(len(ids)), np.arange(len(ids))]).astype(np.int32)
    loaded = load(read_card(folder))
    model = LocalModel(loaded, 1 << 24, special=tokenizer.special.all, vocab_size=tokenizer.vocab_size)
    answer = ask(model, "file", (ids, positions), 8)
    assert len(answer.ids) == 8 and tokenizer.decode(answer.ids)

    stock = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    expected = torch.tensor(ids).long()[None]
    for _ in range(8):
        with torch.no_grad():
            logits = stock(expected).logits[0, -1]
        logits[: len(SPECIAL)] = logits[tokenizer.vocab_size :] = -torch.inf
        expected = torch.cat([expected, logits.argmax()[None, None]], 1)
    assert answer.ids == expected[0, len(ids) :].tolist()


def test_number_types_and_devices(llama: Path) -> None:
    loaded = load(read_card(llama), "cpu", "bfloat16")
    assert loaded.dtype == loaded.hirope.model.lm_head.weight.dtype == torch.bfloat16
    model = LocalModel(loaded, 1 << 24)
    assert ask(model, "file", (np.arange(4, 90, dtype=np.int32), np.zeros((2, 86), np.int32))).reason == "length"
    if not torch.cuda.is_available():
        loaded = load(read_card(llama))
        assert (loaded.device, loaded.dtype) == (torch.device("cpu"), torch.float32)
    assert loaded.hirope.trained_length == TRAINED
    assert not loaded.hirope.model.training
    assert not any(weight.requires_grad for weight in loaded.hirope.model.parameters())


@pytest.mark.parametrize(
    ("device", "dtype"), [("cuda:99", "auto"), ("frob", "auto"), ("meta", "auto"), ("cpu", "int8"), ("cpu", "fp32")]
)
def test_poor_settings(llama: Path, device: str, dtype: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(read_card(llama), device, dtype)
    one_line(caught.value)


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    monkeypatch.setattr(loader, "num_threads", lambda: 3)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    loader.choose_threads()
    assert told == []  # the user's choice
    monkeypatch.delenv("OMP_NUM_THREADS")
    loader.choose_threads()
    assert told == [3]
    loader.choose_threads(5)
    assert told == [3, 5]
    assert 1 <= num_threads() <= (os.cpu_count() or 1)


def test_unknown_model_type(folder: Path) -> None:
    edit_config(folder, model_type="frobnicator", architectures=["FrobnicatorForCausalLM"])
    assert "unknown type 'frobnicator'" in refused(folder)


def test_unsupported_positions(folder: Path) -> None:
    config = {"model_type": "bloom", "architectures": ["BloomForCausalLM"], "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 320}))
    assert "bloom" in refused(folder)


def test_config_that_transformers_rejects(folder: Path) -> None:
    edit_config(folder, num_attention_heads="many")
    assert "config.json" in refused(folder)


def test_weights_of_another_shape(folder: Path) -> None:
    edit_config(folder, hidden_size=96)
    assert "do not fit" in refused(folder)


def test_missing_weights(folder: Path) -> None:
    """transformers would fill them with random numbers and a warning."""
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "up_proj" in refused(folder)


def test_fewer_layers_than_promised(folder: Path) -> None:
    edit_config(folder, num_hidden_layers=5)
    assert "lacks weights" in refused(folder)


def test_sharded_weights_load(tmp_path: Path, llama: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(llama)
    model.save_pretrained(tmp_path, max_shard_size="40KB")
    shutil.copy(llama / "tokenizer.json", tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    prompt = np.arange(4, 44, dtype=np.int32), np.zeros((2, 40), np.int32)
    answers = [ask(LocalModel(load(read_card(f), "cpu"), 1 << 24), "file", prompt).ids for f in (llama, tmp_path)]
    assert answers[0] == answers[1]


class Bomb:
    """Unpickling it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.target}'",)


WATCH = """
import sys, threading
from pathlib import Path
import hirope_ls.model.decode
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import load
from hirope_ls.problems import ModelRefused

home, folder = map(Path, sys.argv[1:])
package = Path(hirope_ls.__file__).parent
ours = tuple(map(str, (folder, sys.prefix, sys.base_prefix, package, "/proc", "/sys")))
told = []

def watch(event, args):
    if event == "open":
        path, mode, flags = args
        name = str(path)
        if isinstance(path, int) or name == "/dev/null":
            return
        writes = isinstance(mode, str) and set(mode) & set("wax+") or flags & 3
        if writes or not str(Path(name).absolute()).startswith(ours):
            told.append((event, name, mode))
    elif event.split(".")[0] in ("socket", "subprocess", "os", "shutil", "urllib", "ctypes", "pickle"):
        if event not in ("os.listdir", "os.scandir", "ctypes.dlopen", "ctypes.dlsym", "ctypes.dlsym/handle",
                         "ctypes.set_errno", "ctypes.get_errno", "os.putenv", "os.unsetenv"):
            told.append((event, str(args)))

sys.addaudithook(watch)
try:
    load(read_card(folder), "cpu")
    print("loaded")
except ModelRefused as error:
    print("refused", error)
for entry in told:
    print("TOUCHED", entry)
print("threads", threading.active_count())
"""


def watched(folder: Path, home: Path) -> str:
    """Load `folder` in a fresh process that reports each file, socket or process beyond the folder and Python's own."""
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    found = subprocess.run(
        [sys.executable, "-c", WATCH, str(home), str(folder)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert found.stderr == ""  # nothing is said on the side: the server's stderr is for its own lines
    assert not list(home.iterdir())
    return found.stdout


def test_a_good_folder_touches_nothing_else(folder: Path, tmp_path: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "home" / "boom")))
    assert watched(folder, tmp_path / "home") == "loaded\nthreads 1\n"


def test_a_poisoned_folder_touches_nothing_else(folder: Path, tmp_path: Path) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "home" / "boom"))
    for name in ("pytorch_model.bin", "model.pt", "training_args.bin"):
        (folder / name).write_bytes(bomb)
    (folder / "modeling_evil.py").write_text("import os; os.system('touch boom')")
    edit_config(folder, model_type="evil", architectures=["EvilForCausalLM"])
    assert watched(folder, tmp_path / "home").startswith("refused")


def test_auto_takes_half_precision_where_it_pays(monkeypatch):
    cpu = torch.device("cpu")
    for able, parameters, wanted in [
        ({"avx512_bf16": True}, 500_000_000, torch.bfloat16),
        ({"avx512_bf16": True}, 5_000_000, torch.float32),
        ({"avx512_bf16": False}, 500_000_000, torch.float32),
    ]:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able, raising=False)
        assert pick_dtype("auto", cpu, parameters) == wanted
        assert pick_dtype("float32", cpu, parameters) == torch.float32
