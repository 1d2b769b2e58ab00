"""List the models on this machine and those worth fetching, and say which fit it and which one is in use.

With --json, one object is printed: machine (device, gpu, total_gib, free_gib), models, a list of objects, and choices,
a list of those to fetch. A model: model, folder, bytes, parameters, trained_length, fim_order, licence, in_use,
need_gib (with a prompt of 8,192 tokens), fits, fits_now, settings (with which it fits), note, and refused, the reason
where it cannot be used. A choice has the same but folder, bytes, in_use and refused, and terms: what its licence asks.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from hirope_ls.commands.machine import device
from hirope_ls.commands.models.page import show
from hirope_ls.commands.models.rows import choices, found
from hirope_ls.commands.terminal import waiting


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print them all."""
    with waiting("looking at the models and the machine ..."):
        here = device()
        rows = list(found(here))
    offers = list(choices(here, rows))
    if args.json:
        machine = {"device": here.name, "gpu": here.is_gpu, "total_gib": here.total, "free_gib": here.free}
        told = {"machine": machine, "models": [asdict(row) for row in rows], "choices": [asdict(one) for one in offers]}
        print(json.dumps(told, ensure_ascii=False))
    else:
        show(here, rows, offers)
    return 0
