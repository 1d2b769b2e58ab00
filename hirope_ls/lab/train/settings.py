"""What a run is made with: what is asked for, or what the run had so far when it goes on, or what is usual."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from hirope_ls.lab.train.tokenizer import VOCAB_SIZE
from hirope_ls.problems import InputError

Value = int | float | str

SHAPE: Mapping[str, int] = {"hidden": 256, "inner": 768, "layers": 4, "kv_heads": 4, "vocab": VOCAB_SIZE}
"""What a run keeps to its end."""

_ROWS: Mapping[str, float] = {"renamed": 0.15, "spm": 0.9, "psm": 0.0}  # shares

USUAL: Mapping[str, Value] = {"seed": 0, "batch": 8, "lr": 2e-3, **_ROWS, **SHAPE}


def option(name: str) -> str:
    """As it is typed."""
    return f"--{name.replace('_', '-')}"


def settle(args: argparse.Namespace, known: Mapping[str, Value]) -> dict[str, Value]:
    """The value of each, put into `args` as well, where None stands for what is not asked for; `known`: of the run so
    far. Raises InputError."""
    for name in SHAPE:
        asked = getattr(args, name)
        if asked is not None and asked != known.get(name, asked):
            told = f"the run has {option(name)} {known[name]}, and keeps it"
            raise InputError(f"{told}: leave the option out, or begin another run with another --work-dir")
    found = {name: _first(getattr(args, name), known.get(name), usual) for name, usual in USUAL.items()}
    shares = [float(found[name]) for name in _ROWS]
    if not all(0 <= share <= 1 for share in shares) or sum(shares[1:]) > 1:
        raise InputError("--renamed, --spm and --psm are shares: from 0 to 1, --spm and --psm together 1 at most")
    for name, value in found.items():
        setattr(args, name, value)
    return found


def budget(args: argparse.Namespace) -> str:
    """What ends the run, as it is typed: the learning rate follows it."""
    return f"--steps {args.steps}" if args.steps else f"--minutes {args.minutes:g}"


def changes(known: Mapping[str, Value], found: Mapping[str, Value], seconds: float, begun: bool = False) -> str:
    """How a run was made up to now, `seconds` of computing, where it goes on in another way; "" where it does not.
    `found`: with the budget. `begun`: it goes on from a model folder alone."""
    other = [f"{option(name)} {known[name]}" for name in USUAL if name in known and known[name] != found[name]]
    if "budget" in known and known["budget"] != found["budget"]:
        other.append(str(known["budget"]))
    with_ = f" with `{' '.join(other)}`" if other else ""
    anew = ", from where on the optimisers began anew" if begun else ""
    told = f"up to minute {seconds / 60:.0f}{with_}{anew}" if other or begun else ""
    return "; ".join(filter(None, (str(known.get("changes", "")), told)))


def _first(asked: Value | None, known: Value | None, usual: Value) -> Value:
    return asked if asked is not None else known if known is not None else usual
