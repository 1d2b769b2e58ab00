"""The commands `hirope-ls eval ...`: their options, what those name, and one line for what is wrong with them.

Each is an object with `add_arguments` and `run`, which is what the command line asks of a module.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType, ModuleType

from hirope_ls.lab.eval import completion as completion_task
from hirope_ls.lab.eval import distant as distant_task
from hirope_ls.lab.eval import perplexity as perplexity_task
from hirope_ls.lab.eval import symbols as symbols_task
from hirope_ls.lab.eval.copying import BASELINES
from hirope_ls.lab.eval.keys import model_digest
from hirope_ls.lab.eval.lengths import parse_lengths
from hirope_ls.lab.eval.rest import Rest
from hirope_ls.lab.eval.run import LOG, Evaluation
from hirope_ls.lab.eval.series import begin
from hirope_ls.lab.eval.sources import sources
from hirope_ls.lab.eval.task import Item, Task
from hirope_ls.lab.methods import METHODS, OPTIONS, accepted, methods, options_of
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

_LENGTHS = "tokens, or multiples of the trained length: 512,4x (default: 1x,4x,16x)"
MakeTask = Callable[[argparse.Namespace, Path], Task]
"""The task for parsed options and the model in a folder."""


class Command:
    """`hirope-ls eval TASK`."""

    def __init__(self, module: ModuleType, make: MakeTask, baselines: Mapping[str, str] = MappingProxyType({})) -> None:
        self.__doc__ = module.__doc__
        self._own = getattr(module, "add_arguments", None)
        self._make = make
        self._baselines = baselines

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The options that all tasks share, and the task's own."""
        _add_common(parser, self._baselines)
        if self._own:
            self._own(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Measure, write the report and print its table; exit code 0. Raises HiropeError."""
        print(self.evaluation(args).run(), end="")
        return 0

    def evaluation(self, args: argparse.Namespace) -> Evaluation:
        """What the options ask for. Raises HiropeError."""
        card = read_card(args.model or bundled_folder())
        chosen = methods(args.methods, card.trained_length, self._baselines)
        task = self._make(args, card.folder)
        items = _items(args, task, card)
        loaded = load(card, args.device, args.dtype)
        digest = model_digest(card.folder)
        return Evaluation(task, items, chosen, loaded, digest, args.seed, args.out, _versions(loaded, digest))


def _add_common(parser: argparse.ArgumentParser, baselines: Mapping[str, str]) -> None:
    parser.epilog = _methods_help(baselines)
    add = parser.add_argument
    add("--model", type=Path, metavar="DIR", help="model folder (default: the bundled model)")
    add("--workspace", type=Path, nargs="+", required=True, metavar="DIR", help="folders of source files")
    add("--methods", default="rope,hirope", metavar="LIST", help="of those below (default: rope,hirope)")
    add("--lengths", default="1x,4x,16x", metavar="LIST", help=_LENGTHS)
    add("--limit", type=int, default=30, metavar="N", help="files at most (default: 30)")
    add("--seed", type=int, default=0, metavar="N", help="for what is drawn at random (default: 0)")
    add("--out", type=Path, required=True, metavar="DIR", help="where the results go; a stopped run goes on from there")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add("--dtype", default="auto", help="auto, float32, bfloat16 or float16")
    add("--threads", type=int, metavar="N", help="threads of torch (default: the physical cores)")


def _methods_help(baselines: Mapping[str, str]) -> str:
    """One line a method, and one an option."""
    lines = ["methods, with options behind colons (hirope:window=384:far=running):"]
    for name, about in METHODS.items():
        given = "" if name.startswith("hirope") else ", ".join(options_of(name))
        lines.append(f"  {name:<14}{about}" + (f" ({given})" if given else ""))
    lines += [f"  {name:<14}{about}" for name, about in baselines.items()]
    lines += ["", "options, which hirope and hirope-paper have but for the last three:"]
    return "\n".join([*lines, *(f"  {name:<14}{about}: {accepted(name)}" for name, about in OPTIONS.items())])


def _items(args: argparse.Namespace, task: Task, card: Card) -> list[Item]:
    """What is to be measured; before the model is loaded, so that wrong options are told at once."""
    lengths = parse_lengths(args.lengths, card.trained_length)
    begin(args.out / LOG, args.threads, limit=args.limit)
    found = sources(args.workspace, TextTokenizer.load(card.folder), card.trained_length)
    items = task.items(found, lengths, args.limit, args.seed)
    if not items:
        raise InputError(f"no file is fit for {task.name} at {max(lengths):,} tokens: choose shorter --lengths")
    return items


def _versions(loaded: Loaded, digest: str) -> dict[str, str]:
    """What the figures were made with. No machine and no time: the same again gives the same."""
    packages = {name: metadata.version(name) for name in ("hirope-ls", "torch", "transformers")}
    model = {"model": loaded.card.name, "weights": digest[:12], "dtype": str(loaded.dtype).removeprefix("torch.")}
    return {**packages, "python": platform.python_version(), **model, "device": loaded.device.type}


def _completion(args: argparse.Namespace, folder: Path) -> Task:
    if args.ask == "line":
        return completion_task.from_args(args, folder)
    if args.context != "file":
        raise InputError("--ask rest shows the file alone: leave --context out; eval crossfile shows others as well")
    return Rest(args.lines)


perplexity = Command(perplexity_task, lambda args, folder: perplexity_task.Perplexity())
distant = Command(distant_task, lambda args, folder: distant_task.Distant())
symbols = Command(symbols_task, symbols_task.from_args)
completion = Command(completion_task, _completion, BASELINES)
COMMANDS = {"perplexity": perplexity, "distant": distant, "symbols": symbols, "completion": completion}
