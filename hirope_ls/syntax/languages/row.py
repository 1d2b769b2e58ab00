"""What a row of the table of languages says.

All node kinds are the grammar's own names; nothing outside this package names one. Knows no language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hirope_ls.syntax.languages.blocks import BRACES, Blocks

_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Language:
    """One row. What is left out is what the language does not have.

    name: as users write it, in small letters. language_ids: what editors call it. suffixes: of file names, with the
    dot; file_names: whole ones, without suffix; interpreters: the programs that a `#!` line calls for it.
    grammar: "package:function" that gives the grammar.

    Units (units.py says what is made of them):
    functions: a unit each, with everything inside. classes: their bodies are looked into for functions.
    wrappers: kind -> the field with the function or class that it decorates, exports or gives a name; "" where that
    is its only child of these kinds. containers: statements and bodies that hold statements or members. punctuation:
    tokens that begin nothing: braces, `end`. comments: kinds of comments; attached: kinds of other things beside a
    definition (attributes) that go with what they stand directly above, as comments do. body_field: the field without
    which a class is only announced; "" if there is no such thing.
    openers: keyword -> "function" or "class": a definition that the parser could not finish; prefixes: words that may
    stand before one on its line. name_fields: fields that hold a definition's name, or something that holds it, the
    first that there is; name_kinds: kinds of children that hold it, where no field does; names: kinds of a name.
    calls: kinds of calls, and of what of them holds functions that are given to it; those may be `containers`.
    strings: kinds of what is text to the language, with its quotes.

    Signatures: parameters_field: a function's field that holds its parameters; parameters: the kinds in it that a
    call can name -> the field with the name, "" where that is the whole or comes first;
    nameless: those before it cannot be named; receivers: names that a call does not give.

    Queries of tree-sitter, over one piece (pieces.py): parts of a class may stand without it, so do not anchor more
    than must be.
    definitions: captures `name`, the names that code defines for others to use; not those that all classes define.
    references: captures `name`, the names that code uses and that may be defined elsewhere: calls, types, bases.
    imports: each match is one thing imported: `module`, what it is taken from, as it is written; `name`, what is
    taken of it, "*" (or as the language writes it) where that is all, absent where it is the module itself or its one
    main thing; `alias`, what it is called here.

    scanner: cuts a text into pieces that are parsed by themselves (see pieces.py). A regex over bytes, with the groups
    `comment`, a comment that is a whole line; `skip`, strings and other comments, in which nothing counts; and for a
    line of code, after its `indent`, one of `glue`, it belongs to the definition after it; `anchor`, it begins a
    function; `opener`, it begins a class, with its `name`; `other`, anything else but closing brackets and strings.
    Any of these may be missing. None: never cut.
    blocks: how the block that a line opens is told (blocks.py).
    slow: runs of lines on which the grammar's scanner takes time quadratic in their number.
    """

    name: str
    language_ids: frozenset[str]
    suffixes: frozenset[str]
    file_names: frozenset[str] = frozenset()
    interpreters: frozenset[str] = frozenset()
    grammar: str = field(repr=False)
    functions: frozenset[str]
    classes: frozenset[str] = frozenset()
    wrappers: Mapping[str, str] = field(default_factory=lambda: _NONE)
    containers: frozenset[str]
    calls: frozenset[str] = frozenset()
    punctuation: frozenset[str] = frozenset()
    comments: frozenset[str]
    attached: frozenset[str] = frozenset()
    body_field: str = ""
    strings: frozenset[str]
    openers: Mapping[str, str] = field(default_factory=lambda: _NONE)
    prefixes: frozenset[str] = frozenset()
    name_fields: tuple[str, ...] = ("name",)
    name_kinds: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset({"identifier"})
    parameters_field: str = ""
    parameters: Mapping[str, str] = field(default_factory=lambda: _NONE)
    nameless: frozenset[str] = frozenset()
    receivers: frozenset[str] = frozenset()
    definitions: str
    references: str
    imports: str
    scanner: re.Pattern[bytes] | None = None
    blocks: Blocks = BRACES
    slow: re.Pattern[bytes] | None = None
