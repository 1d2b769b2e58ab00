"""`hirope-ls lab variants`: shapes, vocabularies and ways to train, each trained for the same time, side by side.

Each variant is a run of `lab train` in a folder of its own, so that an interrupted comparison goes on where it stopped.
All read the same corpus. Bits a byte do not depend on the vocabulary, so they can be compared.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from hirope_ls.lab.train import command
from hirope_ls.lab.train.state import Folder

VARIANTS: dict[str, tuple[str, ...]] = {
    "256x4": (),
    "256x4, no words renamed": ("--renamed", "0"),
    "256x4, rare words renamed in half": ("--renamed", "0.5"),
    "256x4, half as served": ("--spm", "0.5", "--psm", "0.1"),
    "256x4, two in ten as served": ("--spm", "0.2", "--psm", "0.1"),
    "256x4, 16 rows a step": ("--batch", "16"),
    "256x4, vocabulary 8,192": ("--vocab", "8192"),
    "256x6, 2 kv heads": ("--layers", "6", "--kv-heads", "2"),
    "384x4, 2 kv heads": ("--hidden", "384", "--inner", "1024", "--kv-heads", "2"),
}
"""What is compared: the name of each, and its options beside those that all share."""

_KINDS = ("bits", "middle_bits", "middle_exact", "line_exact")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="a folder for each run, and table.md, go here")
    add("--only", nargs="+", choices=list(VARIANTS), metavar="NAME", help=f"of {'; '.join(VARIANTS)} (all)")
    add("--minutes", type=float, default=10.0, help="of computing for each (default: 10)")
    add("--node-modules", type=Path, metavar="DIR", help="as in lab train")
    add("--follow", type=Path, nargs="+", default=[], metavar="DIR", help="as in lab train: what to choose by")
    add("--threads", type=int, default=1, help="torch threads (default: 1)")
    add("--device", default="auto", help="cpu, cuda or auto (default: auto)")


def run(args: argparse.Namespace) -> int:
    """Train what is not yet trained, write the table and print it. 0, or what the first run that fails returns."""
    args.out.mkdir(parents=True, exist_ok=True)
    first = Folder(args.out / _folder_name(next(iter(VARIANTS))))
    for name in args.only or VARIANTS:
        folder = Folder(args.out / _folder_name(name))
        if first.corpus.exists() and not folder.corpus.exists():
            shutil.copytree(first.corpus, folder.corpus)
        code = command.run(_options(args, name, folder))
        if code:
            return code
    text = table({name: Folder(args.out / _folder_name(name)) for name in VARIANTS})
    (args.out / "table.md").write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


def table(folders: dict[str, Folder]) -> str:
    """What the last evaluation of each run says, as a table in Markdown; runs that have none are left out."""
    found = {name: json.loads(each.history.read_text()) for name, each in folders.items() if each.history.exists()}
    found = {name: history for name, history in found.items() if history["evaluations"]}
    sets = sorted({key.removesuffix("_line_exact") for each in found.values() for key in each["evaluations"][-1]
                   if key.endswith("_line_exact")})  # fmt: skip
    head = ["variant", "M tokens", *(f"{name}: bits, middle bits, middles right, next lines right" for name in sets)]
    lines = [f"| {' | '.join(head)} |", f"|---|--:|{'--:|' * len(sets)}"]
    for name, history in found.items():
        cells = [_cell(history["evaluations"][-1], each) for each in sets]
        lines.append(f"| {name} | {history['tokens'] / 1e6:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(evaluation: dict[str, Any], name: str) -> str:
    if f"{name}_bits" not in evaluation:
        return ""
    bits, middle, right, line = (evaluation[f"{name}_{kind}"] for kind in _KINDS)
    return f"{bits:.3f}, {middle:.3f}, {right:.1%}, {line:.1%}"


def _options(args: argparse.Namespace, name: str, folder: Folder) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    shared = ["--minutes", str(args.minutes), "--threads", str(args.threads), "--device", args.device]
    if args.node_modules:
        shared += ["--node-modules", str(args.node_modules)]
    if args.follow:
        shared += ["--follow", *map(str, args.follow)]
    never = str(10 * args.minutes + 10)  # evaluated at the end alone
    return parser.parse_args(["--work-dir", str(folder.path), "--eval-every", never, *shared, *VARIANTS[name]])


def _folder_name(name: str) -> str:
    return name.replace(", ", "-").replace(",", "").replace(" ", "_")
