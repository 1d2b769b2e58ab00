"""Training of the bundled model: a small Llama for fill-in-the-middle, on a CPU, from installed source code.

A run is a folder: corpus, tokenizer, checkpoint, history and loss curve. Started again on the same folder
it goes on where it was. Nothing here is needed to serve completions.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_path
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from hirope_ls.lab import corpus as corpora
from hirope_ls.lab.corpus import Corpus, SourceFile
from hirope_ls.lab.fim_format import TRAINED_LENGTH, RowMaker
from hirope_ls.lab.tokenizer import END, load_tokenizer, save_tokenizer, train_tokenizer

UNSEEN = "networkx"
"""The project whose loss is followed besides the held-out files'; it is never trained on."""

_TOKENIZER_CHARS = 24_000_000
_EVAL_ROWS = 32
_WARMUP = 0.02
_DECAY_FROM = 0.6
_BETAS = (0.9, 0.95)
_WEIGHT_DECAY = 0.1
_CLIP = 1.0

Loss = Callable[[LlamaForCausalLM, torch.Tensor], torch.Tensor]
Report = Callable[[str, float], None]


@dataclass
class State:
    """How far a run is; everything of it but the weights and the optimiser."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What a run is to do. With `steps` it is deterministic; else it lasts `minutes`, whatever the machine's speed."""

    minutes: float
    steps: int | None
    batch: int
    seed: int

    def done(self, state: State) -> float:
        """The share of the budget that is used up, 1.0 or more when the run is over."""
        return state.step / self.steps if self.steps is not None else state.seconds / (60 * self.minutes)


@dataclass(frozen=True)
class Folder:
    """Where the parts of a run are."""

    path: Path

    @property
    def corpus(self) -> Path:
        return self.path / "corpus"

    @property
    def tokenizer(self) -> Path:
        return self.path / "tokenizer"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def history(self) -> Path:
        return self.path / "training.json"

    @property
    def plot(self) -> Path:
        return self.path / "loss.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `lab train`."""
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--minutes",
        type=float,
        default=120.0,
        help="train for so long, resumptions included (default: 120). The learning rate follows the elapsed time, "
        "so the run ends on time with its decay done, but two such runs are not equal",
    )
    budget.add_argument("--steps", type=int, help="train for so many steps instead: same seed, same weights")
    parser.add_argument("--work-dir", type=Path, help="the run's folder (default: in the user's cache)")
    parser.add_argument("--out", type=Path, help="where the model folder goes (default: WORK_DIR/model)")
    parser.add_argument("--export-only", action="store_true", help="write the model folder of the last checkpoint")
    parser.add_argument("--corpus-dir", type=Path, help="train on this folder's Python files, not on installed ones")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--batch", type=int, default=16, help=f"rows of {TRAINED_LENGTH} tokens a step (default: 16)")
    parser.add_argument("--lr", type=float, default=2e-3, help="peak rate of AdamW, half that of Muon (default: 2e-3)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="torch threads (default: torch's own choice)")
    parser.add_argument("--compile", choices=("auto", "on", "off"), default="auto", help="torch.compile the loss")
    parser.add_argument("--save-every", type=float, default=5.0, help="minutes between checkpoints (default: 5)")
    parser.add_argument("--eval-every", type=float, default=10.0, help="minutes between evaluations (default: 10)")


def run(args: argparse.Namespace) -> int:
    """Train, or go on training, and export. 0: done, 130: interrupted and saved, 2: unable, and it is said why."""
    if importlib.util.find_spec("matplotlib") is None:  # found out now, not after two hours
        print("Training draws a loss curve: pip install 'hirope-ls[lab]'", file=sys.stderr)
        return 2
    folder = Folder(args.work_dir or user_cache_path("hirope-ls") / "lab-train")
    out = args.out or folder.path / "model"
    folder.path.mkdir(parents=True, exist_ok=True)
    if args.threads:
        torch.set_num_threads(args.threads)
    corpus = _prepare_corpus(folder, args.corpus_dir)
    if not corpus.train:
        print("No Python file to train on.", file=sys.stderr)
        return 2
    tokenizer = _prepare_tokenizer(folder, corpus)
    torch.manual_seed(args.seed)
    model = LlamaForCausalLM(model_config(tokenizer, args.layers))
    optimisers = make_optimisers(model, args.lr)
    state = State()
    if folder.checkpoint.exists():
        state = load_checkpoint(folder.checkpoint, model, optimisers)
    elif args.export_only:
        print(f"No checkpoint in {folder.path}.", file=sys.stderr)
        return 2
    if not args.export_only:
        plan = Plan(args.minutes, args.steps, args.batch, args.seed)
        loss = _compiled() if args.compile == "on" or (args.compile == "auto" and _can_compile()) else row_loss
        trainer = Trainer(folder, plan, corpus, tokenizer, model, optimisers, state)
        if not trainer.train(loss, args.save_every * 60, args.eval_every * 60):
            return 130
    export(folder, out, corpus, model, state)
    print(f"The model is in {out}.", flush=True)
    return 0


def model_config(tokenizer: Tokenizer, num_layers: int) -> LlamaConfig:
    """The bundled model's shape; the embedding is tied: at this size it is a quarter of the weights."""
    end = tokenizer.token_to_id(END)
    return LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=num_layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=64,
        max_position_embeddings=TRAINED_LENGTH,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=end,
    )


def make_optimisers(model: LlamaForCausalLM, lr: float) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices and AdamW for the rest; each group keeps its peak rate as `peak_lr`.

    Muon (Jordan 2024) needs far fewer tokens for the same loss, and a CPU's tokens are dear.
    """
    layers = [p for p in model.model.layers.parameters() if p.dim() == 2]
    in_layers = {id(p) for p in layers}
    rest = [p for p in model.parameters() if id(p) not in in_layers]
    muon = torch.optim.Muon(layers, lr=2 * lr, weight_decay=_WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(rest, lr=lr, betas=_BETAS, weight_decay=0.0, fused=True)
    for optimiser in (muon, adamw):
        for group in optimiser.param_groups:
            group["peak_lr"] = group["lr"]
    return [muon, adamw]


def lr_factor(done: float) -> float:
    """Warm-up, stable, linear decay: the learning rate's share of its peak when the share `done` is used up."""
    if done < _WARMUP:
        return max(done / _WARMUP, 0.01)
    return 1.0 if done < _DECAY_FROM else max(0.0, (1 - done) / (1 - _DECAY_FROM))


def row_loss(model: LlamaForCausalLM, rows: torch.Tensor) -> torch.Tensor:
    """The mean cross entropy in nats of rows [batch, length + 1] of ids."""
    hidden = model.model(input_ids=rows[:, :-1], use_cache=False).last_hidden_state
    logits = model.lm_head(hidden)
    return functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), rows[:, 1:].reshape(-1))


class Trainer:
    """Steps, evaluates and checkpoints one run."""

    def __init__(
        self,
        folder: Folder,
        plan: Plan,
        corpus: Corpus,
        tokenizer: Tokenizer,
        model: LlamaForCausalLM,
        optimisers: list[torch.optim.Optimizer],
        state: State,
    ) -> None:
        self.folder, self.plan, self.model, self.optimisers, self.state = folder, plan, model, optimisers, state
        self.rows = RowMaker(tokenizer, corpus.train, plan.seed)
        self.evaluations = _evaluations(tokenizer, corpus)

    def train(self, loss: Loss, save_seconds: float, eval_seconds: float) -> bool:
        """Train until the plan is done; False if interrupted. The state is saved either way."""
        state, plan = self.state, self.plan
        saved = evaluated = state.seconds
        self.model.train()
        with _interruptible() as interrupted, _reporter() as report:
            while plan.done(state) < 1 and not interrupted():
                began = time.perf_counter()
                value = self._step(loss)
                state.step += 1
                state.tokens += plan.batch * TRAINED_LENGTH
                state.seconds += time.perf_counter() - began
                self._note(value, time.perf_counter() - began, report)
                if state.seconds - evaluated >= eval_seconds:
                    evaluated = state.seconds
                    self._evaluate(report)
                if state.seconds - saved >= save_seconds:
                    saved = state.seconds
                    self.save()
            finished = plan.done(state) >= 1
            if finished:
                self._evaluate(report)
        self.save()
        return finished

    def save(self) -> None:
        """Write checkpoint and history, each at once or not at all."""
        content = {
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "state": asdict(self.state),
        }
        partial = self.folder.checkpoint.with_suffix(".partial")
        torch.save(content, partial)
        partial.replace(self.folder.checkpoint)
        write_history(self.folder.history, self.state)

    def _step(self, loss: Loss) -> float:
        plan, step = self.plan, self.state.step
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak_lr"] * lr_factor(plan.done(self.state))
        rows = torch.tensor([self.rows.row(step * plan.batch + i) for i in range(plan.batch)])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss(self.model, rows)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        result = value.item()
        if not math.isfinite(result):
            raise FloatingPointError(f"the loss is {result} at step {step}; the last checkpoint is still good")
        return result

    def _note(self, value: float, seconds: float, report: Report) -> None:
        state, plan = self.state, self.plan
        state.history.append({"step": state.step, "seconds": state.seconds, "loss": round(value, 4)})
        if state.step % 20 == 0 or plan.done(state) >= 1:
            recent = [entry["loss"] for entry in state.history[-20:] if "loss" in entry]
            speed = plan.batch * TRAINED_LENGTH / seconds
            line = f"step {state.step}  loss {sum(recent) / len(recent):.3f}  {speed:,.0f} tok/s"
            report(f"{line}  {state.seconds / 60:.1f} min", plan.done(state))

    def _evaluate(self, report: Report) -> None:
        began = time.perf_counter()
        results = {name: measure(self.model, rows) for name, rows in self.evaluations.items()}
        entry = {f"{name}_{key}": round(value, 4) for name, result in results.items() for key, value in result.items()}
        self.state.seconds += time.perf_counter() - began
        self.state.history.append({"step": self.state.step, "seconds": self.state.seconds, **entry})
        report("eval  " + "  ".join(f"{key} {value:.3f}" for key, value in entry.items()), self.plan.done(self.state))


@dataclass(frozen=True)
class EvalRow:
    """Ids, and the range of them whose loss counts."""

    ids: list[int]
    scored: tuple[int, int]


@torch.no_grad()
def measure(model: LlamaForCausalLM, rows: Sequence[EvalRow]) -> dict[str, float]:
    """The mean loss in nats over the scored ids, and the share of rows whose scored ids are all the likeliest ones.

    The second is the exact-match rate of greedy decoding, found without decoding.
    """
    model.train(False)
    total, count, exact = 0.0, 0, 0
    for row in rows:
        ids = torch.tensor([row.ids])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits[0].float()
        start, end = row.scored
        scored, targets = logits[start - 1 : end - 1], ids[0, start:end]
        total += functional.cross_entropy(scored, targets, reduction="sum").item()
        count += end - start
        exact += int((scored.argmax(-1) == targets).all())
    model.train(True)
    return {"loss": total / count, "exact": exact / len(rows)} if rows else {}


def load_checkpoint(path: Path, model: LlamaForCausalLM, optimisers: list[torch.optim.Optimizer]) -> State:
    """Fill model and optimisers from a checkpoint and return how far it was."""
    content: dict[str, Any] = torch.load(path, weights_only=True)
    model.load_state_dict(content["model"])
    for optimiser, saved in zip(optimisers, content["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    return State(**content["state"])


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
        "losses": means,
        "evaluations": evaluations,
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def export(folder: Folder, out: Path, corpus: Corpus, model: LlamaForCausalLM, state: State) -> None:
    """Write the model folder: what the Auto classes load, the card and the loss curve."""
    from hirope_ls.lab.card import write_model_folder  # matplotlib takes a second to import

    write_history(folder.history, state)
    write_model_folder(out, folder.tokenizer, folder.history, corpus, model)


def _prepare_corpus(folder: Folder, source: Path | None) -> Corpus:
    corpus = corpora.load(folder.corpus)
    if corpus is None:
        corpus = corpora.folder_corpus(source) if source else corpora.installed_corpus()
        corpora.save(corpus, folder.corpus)
    return corpus


def _prepare_tokenizer(folder: Folder, corpus: Corpus) -> Tokenizer:
    if not (folder.tokenizer / "tokenizer.json").exists():
        num_chars = sum(len(file.text) for file in corpus.train)
        every = max(1, num_chars // _TOKENIZER_CHARS)
        save_tokenizer(train_tokenizer(file.text for file in corpus.train[::every]), folder.tokenizer)
    return load_tokenizer(folder.tokenizer)


def _evaluations(tokenizer: Tokenizer, corpus: Corpus) -> dict[str, list[EvalRow]]:
    sets = {"held_out": corpus.held_out, UNSEEN: corpora.evaluation_files(UNSEEN)}
    result: dict[str, list[EvalRow]] = {}
    for name, files in sets.items():
        if files:
            result[name] = _plain_rows(tokenizer, files)
            result[f"{name}_middle"] = _middle_rows(tokenizer, files)
    return result


def _plain_rows(tokenizer: Tokenizer, files: Sequence[SourceFile]) -> list[EvalRow]:
    maker = RowMaker(tokenizer, files, seed=-1)
    rows = (maker.plain(TRAINED_LENGTH + 1, maker.rng(index)) for index in range(_EVAL_ROWS))
    return [EvalRow(ids, (1, len(ids))) for ids in rows if len(ids) > 1]


def _middle_rows(tokenizer: Tokenizer, files: Sequence[SourceFile]) -> list[EvalRow]:
    maker = RowMaker(tokenizer, files, seed=-2)
    examples = (maker.context_spm(TRAINED_LENGTH + 1, maker.rng(index)) for index in range(4 * _EVAL_ROWS))
    return [EvalRow(example.ids, example.middle) for example in examples if example is not None]


def _compiled() -> Loss:
    compiled: Loss = torch.compile(row_loss)
    return compiled


def _can_compile() -> bool:
    """Whether the machine has what torch.compile needs on a CPU: a C++ compiler."""
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler:
        return False
    return True


@contextlib.contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Within it SIGINT and SIGTERM end the run after the current step. Yields whether one has come."""
    came: list[int] = []
    previous = {sign: signal.signal(sign, lambda number, _: came.append(number)) for sign in _SIGNALS}
    try:
        yield lambda: bool(came)
    finally:
        for sign, handler in previous.items():
            signal.signal(sign, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def _reporter() -> Iterator[Report]:
    """Yields a function of a line and the share that is done: a progress bar on a terminal, else plain lines."""
    if not sys.stdout.isatty():
        yield lambda line, done: print(f"{done:6.1%}  {line}", flush=True)
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("training", total=1.0)
        yield lambda line, done: progress.update(task, description=line, completed=done)


def main() -> int:
    """`python -m hirope_ls.lab.train`."""
    parser = argparse.ArgumentParser(prog="hirope-ls lab train", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
