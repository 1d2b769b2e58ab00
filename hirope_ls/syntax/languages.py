"""The languages the server knows, one row each: grammar, file suffixes, which tree nodes make units.

A language is added by a row here and its grammar package; nothing else in the project names a language's node kinds.
A grammar is loaded on first use. Knows no files and no text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath

import tree_sitter
import tree_sitter_python


@dataclass(frozen=True, slots=True)
class Language:
    """One row. Node kinds are the grammar's names; units.py says what is made of them.

    functions: a unit each, with everything inside. classes: their bodies are looked into for functions.
    wrappers: kind -> the field with the function or class that it decorates. containers: statements and bodies that
    may hold functions and classes. comments: kinds that go with what they stand directly above.
    openers: keyword -> "function" or "class": a definition that the parser could not finish; prefixes: what may
    stand before one on its line. name_field: the field of a function or class that holds its name.
    parameters_field: a function's field that holds its parameters; parameters: the kinds in it that a call can name ->
    the field with the name, "" where that is the whole or comes first; names: kinds of a name; nameless: those before
    it cannot be named; receivers: names that a call does not give.
    definitions: a tree-sitter query; its captures `name` are the names that code defines for others to use.
    scanner: cuts a text into pieces that are parsed by themselves (see pieces.py). A regex over bytes, with the groups
    `comment`, a comment that is a whole line; `skip`, strings and other comments, in which nothing counts; and for a
    line of code, after its `indent`, one of `glue`, it belongs to the definition after it; `anchor`, it begins a
    function; `opener`, it begins a class, with its `name`; `other`, anything else but closing brackets and strings.
    None: never cut.
    slow: runs of lines on which the grammar's scanner takes time quadratic in their number.
    """

    name: str
    language_ids: frozenset[str]
    suffixes: frozenset[str]
    grammar: Callable[[], object] = field(repr=False)
    functions: frozenset[str]
    classes: frozenset[str]
    wrappers: dict[str, str] = field(hash=False)
    containers: frozenset[str]
    comments: frozenset[str]
    openers: dict[str, str] = field(hash=False)
    prefixes: frozenset[str]
    name_field: str
    parameters_field: str
    parameters: dict[str, str] = field(hash=False)
    names: frozenset[str]
    nameless: frozenset[str]
    receivers: frozenset[str]
    definitions: str
    scanner: re.Pattern[bytes] | None
    slow: re.Pattern[bytes] | None


_PYTHON_SCANNER = re.compile(
    rb"""
    ^(?P<comment> [ \t\f]*+ \#[^\n]*+ \n?)
    | ^(?P<indent> [ \t\f]*+ ) (?:
        (?P<glue> @)
        | (?P<anchor> (?:def|async[ \t]+def)\b )
        | (?P<opener> class\b (?= [ \t]+ (?P<name> [\w\x80-\xff]++ ) )? )
        | (?P<other> (?= [^\s)\]}\#"'] ) )
      )
    | (?P<skip>
        \#[^\n]*+
        | \"\"\" (?: [^"\\]++ | \\. | "(?!"") )*+ (?: \"\"\" | \\?\Z )
        | \'\'\' (?: [^'\\]++ | \\. | '(?!\'\') )*+ (?: \'\'\' | \\?\Z )
        | " (?: [^"\\\n]++ | \\(?:\r\n|.) )*+ "?
        | ' (?: [^'\\\n]++ | \\(?:\r\n|.) )*+ '?
      )
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)

PYTHON = Language(
    name="python",
    language_ids=frozenset({"python"}),
    suffixes=frozenset({".py", ".pyi", ".pyw"}),
    grammar=tree_sitter_python.language,
    functions=frozenset({"function_definition"}),
    classes=frozenset({"class_definition"}),
    wrappers={"decorated_definition": "definition"},
    containers=frozenset(
        {
            *(
                "module",
                "block",
                "with_statement",
                "for_statement",
                "while_statement",
                "match_statement",
                "case_clause",
            ),
            *("if_statement", "elif_clause", "else_clause"),
            *("try_statement", "except_clause", "except_group_clause", "finally_clause"),
        }
    ),
    comments=frozenset({"comment"}),
    openers={"def": "function", "class": "class"},
    prefixes=frozenset({"async"}),
    name_field="name",
    parameters_field="parameters",
    parameters={
        "identifier": "",
        "typed_parameter": "",
        "default_parameter": "name",
        "typed_default_parameter": "name",
    },
    names=frozenset({"identifier"}),
    nameless=frozenset({"positional_separator"}),
    receivers=frozenset({"self", "cls"}),
    definitions="""
        (function_definition name: (identifier) @name)
        (class_definition name: (identifier) @name)
        (module (expression_statement (assignment left: (identifier) @name)))
        (class_definition body: (block (expression_statement (assignment left: (identifier) @name))))
    """,
    scanner=_PYTHON_SCANNER,
    # It looks past comments and joined lines for the next indentation, and does so again from each of them.
    slow=re.compile(rb"(?:^[ \t\f]*+(?:#[^\n]*+)?\\?\r?\n)++", re.MULTILINE),
)

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
    return tree_sitter.Language(language.grammar())
