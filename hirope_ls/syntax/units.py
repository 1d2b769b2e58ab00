"""The units of one parsed piece: functions, class headers, and the code between them.

A unit is a function or method with its decorators, or a class header with its plain attributes, or a run of
module-level code between them; what is inside a function belongs to it. Statements that hold statements (`if`,
`try`, ...) are looked into, so a function under an `if` is a unit too, and the code around it a run of its own.

A unit starts at the start of its first line, with the comment lines directly above it; blank lines and comments
further up belong to the unit before, as closing braces do. So a definition and its comment move together, and what is
typed below a function belongs to it until it is something else.

In broken text whatever holds an error is looked into as well. A keyword that opens a definition there (`def` without
its end) begins a unit, and a function with an error in it goes on only while the lines are indented deeper: so the
functions that a broken one has swallowed come out of it again. Knows one piece at a time; no recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tree_sitter import Node, Tree

from hirope_ls.syntax.languages import Language
from hirope_ls.syntax.naming import definition_in, name_of

_WORD = re.compile(r"\w+")
_LONGEST_NAME = 200  # bytes looked at for the name of a broken definition
_LONGEST_OPENER = 16  # bytes of a keyword


class Unit(NamedTuple):
    """The bytes `start..end`; kind "function", "class", "module" or "flat"; name dotted, "" for module code."""

    start: int
    end: int
    kind: str
    name: str


class _Mark(NamedTuple):
    """Something seen at `node`: a comment, or code of a unit; `opens` where it begins a definition.

    `line`: it begins its line, but for words that may stand before a definition (`async`).
    """

    node: Node
    kind: str
    name: str
    opens: bool
    line: bool = False


@dataclass(frozen=True, slots=True)
class _Scope:
    """What encloses a node: up to byte `end`, and while lines are indented deeper than `column`."""

    kind: str
    name: str
    end: int
    column: int = -1
    head: int = -1  # where the definition itself starts, behind its decorators

    def named(self, name: str) -> str:
        return f"{self.name}.{name}" if self.name and name else self.name or name


def units_of(language: Language, tree: Tree, data: bytes) -> tuple[Unit, ...]:
    """The units of a piece with its tree; offsets are in the piece. They cover it exactly, in order."""
    starts: list[tuple[int, str, str]] = []
    comments = (-1, 0)  # the row under a run of comment lines, and where the run starts
    for mark in _marks(language, tree, data):
        if mark.kind == "comment":
            row, column = mark.node.start_point
            if _begins_line(data, mark.node.start_byte, column):
                start = comments[1] if comments[0] == row else mark.node.start_byte - column
                comments = (mark.node.end_point[0] + 1, start)
            continue
        if mark.opens or not starts or starts[-1][1:] != (mark.kind, mark.name):
            starts.append((_unit_start(data, mark, comments), mark.kind, mark.name))
        comments = (-1, 0)  # a NUL ends a comment, so code may follow one on its line
    return _spans(starts, len(data))


def _spans(starts: list[tuple[int, str, str]], size: int) -> tuple[Unit, ...]:
    first, *others = starts or [(0, "module", "")]
    starts = [(0, *first[1:]), *others]
    ends = [*(start for start, _, _ in others), size]
    units = (Unit(start, end, kind, name) for (start, kind, name), end in zip(starts, ends, strict=True))
    return tuple(unit for unit in units if unit.start < unit.end)


def _unit_start(data: bytes, mark: _Mark, comments: tuple[int, int]) -> int:
    start, (row, column) = mark.node.start_byte, mark.node.start_point
    if not mark.line and not _begins_line(data, start, column):
        return start
    return comments[1] if comments[0] == row else start - column


def _marks(language: Language, tree: Tree, data: bytes) -> Iterator[_Mark]:
    """Comments and code in order; a function is one mark, a class as many as it has statements."""
    walk = _Walk(language, data)
    cursor = tree.walk()
    parents = [False]  # for each open node, whether it is an error
    while True:
        node = cursor.node
        assert node is not None
        mark, descend = walk.look(node, parents[-1])
        if mark is not None:
            yield mark
        if descend and cursor.goto_first_child():
            parents.append(node.is_error)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            parents.pop()


class _Walk:
    """What has been seen on the way through one tree: the open scopes, and whether the innermost is yet to begin."""

    def __init__(self, language: Language, data: bytes) -> None:
        self.language = language
        self.data = data
        self.above = language.comments | language.attached
        self.scopes = [_Scope("module", "", len(data) + 1)]
        self.opens = False

    def look(self, node: Node, in_error: bool) -> tuple[_Mark | None, bool]:
        """The mark that `node` is, if any, and whether its children are to be looked at."""
        if node.start_byte == node.end_byte and node.parent is not None:
            return None, False
        self._leave(node)
        scope, kind = self.scopes[-1], node.type
        if kind in self.above:
            return _Mark(node, "comment", "", False), False
        if kind in self.language.punctuation:
            return None, False
        if kind in self.language.containers or node.is_error:
            return None, True
        found = definition_in(self.language, node)
        if found is None:
            return self._code(node, in_error), node.has_error or kind in self.language.wrappers
        definition, name = found.definition, scope.named(name_of(self.language, found.named))
        if definition.type in self.language.functions:
            return self._function(node, definition, name), node.has_error
        if scope.kind != "function" and scope.head != node.start_byte:
            self._enter(_Scope("class", name, node.end_byte, head=definition.start_byte))
        return None, True

    def _leave(self, node: Node) -> None:
        while True:
            scope = self.scopes[-1]
            ended = scope.end <= node.start_byte
            if scope.column >= 0 and not ended and node.start_byte > scope.head:
                column = node.start_point[1]
                ended = column <= scope.column and _begins_line(self.data, node.start_byte, column)
            if not ended:
                return
            self.scopes.pop()

    def _enter(self, scope: _Scope) -> None:
        self.scopes.append(scope)
        self.opens = True

    def _function(self, node: Node, definition: Node, name: str) -> _Mark | None:
        mark = self._kept(_Mark(node, "function", name, True))
        if mark and node.has_error:
            column, head = node.start_point[1], definition.start_byte
            self.scopes.append(_Scope("function", name, node.end_byte, column, head))
        return mark

    def _kept(self, mark: _Mark) -> _Mark | None:
        """`mark`, unless a broken function has swallowed it."""
        self.opens = False
        return None if self.scopes[-1].kind == "function" else mark

    def _code(self, node: Node, in_error: bool) -> _Mark | None:
        opened = self._opener(node) if in_error else None
        if opened and self.scopes[-1].kind != "function" and self._may_open(node):
            name = self.scopes[-1].named(self._word_after(node))
            self._enter(_Scope(opened, name, len(self.data) + 1, node.start_point[1]))
            self.opens = False
            return _Mark(node, opened, name, True, True)
        scope = self.scopes[-1]
        return self._kept(_Mark(node, scope.kind, scope.name, self.opens))

    def _opener(self, node: Node) -> str | None:
        """What `node` would open. In an error a keyword may be taken for a name, so it is told by its text."""
        if node.child_count or node.end_byte - node.start_byte > _LONGEST_OPENER:
            return None
        return self.language.openers.get(self.data[node.start_byte : node.end_byte].decode())

    def _may_open(self, node: Node) -> bool:
        start = node.start_byte
        before = self.data[start - node.start_point[1] : start]  # in bytes, as blanks are told apart everywhere else
        return all(word.decode(errors="replace") in self.language.prefixes for word in before.split())

    def _word_after(self, node: Node) -> str:
        rest = self.data[node.end_byte : node.end_byte + _LONGEST_NAME].decode(errors="ignore")
        word = _WORD.match(rest.lstrip(" \t"))
        return word[0] if word else ""


def _begins_line(data: bytes, start: int, column: int) -> bool:
    return not data[start - column : start].strip()
