"""Workspaces written as texts, with the place of a use marked by `$0` right before the name."""

from fixture import block, cursor

from hirope_ls.names import Names, resolve
from hirope_ls.syntax import language_for
from hirope_ls.syntax.extracting import symbols_in


def names_of(files):
    """Names over `files`: path -> text."""
    found = Names()
    for path, text in files.items():
        found.put(path, symbols_in(language_for(None, path), block(text).encode()))
    return found


def meant(files, path="main.py"):
    """[(path, dotted name)] and the evidence of what the marked name in one of `files` means."""
    text, at = cursor(block(files[path]))
    names = names_of({**files, path: text})
    symbols = symbols_in(language_for(None, path), text.encode())
    one = next(one for one in symbols.references if one.start == at)
    found = resolve(names, path, symbols, one)
    places = [(candidate.path, names.symbols(candidate.path).dotted(candidate.at)) for candidate in found]
    evidence = {candidate.evidence for candidate in found}
    assert len(evidence) < 2
    return places, next(iter(evidence), None)
