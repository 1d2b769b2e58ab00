"""The model's folder and its tokenizer, before torch is imported."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.doctor.private import shortened
from hirope_ls.commands.doctor.remedies import ANOTHER, remedy
from hirope_ls.commands.doctor.wishes import Wishes
from hirope_ls.commands.parts import Parts, read_parts
from hirope_ls.commands.sizes import size
from hirope_ls.engine.options import Options
from hirope_ls.model.folder import bundled_folder
from hirope_ls.model.hub import resolve
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import HiropeError

_IN: Final = Section("Model")


def checks(wishes: Wishes) -> Generator[Finding, None, Parts | None]:
    """All of them; quick. Returns the parts, or None for a model that is refused."""
    try:
        parts = read_parts(Path(wishes.model) if wishes.model else None)
    except HiropeError as error:
        yield refused(str(error), wishes)
        return None
    card = parts.card
    of_hub = card.name if "/" in card.name else "a folder"
    name = "bundled" if card.folder == bundled_folder().resolve() else of_hub
    facts = {"architecture": card.architecture, "parameters": card.parameters, "disk_bytes": card.disk_bytes}
    facts |= {"model": name, "trained_length": card.trained_length, "quantised": card.quantised}
    told = f"{name}: {card.architecture}, {card.parameters / 1e6:,.1f}M parameters, {size(card.disk_bytes)}"
    yield _IN.ok("folder", told, shortened(card.folder), **facts)
    yield from _fill_in_the_middle(parts)
    yield plain(parts.tokenizer, names_of(card.folder))
    yield _reach(parts, wishes)
    return parts


def refused(told: str, wishes: Wishes) -> Finding:
    """The model cannot be used."""
    try:
        folder = str(resolve(wishes.model)) if wishes.model else "."
    except HiropeError:
        folder = wishes.model or "."
    return _IN.problem("folder", told, remedy(told, shortened(folder), wishes.model or ""))


def names_of(folder: Path) -> dict[int, str]:
    """Every control token of a tokenizer.json, by its id."""
    spec = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    return {token["id"]: token["content"] for token in spec["added_tokens"]}


def _fill_in_the_middle(parts: Parts) -> Iterator[Finding]:
    special, order, names = parts.tokenizer.special, parts.card.fim_order, names_of(parts.card.folder)
    ids = (special.fim_prefix, special.fim_suffix, special.fim_middle)
    found = [names.get(id, str(id)) for id in ids if id is not None]
    facts = {"fim_order": order, "fim_tokens": found, "fim_ids": [id for id in ids if id is not None]}
    if parts.card.fim_doubt is not None:
        told = f"this model sees only what stands before the cursor: {parts.card.fim_doubt}"
        yield _IN.warning("fill in the middle", told, ANOTHER, **facts)
    elif order is None:
        told = "this model sees only what stands before the cursor: it has no tokens for more"
        yield _IN.warning("fill in the middle", told, ANOTHER, **facts)
    else:
        where = "config.json says so" if _says_order(parts.card.folder) else "what such tokens are trained for"
        told = f"{' '.join(found)} of tokenizer.json, in the order {order} ({where})"
        yield _IN.ok("fill in the middle", told, **facts)
    if special.end_of_text is None:
        told = "no token ends a text: suggestions may go on too long"
        yield _IN.warning("end of text", told, ANOTHER, end_of_text=None)


def _says_order(folder: Path) -> bool:
    own = json.loads((folder / "config.json").read_text("utf-8")).get("hirope")
    return isinstance(own, dict) and "fim_order" in own


def plain(tokenizer: TextTokenizer, names: dict[int, str]) -> Finding:
    """Special tokens that occur in a source are text: read as such, and given back to the byte."""
    text = "".join(f'token = "{name}"\n' for name in names.values()).encode()
    ids = tokenizer.encode(text).ids
    back = b"".join(tokenizer.pieces[id] for id in ids)
    wrong = tokenizer.special.all.intersection(int(id) for id in ids)
    facts = {"names": len(names), "wrong": len(wrong)}
    if wrong or back != text:
        return _IN.problem("special tokens", "their names in your code are not read as text", ANOTHER, **facts)
    return _IN.ok("special tokens", f"names of all {len(names)} in your code are read as text", **facts)


def _reach(parts: Parts, wishes: Wishes) -> Finding:
    """How far the model sees: past what it was trained for."""
    trained = parts.card.trained_length
    options = Options(max_prompt_tokens=wishes.settings.prompt_tokens)
    cap, others = options.prompt_cap(trained), options.context_budget(trained)
    told = f"trained for {trained:,} tokens, shown {cap:,}" + (f" and {others:,} of other files" if others else "")
    return _IN.ok("reach", told, trained_length=trained, prompt_tokens=cap, context_tokens=others)
