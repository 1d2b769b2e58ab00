"""`hirope-ls lab pointer`: fit the four numbers by which a text is believed beside the model (model/pointer.py).

In code that the model was not trained on, for some hundred tokens of each file: how likely the model found the token
that came, and where the tokens before it stood above. The four numbers are those under which what came was likeliest.
Half of the files say them and the other half how good they are, both ways round.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hirope_ls.lab.eval.copying import lexicon
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import Source, sources
from hirope_ls.lab.methods import methods
from hirope_ls.model.folder import read_card
from hirope_ls.model.hub import resolve
from hirope_ls.model.loader import load
from hirope_ls.model.pointer import Lexicon, Pointer, pointing
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

LENGTH, SCORED, LIMIT = 2048, 512, 80
_PLACES = 96  # that are looked at, the longest matches first: all of them would tell 0.0005 nats at 2,048 tokens
_BEGIN = (1.0, 0.3, -3.0, 1.0)
_STEPS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add = parser.add_argument
    add("--model", default="bundled", help="a folder, or the id of a fetched model (default: bundled)")
    add("--workspace", type=Path, nargs="+", required=True, metavar="DIR", help="code that it was not trained on")
    add("--length", type=int, default=LENGTH, help=f"tokens of each file that are read (default: {LENGTH})")
    add("--scored", type=int, default=SCORED, help=f"how many of them are looked at, the last ones (default: {SCORED})")
    add("--limit", type=int, default=LIMIT, help=f"files at most (default: {LIMIT})")
    add("--seed", type=int, default=0, help="for the places in the files (default: 0)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add("--write", action="store_true", help="write the numbers into the model's config.json")


def run(args: argparse.Namespace) -> int:
    """Fit, print and, if asked to, write; 0. Raises HiropeError."""
    if not 1 <= args.scored < args.length or args.limit < 2:
        raise InputError("--scored takes a number from 1 up, below --length, and --limit one from 2 up")
    folder = resolve(args.model)
    found = fit_to(folder, args.workspace, args.length, args.scored, args.limit, args.seed, args.device)
    if found is None:
        raise InputError(f"fewer than two files have {args.length} tokens: choose a shorter --length")
    print(found.line)
    print(json.dumps(asdict(found.pointer)))
    if args.write and not found.helps:
        raise InputError("nothing is written: the model is no better with a pointer; more files may tell")
    if args.write:
        write(found.pointer, folder)
    return 0


@dataclass(frozen=True)
class Fitted:
    """A pointer, and nats a token without it and with one that was fitted on other files."""

    pointer: Pointer
    num_files: int
    alone: float
    with_it: float

    @property
    def helps(self) -> bool:
        """Whether the model is better with such a pointer."""
        return self.with_it < self.alone

    @property
    def line(self) -> str:
        """For people."""
        told = f"{self.alone:.3f} nats a token by the model alone, {self.with_it:.3f} with a pointer fitted on others"
        return f"{self.num_files} files: {told}"


def fit_to(
    folder: Path,
    workspaces: Sequence[Path],
    length: int = LENGTH,
    scored: int = SCORED,
    limit: int = LIMIT,
    seed: int = 0,
    device: str = "auto",
    left_out: Container[str] = frozenset(),
) -> Fitted | None:
    """What fits a model folder on this code; None where fewer than two files are long enough. `left_out`: files, by
    their folder's name and their path in it. Raises HiropeError."""
    card, tokenizer = read_card(folder), TextTokenizer.load(folder)
    (method,) = methods("hirope", card.trained_length)
    reader = Reader(load(card, device), method)
    found = [one for one in sources(workspaces, tokenizer, card.trained_length) if one.name not in left_out]
    seen = gather(reader, found, length, scored, limit, seed)
    if len(seen) < 2:
        return None
    halves = seen[::2], seen[1::2]
    alone = np.concatenate([each.nats for each in seen]).mean()
    with_it = np.concatenate([nats(fit(one), other) for one, other in (halves, halves[::-1])]).mean()
    return Fitted(fit(seen), len(seen), float(alone), float(with_it))


def write(pointer: Pointer, folder: Path) -> None:
    """Put the numbers into a model folder's config.json. Raises InputError where that cannot be written."""
    path = folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    own = content.get("hirope")
    content["hirope"] = (own if isinstance(own, dict) else {}) | {"pointer": asdict(pointer)}
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


@dataclass(frozen=True, eq=False)
class Seen:
    """Tokens of a file that came: nats[n] by the model; of the places that pointed, [n, _PLACES], lengths (0: none),
    distances in tokens, and whether they pointed at what came."""

    nats: NDArray[np.float64]
    lengths: NDArray[np.float64]
    distances: NDArray[np.float64]
    right: NDArray[np.bool_]


def gather(reader: Reader, found: Sequence[Source], length: int, scored: int, limit: int, seed: int) -> list[Seen]:
    """What came in up to `limit` files that are long enough, at a random place of each."""
    seen: list[Seen] = []
    for source in found:
        if len(seen) == limit:
            break
        if len(source.data) >= length and len(source) >= length:
            first = random.Random(f"{seed} {source.name}").randrange(len(source) - length + 1)
            prompt = Prompt.of(source, first, first + length)
            seen.append(_seen(reader.nll(prompt, scored), prompt.ids, lexicon(prompt.tokenizer)))
    return seen


def _seen(nats: NDArray[np.float64], ids: NDArray[np.int32], known: Lexicon) -> Seen:
    count = len(nats)
    lengths, distances = np.zeros((count, _PLACES)), np.ones((count, _PLACES))
    right = np.zeros((count, _PLACES), np.bool_)
    for row, end in enumerate(range(len(ids) - count, len(ids))):
        places, matched = pointing(ids[:end], known)
        best = np.lexsort((-places, -matched))[:_PLACES]
        lengths[row, : len(best)], distances[row, : len(best)] = matched[best], end - places[best] + 1
        right[row, : len(best)] = ids[places[best]] == ids[end]
    return Seen(nats, lengths, distances, right)


def fit(seen: Sequence[Seen]) -> Pointer:
    """The numbers under which what came was likeliest."""
    numbers = torch.tensor(_BEGIN, dtype=torch.float64, requires_grad=True)
    tensors = _tensors(seen)
    optimiser = torch.optim.LBFGS([numbers], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = _nats(numbers, *tensors).mean() + 1e-4 * (numbers**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return Pointer(*(round(number, 3) for number in numbers.tolist()))


def nats(pointer: Pointer, seen: Sequence[Seen]) -> NDArray[np.float64]:
    """float64[n] of all tokens that came, by model and pointer together."""
    numbers = torch.tensor(list(asdict(pointer).values()), dtype=torch.float64)
    result: NDArray[np.float64] = _nats(numbers, *_tensors(seen)).numpy()
    return result


def _tensors(seen: Sequence[Seen]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    names = ("nats", "lengths", "distances", "right")
    one, two, three, four = (torch.from_numpy(np.concatenate([getattr(each, name) for each in seen])) for name in names)
    return one, two, three, four


def _nats(numbers: Tensor, alone: Tensor, lengths: Tensor, distances: Tensor, right: Tensor) -> Tensor:
    """As `Pointer.shares` has it, for all tokens at once, by the places that are looked at."""
    by_length, by_distance, trust, trust_by_length = numbers
    there = lengths > 0
    weights = (by_length * lengths - by_distance * distances.log()).masked_fill(~there, -1e9).softmax(-1) * there
    belief = torch.sigmoid(trust + trust_by_length * torch.log1p(lengths.amax(-1))) * there.any(-1)
    return -torch.log((1 - belief) * torch.exp(-alone) + belief * (weights * right).sum(-1))
