"""Check the installation, the editors, the settings and the model, and say for each thing what mends it.

  hirope-ls doctor
  hirope-ls doctor --workspace DIR     how many files are read, and why others are not
  hirope-ls doctor --file PATH         why this file gets no suggestions

What the user's settings file says counts, as it does for the server. Exit code 0 if completions will work, 1 if not.

With --json, one object is printed, to be sent along with a report of a fault: works, and checks, a list of
{section, name, state, told, remedy, facts}; state is ok, note, warning or problem. It names no user, no folder and no
file of a workspace, and holds no text of theirs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from hirope_ls.commands.doctor import (
    caches,
    editors,
    installation,
    machine,
    model,
    running,
    settings,
    source,
    workspace,
)
from hirope_ls.commands.doctor.finding import Finding
from hirope_ls.commands.doctor.private import Private
from hirope_ls.commands.doctor.show import Page, as_json
from hirope_ls.commands.doctor.wishes import Wishes, read_user_file
from hirope_ls.commands.terminal import console, waiting
from hirope_ls.config.userfile import user_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--model", metavar="MODEL", help="a model's folder or owner/name (default: by the settings)")
    parser.add_argument("--device", help="auto, cpu, cuda or cuda:N (default: by the settings)")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="count what is read in this folder")
    parser.add_argument("--file", type=Path, metavar="PATH", help="say why this file gets no suggestions")
    parser.add_argument("--json", action="store_true", help="print JSON, with nothing private in it")


def run(args: argparse.Namespace) -> int:
    """Examine, print as it goes, and return 0 if completions will work, else 1."""
    wishes = wished(args)
    page = None if args.json else Page(console())
    findings = list[Finding]()
    for found in examine(wishes):
        findings.append(found)
        if page is not None:
            page.add(found)
    if page is not None:
        page.end(findings)
    else:
        print(json.dumps(as_json(findings, _private(wishes)), ensure_ascii=False))
    return 1 if any(found.state == "problem" for found in findings) else 0


def wished(args: argparse.Namespace) -> Wishes:
    """The settings of the user's file, and the command line over them."""
    file = read_user_file(user_file())
    model = args.model or (str(file.settings.model) if file.settings.model else None)
    return Wishes(file, model, args.device or file.settings.device, args.workspace, args.file)


def examine(wishes: Wishes) -> Iterator[Finding]:
    """Everything, the quick things first; never raises for what is wrong with this machine."""
    yield from installation.checks()
    yield from settings.checks(wishes)
    yield from machine.checks()
    yield from caches.checks()
    yield from workspace.checks(wishes.workspace)
    if wishes.source is not None:
        off, globs = wishes.settings.disabled_languages, wishes.settings.disabled_globs
        bundled = wishes.model in (None, "bundled")
        yield from source.checks(wishes.source, wishes.workspace, off, bundled, globs)
    parts = yield from model.checks(wishes)
    with waiting("starting the server as an editor does ..."):
        found = list(editors.checks())
    yield from found
    yield from running.checks(wishes, parts)


def _private(wishes: Wishes) -> Private:
    """The folders that have a word of their own in a report."""
    named = [(Path(wishes.model), "MODEL")] if wishes.model and Path(wishes.model).exists() else []
    if wishes.workspace is not None:
        named.append((wishes.workspace, "WORKSPACE"))
    if wishes.source is not None:
        named.append((wishes.source, "FILE"))
    return Private(named)
