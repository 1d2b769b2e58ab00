"""The languages the server knows, one row each: grammar, file suffixes, which tree nodes make units.

A language is added by a module with its row, a place in LANGUAGES and its grammar package; nothing else in the project
names a language's node kinds. A grammar is loaded on first use. Knows no files and no text.
"""

from __future__ import annotations

import functools
import importlib
from pathlib import PurePath

import tree_sitter

from hirope_ls.syntax.languages.python import PYTHON
from hirope_ls.syntax.languages.row import Language

__all__ = ["LANGUAGES", "Language", "grammar_of", "language_for"]

LANGUAGES = (PYTHON,)


def language_for(language_id: str | None, path: str | None) -> Language | None:
    """The row for an editor's language id or else for a file name's suffix; None if no row fits."""
    for language in LANGUAGES:
        if language_id in language.language_ids:
            return language
    if language_id is not None or path is None:
        return None
    suffix = PurePath(path).suffix.lower()
    return next((language for language in LANGUAGES if suffix in language.suffixes), None)


@functools.cache
def grammar_of(language: Language) -> tree_sitter.Language:
    """The loaded grammar of a row."""
    module, _, function = language.grammar.partition(":")
    return tree_sitter.Language(getattr(importlib.import_module(module), function)())
