"""Fetch a model from the Hugging Face hub into its cache on this machine.

  hirope-ls fetch Qwen/Qwen2.5-Coder-1.5B
  hirope-ls fetch Qwen/Qwen2.5-Coder-1.5B@df3ce67c0e24480f20468b6ef2894622d69eb73b

REVISION is a branch, a tag or a whole commit. The licence is shown first; one that does not allow any use is asked
about, or taken with --yes. Only data is fetched: safetensors, configuration and tokenizer; every file's checksum is
compared, also that of what is there already. What was interrupted goes on where it stopped. Commit, licence and
checksums are written into the folder at the end. This is the only command that goes online; the server never does.
HF_HOME says where the cache is, HF_ENDPOINT which hub to ask.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

from hirope_ls.commands.fetch.offer import Offer, Remote, ask, one_line
from hirope_ls.commands.fetch.store import Store
from hirope_ls.commands.fetch.transfer import Told, partial_size
from hirope_ls.commands.sizes import size
from hirope_ls.commands.terminal import console, waiting
from hirope_ls.model.folder import read_card, read_outline
from hirope_ls.model.hub import HubId
from hirope_ls.problems import HiropeError, InputError, ModelRefused

_LONG = 64 << 20  # bytes whose progress is told where it can only be told in lines
_SPARE = 64 << 20  # bytes that are left free


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("model", metavar="MODEL[@REVISION]", help="the model's name on the hub, as owner/name")
    parser.add_argument("--yes", action="store_true", help="take the model under its licence, whatever that allows")
    parser.add_argument("--dry-run", action="store_true", help="say what would be fetched, and fetch nothing")


def run(args: argparse.Namespace) -> int:
    """Fetch, and say what to put into the settings. Raises HiropeError."""
    wanted = HubId.parse(args.model)
    if wanted is None:
        raise InputError(f"give the model as owner/name or owner/name@revision, not {args.model!r}")
    with waiting(f"asking for {wanted} ..."):
        offer = ask(wanted)
    out = console()
    store = Store.of(offer)
    out.print(Text.assemble((offer.id.name, "bold"), f" at {offer.commit}"), soft_wrap=True)
    out.print(Text(f"licence: {offer.licence or 'not said'}  {offer.licence_page}"), soft_wrap=True)
    if args.dry_run:
        free = f"{_free(store.folder)} free in {store.folder}"
        out.print(Text(f"weights: {size(offer.weights_size)}, {free}"), soft_wrap=True)
        return 0
    if not (offer.is_permissive or args.yes or store.complete):
        _agree(offer)
    try:
        folder = _fetch(out, offer, store)
    except OSError as error:
        raise HiropeError(f"{store.folder} cannot be written: {error.strerror or error}") from None
    out.print(Text(f"fetched and checked: {folder}"), soft_wrap=True)
    out.print(Text.assemble("setting: ", (f'model = "{offer.id.name}@{offer.commit}"', "bold")), soft_wrap=True)
    return 0


def _agree(offer: Offer) -> None:
    """Raises HiropeError where nobody says yes to a licence that does not allow any use."""
    what = f"{offer.id} is under {offer.licence}" if offer.licence else f"{offer.id} says no licence"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise HiropeError(f"{what}, which may not allow any use: read {offer.licence_page}, then add --yes")
    print(
        f"{what}, which may not allow any use. Fetch it under these terms? [y/N] ", end="", file=sys.stderr, flush=True
    )
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise HiropeError("nothing was fetched")


def _fetch(out: Console, offer: Offer, store: Store) -> Path:
    """The configuration first: a model that would be refused is refused before its weights are fetched."""
    with one_line(offer.id):
        for remote in offer.small:
            store.fetch(remote, lambda _: None)
    _check(offer, store.snapshot)
    weights = offer.weights(store.shards())
    _check_room(offer, store, weights)
    total = sum(remote.size for remote in weights)
    files = f"{len(weights)} file{'' if len(weights) == 1 else 's'}"
    out.print(Text(f"weights: {size(total)} in {files}, {_free(store.folder)} free"), soft_wrap=True)
    with one_line(offer.id), _progress(total) as told:
        for remote in weights:
            store.fetch(remote, told)
    read_card(store.snapshot)
    store.finish([*offer.small, *weights])
    return store.snapshot


def _check(offer: Offer, folder: Path) -> None:
    """Raises ModelRefused, in the model's own name, for what could not be loaded."""
    with waiting("looking whether it can be used ..."):
        try:
            card = read_outline(folder)
            from hirope_ls.model.loader import check

            check(card)
        except ModelRefused as refusal:
            raise ModelRefused(str(refusal).replace(str(folder), str(offer.id))) from None


def _check_room(offer: Offer, store: Store, weights: list[Remote]) -> None:
    missing = sum(remote.size - partial_size(remote, store.blobs) for remote in weights)
    free = shutil.disk_usage(store.blobs).free
    if missing + _SPARE > free:
        raise HiropeError(
            f"{offer.id} needs {size(missing)} more and {size(free)} are free in {store.folder}: make room there, or"
            " set HF_HOME to a place that has it"
        )


def _free(folder: Path) -> str:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return size(shutil.disk_usage(there).free)


@contextmanager
def _progress(total: int) -> Iterator[Told]:
    """A bar on stderr; where no person is there to see it, a line at each tenth of what takes long, for a log."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield _Tenths(total) if total >= _LONG else lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=screen) as bar:
        task = bar.add_task("fetching and checking", total=total)
        yield lambda count: bar.advance(task, count)


class _Tenths:
    def __init__(self, total: int) -> None:
        self._total, self._done, self._told = max(total, 1), 0, 0

    def __call__(self, count: int) -> None:
        self._done += count
        tenths = 10 * self._done // self._total
        if tenths > self._told:
            self._told = tenths
            done = f"{size(self._done)} of {size(self._total)}, {10 * tenths} %"
            print(f"fetched and checked: {done}", file=sys.stderr, flush=True)
