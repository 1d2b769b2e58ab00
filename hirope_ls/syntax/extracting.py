"""From a file's syntax trees to its symbols: one pass a piece, with the queries of the language's row.

A piece is looked at by itself, as it was parsed, within the classes that its border names; so a broken function costs
its own symbols and nobody else's. Knows one file at a time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from tree_sitter import Node, Query, QueryCursor, Tree

from hirope_ls.syntax.languages import Language, grammar_of
from hirope_ls.syntax.languages.meanings import QUERIES, Queries
from hirope_ls.syntax.parsing import parse_piece
from hirope_ls.syntax.pieces import Border, Classes, borders
from hirope_ls.syntax.scoping import THIS, Bound, Raw, Scopes
from hirope_ls.syntax.symbols import EVERYTHING, UNKNOWN, Definition, FileSymbols, Import, Reference
from hirope_ls.syntax.tree import Parse

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_LONGEST = 100  # characters of a receiver or a type
_NONE = Queries()
_USES, _BASES = ("call", "type", "base", "name"), ("base",)  # a class is not told without its bases

Match = dict[str, list[Node]]
_Found = TypeVar("_Found")


class _Open:
    """A function or class on the way through a tree: `start`..`end` with what wraps it; `index` once it has a name."""

    __slots__ = ("body", "end", "index", "node", "start")

    def __init__(self, language: Language, queries: Queries, node: Node) -> None:
        self.node, whole = node, node
        while whole.parent is not None and whole.parent.type in language.wrappers:
            whole = whole.parent
        body = node.child_by_field_name(queries.body)
        self.start, self.end = whole.start_byte, node.end_byte
        self.body = node.end_byte if body is None else body.start_byte
        self.index = -1


def symbols_of(parse: Parse, at: int = -1) -> FileSymbols:
    """The symbols of a parsed text; none without a language or a tree.

    at: where a name begins that is to be among the references, whatever it is used for: as a "name", if nothing else.
    """
    trees = ((border, piece.tree) for border, piece in zip(parse.borders, parse.pieces, strict=True))
    return _symbols(parse.language, trees, at)


def symbols_in(language: Language | None, data: bytes, uses: bool = True) -> FileSymbols:
    """The same from the text, without what else a `Parse` holds: for files that nobody edits.

    The caller sees to it that the text is none to be left flat. uses: with references, which are by far the most.
    """
    starts = borders(language.scanner, data) if language else []
    ends = [*(border.start for border in starts[1:]), len(data)]
    parsed = ((one, parse_piece(language, data[one.start : end])) for one, end in zip(starts, ends, strict=False)
              if language)  # fmt: skip
    found = _symbols(language, parsed, -1, uses)
    return found if uses else replace(found, references=())


def _symbols(
    language: Language | None, pieces: Iterable[tuple[Border, Tree | None]], at: int = -1, uses: bool = True
) -> FileSymbols:
    if language is None:
        return FileSymbols("")
    raw = Raw()
    for border, tree in pieces:
        if tree is not None:
            _Piece(language, border, tree, raw, at, uses).read()
    return Scopes(language, raw).symbols()


class _Piece:
    """One tree, read into the findings of its file."""

    def __init__(self, language: Language, border: Border, tree: Tree, raw: Raw, at: int, uses: bool) -> None:
        self.kinds = _USES if uses else _BASES
        self.language, self.base, self.tree, self.raw = language, border.start, tree, raw
        self.at = at - border.start
        self.queries = QUERIES.get(language.name, _NONE)
        self.around = self._around(border.classes)
        self.spans: list[tuple[int, int, int]] = []  # start, end and index of the definitions that are scopes

    def read(self) -> None:
        self._define()
        if self.around >= 0:  # all of the piece is of that class, what defines nothing as well
            ends = [one.end_byte for one in self.tree.root_node.children if one.type not in self.language.comments]
            around = self.raw.definitions[self.around]
            end = max([around.end, *(self.base + one for one in ends[-1:])])
            self.raw.definitions[self.around] = around._replace(end=end)
        for match in self._matches(self.language.imports):
            self.raw.imports.extend(self._import(match))
        for match in self._matches(self.queries.exports):
            called = "default" if "default" in match else _text(match["alias"][0])
            for name in match.get("default", match.get("name", [])):
                self.raw.imports.append(Import("", _text(name), called, 0, self.base + name.start_byte))
        for at, found in self._scoped([*self._matched_references(), *self._asked()]):
            self.raw.references.append(found._replace(scope=at))
        self.raw.bound += self._scoped(self._matched_bindings())

    def _around(self, classes: Classes) -> int:
        dotted = ".".join(outer.name for outer in classes if outer.name)
        return self.raw.classes.get(dotted, -1)

    def _matches(self, query: str) -> Iterator[Match]:
        if query:
            for _, match in QueryCursor(_query(self.language, query)).matches(self.tree.root_node):
                yield match

    def _define(self) -> None:
        """Definitions in order; what is inside a function or class has it as its parent."""
        found = self.raw.definitions
        scopes = [_Open(self.language, self.queries, node) for node in _scope_nodes(self.language, self.tree)]
        waiting, stack = scopes[::-1], list[_Open]()
        for name in _captured(self.language, self.language.definitions + self.queries.inner, self.tree, "name"):
            at = name.start_byte
            while waiting and waiting[-1].start <= at:
                stack.append(waiting.pop())
            while stack and stack[-1].end <= at:
                stack.pop()
            self.raw.names.append(self.base + at)
            own = stack.pop() if stack and stack[-1].index < 0 and at < stack[-1].body else None
            parent = next((one.index for one in reversed(stack) if one.index >= 0 and one.end > at), self.around)
            if own is None:
                found.append(self._variable(name, parent))
                continue
            own.index = len(found)
            stack.append(own)
            found.append(self._scope(own, name, parent))
            self.spans.append((own.node.start_byte, own.end, own.index))
            if found[-1].kind == "class":
                self.raw.classes[self._dotted(own.index)] = own.index

    def _dotted(self, index: int) -> str:
        names = []
        while index >= 0:
            names.append(self.raw.definitions[index].name)
            index = self.raw.definitions[index].parent
        return ".".join(reversed(names))

    def _scope(self, own: _Open, name: Node, parent: int) -> Definition:
        kind = "function" if own.node.type in self.language.functions else "class"
        span = self.base + own.start, self.base + own.end, self.base + own.body
        returns = own.node.child_by_field_name(self.queries.returns)
        return Definition(_text(name), kind, *span, parent, (), _type(returns))

    def _variable(self, name: Node, parent: int) -> Definition:
        whole, containers = name, self.language.containers
        while whole.parent is not None and whole.parent.type not in containers:
            whole = whole.parent
        start, end = self.base + whole.start_byte, self.base + whole.end_byte
        inside = parent >= 0 and self.raw.definitions[parent].kind == "class"
        return Definition(_text(name), "field" if inside else "variable", start, end, end, parent)

    def _import(self, match: Match) -> Iterator[Import]:
        if "module" not in match:
            return
        module, names = match["module"][0], [_text(name) for name in match.get("name", [])]
        path = _text(module).strip("\"'`<> ")
        level = 0 if self.queries.paths else len(path) - len(path.lstrip("."))
        called = _text(match["alias"][0]) if "alias" in match else ""
        if called and self.queries.paths:
            names = ["" if name == EVERYTHING else name for name in names] or ["default"]
        for name in names or [""]:
            yield Import(path[level:].strip(), name, called, level, self.base + module.start_byte)

    def _matched_references(self) -> Iterator[tuple[int, Reference]]:
        for match in self._matches(self.queries.references or self.language.references):
            for capture in self.kinds:
                kind = "call" if capture == "name" else capture
                for node in match.get(capture, ()):
                    receiver = _receiver(match["receiver"][0]) if "receiver" in match else ""
                    yield node.start_byte, Reference(_text(node), receiver, self.base + node.start_byte, kind)

    def _asked(self) -> Iterator[tuple[int, Reference]]:
        """The name that is asked for, where it is one of a value: no keyword of a call, no key, no text."""
        if not self.queries.values or not 0 <= self.at < self.tree.root_node.end_byte:
            return
        node = self.tree.root_node.descendant_for_byte_range(self.at, self.at)
        if node is None or node.start_byte != self.at:
            return
        receiver = ""
        for match in self._matches(self.queries.values):
            if node in match.get("attribute", ()):
                receiver = _receiver(match["receiver"][0])
            elif node in match.get("label", ()):
                return
        if receiver or node.type in self.queries.plain:
            yield self.at, Reference(_text(node), receiver, self.base + self.at, "name")

    def _matched_bindings(self) -> Iterator[tuple[int, Bound]]:
        for match in self._matches(self.queries.bindings):
            hint = _type(match["type"][0]) if "type" in match else ""
            if "made" in match:
                made = _text(match["made"][0])
                hint = f"{made}()" if _DOTTED.fullmatch(made) else ""
            same = _text(match["same"][0]) if "same" in match else ""
            of = _text(match["object"][0]) if "object" in match else ""
            for node in match.get("field" if of else "bound", ()):
                yield node.start_byte, Bound(self.base + node.start_byte, _text(node), hint, same, of)
            for node in match.get("member", ()):
                yield node.start_byte, Bound(self.base + node.start_byte, _text(node), hint, same, THIS)

    def _scoped(self, found: Iterable[tuple[int, _Found]]) -> Iterator[tuple[int, _Found]]:
        """Each with the index of the innermost definition around it, in the order of offsets."""
        waiting, stack = self.spans[::-1], list[tuple[int, int, int]]()
        for at, one in sorted(found, key=lambda pair: pair[0]):
            while waiting and waiting[-1][0] <= at:
                stack.append(waiting.pop())
            while stack and stack[-1][1] <= at:
                stack.pop()
            yield (stack[-1][2] if stack else self.around), one


def _scope_nodes(language: Language, tree: Tree) -> list[Node]:
    kinds = " ".join(f"({kind}) @scope" for kind in sorted(language.functions | language.classes))
    return _captured(language, kinds, tree, "scope")


def _captured(language: Language, query: str, tree: Tree, name: str) -> list[Node]:
    """What a query captures under a name, in the order of the text."""
    if not query.strip():
        return []
    found = QueryCursor(_query(language, query)).captures(tree.root_node).get(name, [])
    return sorted(found, key=lambda node: node.start_byte)


def _receiver(node: Node) -> str:
    """The dotted name that an expression is, "foo()" for a call of one, else "?"."""
    text = _text(node) if node.end_byte - node.start_byte <= 4 * _LONGEST else ""
    if text.endswith(")"):
        called = text[: text.find("(")]
        closed = text.count("(") == 1  # of more, the last pair need not be the first one's
        return f"{called}()" if closed and _DOTTED.fullmatch(called) else UNKNOWN
    return text if _DOTTED.fullmatch(text) else UNKNOWN


def _type(node: Node | None) -> str:
    """An annotation as written, without quotes and blanks; "" where it is none, or a long one."""
    text = "" if node is None else re.sub(r"[\s\"']+", "", _text(node)).lstrip(":")
    return text if len(text) <= _LONGEST else ""


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


@functools.cache
def _query(language: Language, text: str) -> Query:
    return Query(grammar_of(language), text)
