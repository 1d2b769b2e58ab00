"""Time decoding, token by token, against a plain loop over the unpatched model with transformers' own cache.

Both continue the same random ids greedily and take turns, one token each, so that a busy machine slows both alike; the
ratio is what counts. CPU time of the process is shown next to the wall clock: on a busy machine only the first means
something. Ours does all that a completion does: choice among the allowed ids, log-probability, stop flag, reuse.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, DynamicCache

from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.generator import Event, Generated, IntArray, Limits, Prefilled
from hirope_ls.model.loader import Loaded, choose_threads, load
from hirope_ls.problems import InputError

_UNIT = 40  # tokens of a unit, or more where the units would be too many for the trained length
_CHUNK = 512  # rows that the plain loop prefills at once, so that it does not hold the logits of all
_KV_BUDGET = 8 << 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The bench's options."""
    parser.add_argument("--model", type=Path, default=bundled_folder(), help="the model's folder (the bundled one)")
    parser.add_argument("--contexts", type=int, nargs="+", default=[400, 1024, 8192], help="tokens before the first")
    parser.add_argument("--tokens", type=int, default=40, help="tokens timed at each context (40)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    parser.add_argument("--threads", type=int, help="threads of torch (as the server chooses)")
    parser.add_argument("--json", type=Path, help="write the figures here as well")


def run(args: argparse.Namespace) -> int:
    """Time and print; the exit code. Raises ModelRefused, SettingsError, InputError."""
    if args.tokens < 1 or min(args.contexts) < 1:
        raise InputError("contexts and tokens must be at least 1")
    card = read_card(args.model)
    loaded = load(card, args.device)
    plain = AutoModelForCausalLM.from_pretrained(card.folder, dtype=loaded.dtype, local_files_only=True)
    plain = plain.to(loaded.device)  # type: ignore[arg-type]
    if args.threads:
        torch.set_num_threads(args.threads)
    else:
        choose_threads()
    rows = [_bench(card, loaded, plain, context, args.tokens) for context in args.contexts]
    Console().print(_table(rows))
    threads = torch.get_num_threads()
    print(f"{platform.processor() or platform.machine()}, {threads} thread(s), torch {torch.__version__}, {card.name}")
    if args.json:
        args.json.write_text(
            json.dumps({"bench": "decode", "threads": threads, "rows": rows}, indent=1) + "\n", "utf-8"
        )
    return 0


class _Clock:
    """Seconds of wall clock and of CPU for each of a series of calls."""

    def __init__(self, device: torch.device) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self._device = device

    def time(self, call: Callable[[], Any]) -> Any:
        began, began_cpu = time.perf_counter(), time.process_time()
        result = call()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self.wall.append(time.perf_counter() - began)
        self.cpu.append(time.process_time() - began_cpu)
        return result

    def figures(self) -> dict[str, float]:
        """The first call is the prefill, the others are a token each."""
        cpu, wall = np.median(self.cpu[1:]), np.median(self.wall[1:])
        return {
            "prefill_s": self.wall[0],
            "prefill_cpu_s": self.cpu[0],
            "ms": 1e3 * float(wall),
            "cpu_ms": 1e3 * float(cpu),
            "tokens_per_s": 1 / float(wall),
        }


def _bench(card: Card, loaded: Loaded, plain: Any, context: int, tokens: int) -> dict[str, Any]:
    ids, positions = _prompt(card, context)
    ours, theirs = _Clock(loaded.device), _Clock(loaded.device)
    events = LocalModel(loaded, _KV_BUDGET).generate("bench", ids, positions, Limits(tokens + 2), _Never())
    stock = _stock(plain, ids, loaded.device)
    if not isinstance(ours.time(lambda: _next(events)), Prefilled):
        raise InputError(f"{context} tokens need more memory than there is for the cache")
    theirs.time(lambda: next(stock))
    _next(events)  # chosen from the prefill's logits: nothing to compute
    for _ in range(tokens):
        if not isinstance(ours.time(lambda: _next(events)), Generated):
            raise InputError(f"the model has nothing to say after {context} tokens")
        theirs.time(lambda: next(stock))
    row: dict[str, Any] = {"context": context, "ours": ours.figures(), "plain": theirs.figures()}
    row["ratio"] = row["plain"]["cpu_ms"] / row["ours"]["cpu_ms"]
    row["ratio_wall"] = row["plain"]["ms"] / row["ours"]["ms"]
    return row


def _next(events: Iterator[Event]) -> Event:
    return next(events)


class _Never:
    """A stop flag that is never set."""

    def is_set(self) -> bool:
        return False


def _prompt(card: Card, context: int) -> tuple[IntArray, IntArray]:
    """Random ids in units that are as many as the trained length allows, or fewer."""
    ids = np.random.default_rng(0).integers(4, card.vocab_size, context).astype(np.int32)
    unit = max(_UNIT, -(-context // max(1, card.trained_length // 2 - 1)))
    index = np.arange(context, dtype=np.int32)
    return ids, np.stack([index // unit, index % unit])


@torch.inference_mode()
def _stock(model: Any, ids: IntArray, device: torch.device) -> Iterator[int]:
    """What greedy decoding with the library alone takes: the first answer is the prefill's, then one a token."""
    cache = DynamicCache()
    rows = torch.from_numpy(ids.astype(np.int64)).to(device)[None]
    for start in range(0, rows.shape[1], _CHUNK):
        part = rows[:, start : start + _CHUNK]
        logits = model(input_ids=part, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
    while True:
        token = int(logits[0, -1].argmax())
        yield token
        logits = model(input_ids=torch.tensor([[token]], device=device), past_key_values=cache, use_cache=True).logits


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="one token, ms of CPU (wall clock in brackets)")
    for name in ("context", "ours", "plain", "ratio", "tokens/s", "plain tokens/s", "prefill s", "plain prefill s"):
        table.add_column(name, justify="right")
    for row in rows:
        ours, plain = row["ours"], row["plain"]
        times = (f"{side['cpu_ms']:.2f} ({side['ms']:.2f})" for side in (ours, plain))
        speeds = (f"{side['tokens_per_s']:.0f}" for side in (ours, plain))
        prefills = (f"{side['prefill_cpu_s']:.2f} ({side['prefill_s']:.2f})" for side in (ours, plain))
        table.add_row(str(row["context"]), *times, f"{row['ratio']:.2f}x", *speeds, *prefills)
    return table
