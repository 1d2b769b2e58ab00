"""Explanations of a word in a small workspace that is written as texts, the cursor at `$0`."""

from __future__ import annotations

from fixture import block, cursor
from names.workspaces import names_of

from hirope_ls.engine.explain import Bounds, Facts, View, facts_about, target
from hirope_ls.syntax import language_for, parse
from hirope_ls.text import Buffer

_BOUNDS = Bounds()


def view_of(files: dict[str, str], path: str, bounds: Bounds = _BOUNDS) -> tuple[View, int]:
    """A workspace with the cursor at `$0` in the file at `path`."""
    text, offset = cursor(block(files[path]))
    texts = {name: block(one).encode() for name, one in files.items()} | {path: text.encode()}
    names = names_of({name: data.decode() for name, data in texts.items()})
    buffer = Buffer.of(text)
    return View(path, buffer, parse(language_for(None, path), buffer), names, texts.get, bounds), offset


def told(text: str, path: str = "main.py", **others: str) -> list[Facts]:
    """The facts about what `$0` in the text means, with other Python files by their names."""
    view, offset = view_of({path: text, **{f"{name}.py": one for name, one in others.items()}}, path)
    found = target(view, offset)
    assert found is not None
    every = [facts_about(view, one, offset) for one in found.candidates]
    assert all(every)
    return [one for one in every if one is not None]


def one(text: str, path: str = "main.py", **others: str) -> Facts:
    (found,) = told(text, path, **others)
    return found
