"""Where the statements of a unit start: the places where a long one may be cut.

A unit is parsed by itself for this, so that the answer depends on its bytes and on nothing around it: after an edit the
other units' answers still hold, even where an error in their neighbour made the parser see them otherwise.
No recursion.
"""

from __future__ import annotations

from tree_sitter import Node, Tree

from hirope_ls.syntax.languages import Language
from hirope_ls.syntax.naming import definition_in
from hirope_ls.syntax.parsing import parse_piece


def statement_starts(language: Language | None, unit: bytes, tree: Tree | None = None) -> list[int]:
    """Offsets in `unit`, increasing and over 0, of the lines on which a statement starts, at any depth.

    A line counts that begins with a statement or a clause (`else`); not one inside an expression, except in the body
    of a function that is given to a call (`describe("..", () => {`); not a comment, and not the definition that a
    decorator stands above. None without a language, or if parsing would take too long.
    `tree`: what `parse_piece` makes of the unit, if that is known.
    """
    if language is not None and tree is None:
        tree = parse_piece(language, unit)
    if language is None or tree is None:
        return []
    return [start for start in _starts(language, tree) if start > 0]


def _starts(language: Language, tree: Tree) -> list[int]:
    starts: list[int] = []
    row = -1  # the last row that holds something seen
    cursor = tree.walk()
    inside = [False]  # for each open node, whether it is part of a call
    if not cursor.goto_first_child():
        return starts
    while True:
        node = cursor.node
        assert node is not None
        (first_row, column), last_row = node.start_point, node.end_point[0]
        descend = _may_be_looked_into(language, node, inside[-1])
        if first_row > row and not inside[-1] and not _is_no_statement(language, node):
            starts.append(node.start_byte - column)
        # A decorated definition is one statement, so its own first lines up to the body are no places to cut.
        inner = definition_in(language, node) if node.type in language.wrappers else None
        row = max(row, last_row if not descend else first_row if inner is None else inner.definition.start_point[0])
        if descend and cursor.goto_first_child():
            inside.append(node.type in language.calls)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return starts
            inside.pop()


def _is_no_statement(language: Language, node: Node) -> bool:
    if node.type in language.containers:  # a block begins with its brace
        first = node.child(0) if node.child_count else None  # a broken text may have an empty one
        return first is not None and first.type in language.punctuation
    return node.type in language.comments or node.type in language.punctuation


def _may_be_looked_into(language: Language, node: Node, inside: bool) -> bool:
    """Whether `node` may hold statements; `inside` a call only closures do."""
    kind = node.type
    if kind in language.containers or kind in language.functions or kind in language.calls:
        return True
    return not inside and (kind in language.classes or kind in language.wrappers or node.is_error)
