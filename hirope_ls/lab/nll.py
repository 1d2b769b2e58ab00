"""Likelihood of the same tokens under growing context: what a position scheme makes of far text.

For each file the last 256 tokens of a window are scored, while the context in front of them grows to the left, as in
the language-modelling task of the HiRoPE paper (arXiv 2403.19115, section 4). Files must be long enough for the longest
window, and should be ones that the model was not trained on. Knows no server and no prompts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch.nn import functional
from transformers import DynamicCache

from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.hirope import HiRoPE, Scheme
from hirope_ls.lab.plots import likelihood_curve
from hirope_ls.model.folder import bundled_folder, read_card
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError
from hirope_ls.text import Buffer

SCORED = 256
_CHUNK = 512

METHODS = {
    "rope": "ordinary positions at every length",
    "hirope": "the default scheme",
    "hirope-all": "the default scheme on all rows of a long prompt",
    "undamped": "the default scheme without far damping",
    "running": "fast pairs on the running token index",
    "paper": "the paper read literally",
}


@dataclass(frozen=True)
class Window:
    """A file's scored stretch with all the context there may be: ids int32[n], positions int32[2, n]."""

    path: Path
    ids: NDArray[np.int32]
    positions: NDArray[np.int32]

    def part(self, start: int, length: int) -> Window:
        """`length` tokens from `start` on, units counted from the first one in sight."""
        positions = self.positions[:, start : start + length].copy()
        positions[0] -= positions[0, 0]
        return Window(self.path, self.ids[start : start + length], positions)

    def last(self, length: int) -> Window:
        """The last `length` tokens."""
        return self.part(len(self.ids) - length, length)


@dataclass(frozen=True)
class Result:
    """Mean negative log-likelihood in nats a token over the scored tokens of each file, in the order of the files."""

    method: str
    length: int
    nll: tuple[float, ...]
    seconds: float

    @property
    def mean(self) -> float:
        return sum(self.nll) / len(self.nll)

    def difference(self, other: Result) -> tuple[float, float]:
        """Mean difference from `other`, file by file, and its standard error."""
        deltas = np.array(self.nll) - np.array(other.nll)
        error = float(deltas.std(ddof=1)) / math.sqrt(len(deltas)) if len(deltas) > 1 else math.nan
        return float(deltas.mean()), error


def scheme_for(method: str, trained_length: int) -> Scheme:
    """The scheme of a name in METHODS."""
    default = Scheme.default(trained_length)
    return {
        "rope": Scheme.plain(trained_length),
        "hirope": default,
        "hirope-all": replace(default, row_switch=False),
        "undamped": replace(default, far_damping=0.0),
        "running": replace(default, far="running"),
        "paper": Scheme.paper(trained_length),
    }[method]


def windows(
    workspaces: Sequence[Path], tokenizer: TextTokenizer, trained_length: int, length: int, limit: int
) -> list[Window]:
    """Up to `limit` windows of `length` tokens, the same ones every time.

    Taken from the start of each Python file that has as many tokens, then, where it is long enough, from what follows.
    """
    pipeline = Pipeline(tokenizer, trained_length)
    cut: list[list[Window]] = []
    for path in _files(workspaces):
        data = path.read_bytes()
        if len(data) < length:  # a token is a byte at least
            continue
        snapshot = pipeline.open(path.as_uri(), 0, Buffer.of(data), "python", str(path))
        whole = Window(path, snapshot.tokens.ids, snapshot.positions)
        cut.append([whole.part(start, length) for start in range(0, len(whole.ids) - length + 1, length)])
    found = [window for turn in zip_longest(*cut) for window in turn if window is not None]
    if not found:
        raise InputError(f"no Python file of {length} tokens in {workspaces[0]}: choose shorter --lengths")
    return found[:limit]


def _files(workspaces: Sequence[Path]) -> Iterator[Path]:
    """Python files in an order that depends on their names alone and mixes folders."""
    named = [(path.resolve(), path.relative_to(root)) for root in workspaces for path in root.rglob("*.py")]
    for path, _ in sorted(named, key=lambda pair: hashlib.sha256(str(pair[1]).encode()).digest()):
        if path.is_file():
            yield path


def score(hirope: HiRoPE, window: Window, device: torch.device) -> float:
    """Mean negative log-likelihood of the last SCORED tokens of `window`, in nats."""
    ids = torch.from_numpy(window.ids.astype(np.int64))[None].to(device)
    positions = torch.from_numpy(window.positions.astype(np.int64))
    total = ids.shape[1]
    cache = DynamicCache()
    split = total - SCORED - 1
    for start in range(0, split, _CHUNK):
        hirope.forward(ids[:, start : min(start + _CHUNK, split)], positions, cache, last_only=True)
    logits = hirope.forward(ids[:, split : total - 1], positions, cache)
    return float(functional.cross_entropy(logits[0].float(), ids[0, split + 1 :]))


def measure(
    loaded: Loaded, found: Sequence[Window], lengths: Sequence[int], methods: Sequence[str]
) -> Iterator[Result]:
    """One result for each method and length."""
    for method in methods:
        loaded.hirope.scheme = scheme_for(method, loaded.hirope.trained_length)
        for length in lengths:
            begin = time.perf_counter()
            nll = tuple(score(loaded.hirope, window.last(length), loaded.device) for window in found)
            yield Result(method, length, nll, time.perf_counter() - begin)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `hirope-ls lab nll`."""
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder (default: the bundled model)")
    parser.add_argument(
        "--workspace", type=Path, nargs="+", required=True, metavar="DIR", help="folders of Python files to score"
    )
    parser.add_argument("--lengths", default="1x,4x,16x", help="contexts: tokens, or multiples of the trained length")
    parser.add_argument("--methods", default="rope,hirope", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--limit", type=int, default=8, metavar="N", help="windows at most")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, float32, bfloat16 or float16")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there as well")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves (.png, .svg)")


def parse_lengths(text: str, trained_length: int) -> list[int]:
    """Tokens of each comma-separated length; "4x" is four times the trained length. Raises InputError."""
    lengths = []
    for word in text.split(","):
        number, times = word.strip().removesuffix("x"), word.strip().endswith("x")
        if not number.isdigit():
            raise InputError(f"{word!r} is no length: give tokens (2048) or multiples (4x)")
        lengths.append(int(number) * (trained_length if times else 1))
    if min(lengths) <= SCORED:
        raise InputError(f"the last {SCORED} tokens are scored: lengths must be greater")
    return lengths


def run(args: argparse.Namespace) -> int:
    """Measure and print; exit code 0."""
    methods = [word.strip() for word in args.methods.split(",")]
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise InputError(f"there is no method {unknown[0]!r}: choose from {', '.join(METHODS)}")
    folder = args.model or bundled_folder()
    card = read_card(folder)
    lengths = parse_lengths(args.lengths, card.trained_length)
    tokenizer = TextTokenizer.load(folder)
    found = windows(args.workspace, tokenizer, card.trained_length, max(lengths), args.limit)
    loaded = load(card, args.device, args.dtype)
    results = []
    for result in measure(loaded, found, lengths, methods):
        print(f"{result.method} at {result.length:,}: {result.mean:.3f} ({result.seconds:.0f} s)", file=sys.stderr)
        results.append(result)
    title = f"NLL of the last {SCORED} tokens, {len(found)} windows, {card.name}"
    _print(results, title)
    if args.json:
        args.json.write_text(json.dumps(_report(results, found, loaded), indent=2) + "\n", encoding="utf-8")
    if args.plot:
        curves = {name: [(one.length, one.nll) for one in results if one.method == name] for name in methods}
        likelihood_curve(curves, card.trained_length, title, args.plot)
    return 0


def _print(results: Sequence[Result], title: str) -> None:
    table = Table(title=f"{title}; differences from {results[0].length:,}")
    for heading in ("method", "context", "NLL", "difference", "seconds"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for result in results:
        base = next(other for other in results if other.method == result.method)
        delta, error = result.difference(base)
        told = "" if result is base else f"{delta:+.3f} ± {error:.3f}"
        table.add_row(result.method, f"{result.length:,}", f"{result.mean:.3f}", told, f"{result.seconds:.1f}")
    Console().print(table)


def _report(results: Sequence[Result], found: Sequence[Window], loaded: Loaded) -> dict[str, Any]:
    return {
        "model": loaded.card.name,
        "trained_length": loaded.hirope.trained_length,
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "files": [window.path.name for window in found],
        "results": [{**asdict(result), "mean": result.mean} for result in results],
    }


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="python -m hirope_ls.lab.nll", description=__doc__)
    add_arguments(_parser)
    raise SystemExit(run(_parser.parse_args()))
