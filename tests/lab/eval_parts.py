"""What the tests of the evaluation share: a tiny model, its tokenizer, and sources made of real files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import python_files
from model.tiny_models import TRAINED, save_model
from numpy.typing import NDArray
from torch import Tensor

from hirope_ls.hirope import Scheme
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.sources import Source, text_source
from hirope_ls.lab.methods import Method, Units
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.tokens import TextTokenizer

IntArray = NDArray[np.integer]

PLAIN = Method("rope", "", Scheme.plain(TRAINED), Units())
HIROPE = Method("hirope", "default", Scheme.default(TRAINED), Units())
MENTIONING = Method("hirope:gain=3", "gain=3", Scheme(TRAINED, TRAINED // 2, mention_gain=3.0), Units())
THREE = Method("hirope:split=natural:levels=3", "", Scheme(TRAINED, TRAINED // 2), Units(levels=3))
ORDERED = Method("hirope:split=natural", "", Scheme(TRAINED, TRAINED // 2), Units())
PAPER = Method("hirope-paper", "paper", Scheme.paper(TRAINED), Units())


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A tiny random model, float32 on the CPU, one thread."""
    torch.set_num_threads(1)
    return load(read_card(save_model(tmp_path_factory.mktemp("tiny"))), "cpu", "float32")


@pytest.fixture(scope="session")
def tokenizer(tiny: Loaded) -> TextTokenizer:
    return TextTokenizer.load(tiny.card.folder)


@pytest.fixture(scope="session")
def texts(tokenizer: TextTokenizer) -> list[Source]:
    """Two real files."""
    files = python_files(2, smallest=4_000, largest=9_000)
    return [text_source(f"p/{path.name}", path.read_text("utf-8"), tokenizer, TRAINED) for path in files]


def workspace(root: Path, files: dict[str, str]) -> Path:
    """Write `files`, path to text, below `root`."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def spoken_of(prompt: Prompt, ids: IntArray, positions: Tensor, asked: int) -> IntArray | None:
    """Mentions the obvious way: for each token from 128 before `asked` on, every word that ends in it, looked up."""
    first = max(asked - 128, 0)
    pieces = [prompt.tokenizer.token_bytes(int(id)) for id in ids]
    units = np.asarray(positions)[-2]
    pairs = []
    for token in range(first, len(ids)):
        before, text = b"".join(pieces[first:token]), b"".join(pieces[first : token + 1])
        words = {word.group() for word in re.finditer(rb"(?<![\w\x80-\xff])[A-Za-z_\x80-\xff][\w\x80-\xff]*", text)
                 if word.end() > len(before)}  # fmt: skip
        named = [(name.encode(), units[at]) for name, at in prompt.definitions if len(name) > 2 and name[:2] != "__"]
        for word in words:
            meant = sorted({unit for name, unit in named if name == word and unit < units[token]})
            pairs += [(token, unit) for unit in meant[-2:]]
    return np.array(sorted(pairs)).T if pairs else None
