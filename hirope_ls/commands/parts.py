"""The parts a command needs: the model's card, its tokenizer, the pipeline, and, where asked for, the model.

The first three take a moment and no torch; `load_model` takes seconds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hirope_ls.commands.wished import wished
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.hub import resolve
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text.buffer import Buffer

if TYPE_CHECKING:
    from hirope_ls.model.decode import LocalModel

_KV_BUDGET = 4 << 30  # one file, once; allocated as it is needed


@dataclass(frozen=True)
class Parts:
    """What is known of a model without loading it."""

    card: Card
    tokenizer: TextTokenizer
    pipeline: Pipeline

    def snapshot(self, path: Path, buffer: Buffer) -> Snapshot:
        """The engine's view of a file."""
        return self.pipeline.open(path.resolve().as_uri(), 1, buffer, None, str(path))


@dataclass(frozen=True)
class Model:
    """A loaded model, where it is, and the seconds that took: torch's import, and the weights."""

    language_model: LocalModel
    device: str
    dtype: str
    import_seconds: float
    load_seconds: float


def add_model_arguments(parser: argparse.ArgumentParser, running: bool = True) -> None:
    """--model, and, for a command that runs it, --device; what is not given is as in the user's settings file."""
    model, device = wished().model, wished().device
    parser.add_argument(
        "--model",
        type=Path,
        metavar="MODEL",
        default=None if model is None else Path(model),
        help=f"a model's folder or owner/name (default: {model or 'bundled'})",
    )
    if running:
        parser.add_argument("--device", default=device, help=f"auto, cpu, cuda or cuda:N (default: {device})")


def read_parts(folder: Path | None) -> Parts:
    """The parts for a model folder or hub id, by default the bundled model. Raises ModelRefused."""
    card = read_card(resolve(folder) if folder else bundled_folder())
    tokenizer = TextTokenizer.load(card.folder)
    return Parts(card, tokenizer, Pipeline(tokenizer, card.trained_length))


def load_model(parts: Parts, device: str) -> Model:
    """Load the model. Raises ModelRefused or SettingsError."""
    began = time.monotonic()
    from hirope_ls.model.decode import LocalModel
    from hirope_ls.model.loader import choose_threads, load

    choose_threads(wished().threads)
    imported = time.monotonic()
    loaded = load(parts.card, device, wished().dtype)
    special = parts.tokenizer.special.all
    tokenizer = parts.tokenizer
    model = LocalModel(loaded, _KV_BUDGET, special, tokenizer.vocab_size, pieces=tokenizer.pieces)
    dtype = str(loaded.dtype).removeprefix("torch.")
    return Model(model, str(loaded.device), dtype, imported - began, time.monotonic() - imported)
