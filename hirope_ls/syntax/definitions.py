"""The names that a piece of code defines, and where: functions, classes, and what is assigned outside of functions.

Which nodes define a name is a query in the language's row. Knows one piece at a time; what uses a name is not known.
"""

from __future__ import annotations

import functools

from tree_sitter import Node, Query, QueryCursor, Tree

from hirope_ls.syntax.languages import Language, grammar_of

Definition = tuple[int, str]

_SIGNS = ":@$?!=~"


def definitions(language: Language, tree: Tree | None) -> tuple[Definition, ...]:
    """(byte offset in the piece, name) of each name defined, in order; none without a tree."""
    if tree is None or not language.definitions:
        return ()
    found = QueryCursor(_query(language)).captures(tree.root_node).get("name", [])
    return tuple(sorted(definition for node in found if (definition := _name(node))[1]))


def _name(node: Node) -> Definition:
    """Where the word in a name is, and the word: uses do not have the signs of a definition (`:name`, `name=`)."""
    text = (node.text or b"").decode()
    bare = text.lstrip(_SIGNS)
    return node.start_byte + len(text) - len(bare), bare.rstrip(_SIGNS)


@functools.cache
def _query(language: Language) -> Query:
    return Query(grammar_of(language), language.definitions)
