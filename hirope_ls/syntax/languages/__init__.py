"""The languages the server knows, one row each: grammar, file suffixes, which tree nodes make units.

A language is added by a module with its row, a place in LANGUAGES and its grammar package; nothing else in the project
names a language's node kinds. A grammar is loaded on first use. Knows no files and no text.
"""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import PurePath

import tree_sitter

from hirope_ls.syntax.languages.bash import BASH
from hirope_ls.syntax.languages.blocks import ANY as ANY_BLOCKS
from hirope_ls.syntax.languages.blocks import Blocks
from hirope_ls.syntax.languages.c import CPP, C
from hirope_ls.syntax.languages.csharp import CSHARP
from hirope_ls.syntax.languages.ecma import JAVASCRIPT, TSX, TYPESCRIPT
from hirope_ls.syntax.languages.go import GO
from hirope_ls.syntax.languages.java import JAVA
from hirope_ls.syntax.languages.kotlin import KOTLIN
from hirope_ls.syntax.languages.lua import LUA
from hirope_ls.syntax.languages.php import PHP
from hirope_ls.syntax.languages.python import PYTHON
from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.ruby import RUBY
from hirope_ls.syntax.languages.rust import RUST
from hirope_ls.syntax.languages.scala import SCALA
from hirope_ls.syntax.languages.swift import SWIFT

__all__ = ["ANY_BLOCKS", "LANGUAGES", "PYTHON", "Blocks", "Language", "grammar_of", "language_for"]

LANGUAGES = (
    PYTHON,
    JAVASCRIPT,
    TYPESCRIPT,
    TSX,
    GO,
    RUST,
    JAVA,
    C,
    CPP,
    CSHARP,
    RUBY,
    PHP,
    LUA,
    BASH,
    KOTLIN,
    SCALA,
    SWIFT,
)


_BY_ID = {language_id: language for language in LANGUAGES for language_id in language.language_ids}
_BY_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}
_BY_FILE_NAME = {name: language for language in LANGUAGES for name in language.file_names}
_BY_INTERPRETER = {name: language for language in LANGUAGES for name in language.interpreters}
_INTERPRETER = re.compile(
    rb"#!\s*+\S*?([\w+-]+?)[\d.]*+(?:[ \t]++(?:-\S++[ \t]++)*+(?:\S*/)?([\w+-]+?)[\d.]*+)?(?:\s|\Z)"
)


def language_for(language_id: str | None, path: str | None, text: bytes = b"") -> Language | None:
    """The row for an editor's language id, or else for a file's name or, if its name has no suffix, its `#!` line.

    None if no row fits: an id counts before all else, so plain text stays plain text.
    """
    if language_id is not None:
        return _BY_ID.get(language_id)
    name = PurePath(path) if path else PurePath()
    found = _BY_FILE_NAME.get(name.name) or _BY_SUFFIX.get(name.suffix.lower())
    return found or (None if name.suffix else _by_interpreter(text))


def _by_interpreter(text: bytes) -> Language | None:
    """The row for the program that the first line calls, itself or by `env`."""
    found = _INTERPRETER.match(text[:200])
    if found is None:
        return None
    program = found[2] if found[1] == b"env" else found[1]
    return _BY_INTERPRETER.get((program or b"").decode())


@functools.cache
def grammar_of(language: Language) -> tree_sitter.Language:
    """The loaded grammar of a row."""
    module, _, function = language.grammar.partition(":")
    return tree_sitter.Language(getattr(importlib.import_module(module), function)())
