"""What `hirope-ls models` tells of each model: of those on this machine, and of those worth fetching."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hirope_ls.commands.fitting import GIB, LEAST, plan
from hirope_ls.commands.machine import Device
from hirope_ls.commands.wished import wished
from hirope_ls.model.catalogue import CATALOGUE, Entry, find
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.hub import all_cached, fetched, resolve
from hirope_ls.model.memory import Need
from hirope_ls.problems import ModelRefused


@dataclass(frozen=True)
class Fit:
    """Whether a model fits into this machine: into all its memory, and into what is free of it; with which settings."""

    need_gib: float | None = None
    fits: bool | None = None
    fits_now: bool | None = None
    settings: str = ""


@dataclass(frozen=True)
class Row(Fit):
    """One model on this machine. `bytes` is what its files take, whatever they are; `note` is what it lacks."""

    model: str = ""
    folder: str = ""
    bytes: int = 0
    parameters: int | None = None
    trained_length: int | None = None
    fim_order: str | None = None
    licence: str | None = None
    in_use: bool = False
    note: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Choice(Fit):
    """One model that is not here."""

    model: str = ""
    parameters: int = 0
    trained_length: int = 0
    fim_order: str | None = None
    licence: str = ""
    terms: str = ""


def found(here: Device) -> Iterator[Row]:
    """The bundled model, those of the cache, and the one that the settings name, wherever it lies."""
    used = _used()
    known = [("bundled", bundled_folder()), *((str(each), folder) for each, folder in all_cached())]
    if used is not None and used.resolve() not in [folder.resolve() for _, folder in known] and used.is_dir():
        known.append((str(used), used))
    for name, folder in known:
        yield replace(look(name, folder, here), in_use=used is not None and folder.resolve() == used.resolve())


def look(name: str, folder: Path, here: Device) -> Row:
    """What is known of one model, without loading it."""
    weight = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    record = fetched(folder)
    licence = record.get("licence") or (entry.licence if (entry := find(name.partition("@")[0])) else None)
    row = Row(model=name, folder=str(folder), bytes=weight, licence="MIT" if name == "bundled" else licence)
    try:
        card = read_card(folder)
        _check(card)
    except ModelRefused as refusal:
        return replace(row, refused=str(refusal).replace(str(folder.resolve()), "it"))
    fit = fitting(card.need(itemsize(here)), card.trained_length, here)
    note = None if card.fim_doubt is None else str(card.fim_doubt)
    row = replace(row, parameters=card.parameters, trained_length=card.trained_length, fim_order=card.fim_order)
    return replace(row, note=note, **vars(fit))


def choices(here: Device, rows: Iterable[Row]) -> Iterator[Choice]:
    """The models worth fetching that are not here."""
    there = {row.model.partition("@")[0] for row in rows}
    for entry in CATALOGUE:
        if entry.name not in there:
            yield _choice(entry, here)


def itemsize(here: Device) -> int:
    """Bytes of a number that a model computes in there at most: some processors have instructions for smaller ones."""
    return 2 if here.is_gpu else 4


def fitting(need: Need | None, trained_length: int, here: Device) -> Fit:
    """Whether it fits there; nothing where that cannot be told."""
    if need is None:
        return Fit()
    asked = wished().prompt_tokens
    whole, now = (plan(need, trained_length, int(size * GIB), asked) for size in (here.total, here.free))
    settings = "" if whole is None else whole.settings
    return Fit(round(need.bytes(LEAST) / GIB, 1), whole is not None, now is not None, settings)


def _choice(entry: Entry, here: Device) -> Choice:
    fit = fitting(entry.need(itemsize(here)), entry.trained_length, here)
    return Choice(
        model=entry.pinned,
        parameters=entry.parameters,
        trained_length=entry.trained_length,
        fim_order=entry.order,
        licence=entry.licence,
        terms=entry.terms.replace("*", ""),
        **vars(fit),
    )


def _used() -> Path | None:
    """The folder of the model that the user's settings name; None where it is not there."""
    model = wished().model
    try:
        return bundled_folder() if model is None else resolve(model)
    except ModelRefused:
        return None


def _check(card: Card) -> None:
    if card.folder != bundled_folder().resolve():  # which is known to be right: torch takes seconds to import
        from hirope_ls.model.loader import check

        check(card)
