"""Measure what the page RESULTS.md shows, and write it: HiRoPE against its rivals, on packages never trained on.

Run it in a clone, with `pip install '.[results]'`. It takes hours on two cores; stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from hirope_ls.lab.reproduce import cases, packages
from hirope_ls.lab.reproduce.found import read
from hirope_ls.lab.reproduce.measuring import Study
from hirope_ls.lab.reproduce.page import CASES, TEMPLATE, page
from hirope_ls.lab.reproduce.plan import PACKAGES, PLAN, Section, chosen
from hirope_ls.model.folder import bundled_folder
from hirope_ls.problems import InputError

_OUT = Path("hirope_ls/lab")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    names = ", ".join([*(section.name for section in PLAN), *CASES])
    add = parser.add_argument
    add("--only", nargs="+", default=[], metavar="SECTION", help=f"of {names}; or a part, as in: choices")
    add("--limit", type=int, metavar="N", help="files at most, below those of the plan")
    add("--threads", type=int, metavar="N", help="threads of torch (default: the physical cores)")
    add("--former", type=Path, metavar="DIR", help="an earlier bundled model, for the section models")
    add("--page", action="store_true", help="measure nothing: write the page of what is measured so far")
    add("--work", type=Path, default=Path(".results"), metavar="DIR", help="single measurements (default: .results)")
    add("--out", type=Path, default=_OUT, metavar="DIR", help=f"RESULTS.md and results/ go here (default: {_OUT})")


def run(args: argparse.Namespace) -> int:
    """Exit code 0. Raises HiropeError."""
    names = [name for name in args.only if name not in CASES]
    sections = chosen(names) if names or not args.only else []
    others = [kind for name, kind in CASES.items() if not args.only or name in args.only]
    if not args.out.is_dir():
        raise InputError(f"there is no folder {args.out}: run this in a clone of the repository, or name one by --out")
    if any(number is not None and number < 1 for number in (args.limit, args.threads)):
        raise InputError("--limit and --threads take a number from 1 up")
    folders = [*(section.name for section in sections), *(kind.NAME for kind in others)]
    if not args.page or any((args.work / name).is_dir() for name in folders):
        study = _study(args)
        measured(sections, study, args.page)
        for kind in others:
            (cases.collect if args.page else cases.measure)(kind, study)
    write_page(args.out)
    print(args.out / "RESULTS.md")
    return 0


def _study(args: argparse.Namespace) -> Study:
    folders = tuple(packages.folders(PACKAGES))
    found = packages.versions(PACKAGES)
    out = args.out / "results"
    return Study(bundled_folder(), folders, found, args.work, out, args.limit, args.threads, args.former)


def measured(sections: Sequence[Section], study: Study, known_only: bool = False) -> None:
    """Measure and publish each section, or what is known of it; the page is kept up with it. Raises HiropeError."""
    for section in sections:
        if known_only:
            study.collect(section)
        else:
            study.measure(section)
            write_page(study.out.parent)


def write_page(out: Path) -> None:
    """Write RESULTS.md of what lies in `out`/results. Raises InputError."""
    found = {section.name: one for section in PLAN if (one := read(out / "results" / section.name))}
    published = {name: cases.read(kind, out / "results") for name, kind in CASES.items()}
    told = {name: CASES[name].told(some) for name, some in published.items() if some}
    text = page(TEMPLATE.read_text(encoding="utf-8"), PLAN, found, told)
    try:
        (out / "RESULTS.md").write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}") from None
