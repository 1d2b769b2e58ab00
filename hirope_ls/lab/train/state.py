"""The folder of a run and how far it is: what a run that is started again goes on from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM


@dataclass
class State:
    """How far a run is; everything of it but the weights and the optimisers.

    `seconds` are of computing. `about` says how the run was made: seed, batch, rates, machine. `earlier`: losses of
    before `history` begins, as a history's file has them.
    """

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    about: dict[str, int | float | str] = field(default_factory=dict)
    earlier: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Folder:
    """Where the parts of a run are."""

    path: Path

    @property
    def corpus(self) -> Path:
        return self.path / "corpus"

    @property
    def site(self) -> Path:
        return self.path / "site"

    @property
    def tokenizer(self) -> Path:
        return self.path / "tokenizer"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def history(self) -> Path:
        return self.path / "training.json"


def save_checkpoint(
    folder: Folder, model: LlamaForCausalLM, optimisers: list[torch.optim.Optimizer], state: State
) -> None:
    """Write checkpoint and history, each at once or not at all."""
    content = {
        "model": model.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in optimisers],
        "state": asdict(state),
    }
    partial = folder.checkpoint.with_suffix(".partial")
    torch.save(content, partial)
    partial.replace(folder.checkpoint)
    write_history(folder.history, state)


def load_checkpoint(path: Path, model: LlamaForCausalLM, optimisers: list[torch.optim.Optimizer]) -> State:
    """Fill model and optimisers from a checkpoint and return how far it was."""
    content: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(content["model"])
    for optimiser, saved in zip(optimisers, content["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    return State(**content["state"])


def read_about(path: Path) -> dict[str, int | float | str]:
    """How a run was made, by its checkpoint; empty where there is none."""
    if not path.exists():
        return {}
    content: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
    return dict(content["state"]["about"])


def write_history(path: Path, state: State) -> None:
    """Write the history as JSON, evaluations whole and losses as means over 20 steps."""
    history = [{**entry, "seconds": round(entry["seconds"], 1)} for entry in state.history]
    evaluations = [entry for entry in history if "loss" not in entry]
    losses = [entry for entry in history if "loss" in entry]
    means = [
        {**chunk[-1], "loss": round(sum(entry["loss"] for entry in chunk) / len(chunk), 4)}
        for chunk in (losses[i : i + 20] for i in range(0, len(losses), 20))
    ]
    content = {
        "steps": state.step,
        "seconds": round(state.seconds, 1),
        "tokens": state.tokens,
        "about": state.about,
        "losses": [*state.earlier, *means],
        "evaluations": evaluations,
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
