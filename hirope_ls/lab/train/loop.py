"""The loop of a training run: steps, evaluations, checkpoints, until the budget is used up or a signal comes."""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import LlamaForCausalLM

from hirope_ls.lab.train.measure import EvalRow, measure
from hirope_ls.lab.train.optimise import CLIP, Plan, set_rates
from hirope_ls.lab.train.rows import TRAINED_LENGTH, RowMaker
from hirope_ls.lab.train.state import Folder, State, save_checkpoint

Loss = Callable[[LlamaForCausalLM, torch.Tensor], torch.Tensor]
Report = Callable[[str, float], None]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def row_loss(model: LlamaForCausalLM, rows: torch.Tensor) -> torch.Tensor:
    """The mean cross entropy in nats of rows [batch, length + 1] of ids."""
    hidden = model.model(input_ids=rows[:, :-1], use_cache=False).last_hidden_state
    logits = model.lm_head(hidden)
    return functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), rows[:, 1:].reshape(-1))


@dataclass(frozen=True)
class Pace:
    """Seconds of computing between checkpoints and between evaluations, and processes that make rows (0: none)."""

    save: float
    evaluate: float
    workers: int = 0


class Trainer:
    """Steps, evaluates and checkpoints one run."""

    def __init__(
        self,
        folder: Folder,
        plan: Plan,
        rows: RowMaker,
        evaluations: Mapping[str, Sequence[EvalRow]],
        model: LlamaForCausalLM,
        optimisers: list[torch.optim.Optimizer],
        state: State,
    ) -> None:
        self.folder, self.plan, self.model, self.optimisers, self.state = folder, plan, model, optimisers, state
        self.rows, self.evaluations = rows, evaluations
        self._clock = time.perf_counter if model.device.type == "cuda" else time.thread_time

    def train(self, loss: Loss, pace: Pace) -> bool:
        """Train until the plan is done; False if interrupted. The state is saved either way."""
        state, plan = self.state, self.plan
        saved = evaluated = state.seconds
        self.model.train()
        with _interruptible() as interrupted, _reporter() as report, self._batches(pace.workers) as batches:
            began = self._clock()
            for rows in batches:
                if plan.done(state) >= 1 or interrupted():
                    break
                value = self._step(loss, rows)
                state.step += 1
                state.tokens += plan.batch * TRAINED_LENGTH
                now = self._clock()
                state.seconds += now - began
                self._note(value, now - began, report)
                began = now
                if state.seconds - evaluated >= pace.evaluate:
                    evaluated = state.seconds
                    self._evaluate(report)
                    began = self._clock()
                if state.seconds - saved >= pace.save:
                    saved = state.seconds
                    self.save()
            finished = plan.done(state) >= 1
            if finished:
                self._evaluate(report)
        self.save()
        return finished

    def save(self) -> None:
        """Write checkpoint and history."""
        save_checkpoint(self.folder, self.model, self.optimisers, self.state)

    @contextlib.contextmanager
    def _batches(self, workers: int) -> Iterator[Iterator[torch.Tensor]]:
        """Yields what gives the batches of this run from its step on, [batch, length + 1] each."""
        first = self.state.step * self.plan.batch
        loader = DataLoader(_Rows(self.rows), self.plan.batch, sampler=_From(first), num_workers=workers)
        batches = iter(loader)
        try:
            yield batches
        finally:
            del batches

    def _step(self, loss: Loss, rows: torch.Tensor) -> float:
        set_rates(self.optimisers, self.plan.done(self.state))
        device = self.model.device
        with torch.autocast(device.type, dtype=torch.bfloat16):
            value = loss(self.model, rows.to(device))
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        result = value.item()
        if not math.isfinite(result):
            raise FloatingPointError(f"the loss is {result} at step {self.state.step}; the last checkpoint is good")
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
        results = {name: measure(self.model, rows) for name, rows in self.evaluations.items()}
        entry = {f"{name}_{key}": round(value, 4) for name, result in results.items() for key, value in result.items()}
        self.state.history.append({"step": self.state.step, "seconds": self.state.seconds, **entry})
        report("eval  " + "  ".join(f"{key} {value:.3f}" for key, value in entry.items()), self.plan.done(self.state))


class _Rows(Dataset[torch.Tensor]):
    def __init__(self, maker: RowMaker) -> None:
        self._maker = maker

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.tensor(self._maker.row(index))


class _From(Sampler[int]):
    """All numbers from `first` on."""

    def __init__(self, first: int) -> None:
        self._first = first

    def __iter__(self) -> Iterator[int]:
        number = self._first
        while True:
            yield number
            number += 1


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


@contextlib.contextmanager
def _reporter() -> Iterator[Report]:
    """Yields a function of a line and the share that is done: a progress bar on a terminal, else plain lines."""
    if not sys.stdout.isatty():
        yield lambda line, done: print(f"{done:6.1%}  {line}", flush=True)
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("training", total=1.0)
        yield lambda line, done: progress.update(task, description=line, completed=done)
