"""The bundled model's parts, loaded once a test run. `HIROPE_TEST_MODEL` names another model's folder."""

from __future__ import annotations

import functools
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does: see cli.py

from hirope_ls.engine.options import Options
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text.buffer import Buffer


def folder() -> Path:
    return Path(os.environ.get("HIROPE_TEST_MODEL") or bundled_folder())


@functools.cache
def card() -> Card:
    return read_card(folder())


@functools.cache
def tokenizer() -> TextTokenizer:
    return TextTokenizer.load(folder())


@functools.cache
def pipeline() -> Pipeline:
    return Pipeline(tokenizer(), card().trained_length)


@functools.cache
def _loaded() -> Loaded:
    return load(card(), "cpu")


def local_model(budget: int = 256 << 20) -> LocalModel:
    """A model with empty caches; the weights are shared."""
    known = tokenizer()
    return LocalModel(_loaded(), budget, known.special.all, known.vocab_size, pieces=known.pieces)


def recipe(options: Options | None = None) -> Recipe:
    """How prompts for it are made."""
    return Recipe(tokenizer(), card(), options or Options())


def question(snapshot: Snapshot, offset: int, options: Options | None = None) -> Question:
    """What it is asked about a place."""
    return Question(snapshot, offset, recipe(options))


def open_text(text: str, uri: str = "file:///test.py") -> Snapshot:
    """A fresh snapshot of a Python file."""
    return pipeline().open(uri, 1, Buffer.of(text), "python", "test.py")
