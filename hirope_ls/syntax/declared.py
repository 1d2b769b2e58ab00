"""What a definition says of itself: its signature as written, its decorators and its documentation.

Knows the tree and the bytes of one file; not what a name means.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from hirope_ls.syntax.languages import Language
from hirope_ls.syntax.languages.documents import DOCUMENTS, Documents
from hirope_ls.syntax.languages.meanings import QUERIES, Queries
from hirope_ls.syntax.naming import definition_in
from hirope_ls.syntax.symbols import Definition
from hirope_ls.syntax.tree import Parse

_MOST = 2_000  # bytes of a signature
_DOCUMENTATION = 20_000  # bytes of documentation
_DOCSTRING = re.compile(rb"([rRuU]?)(\"\"\"|'''|\"|')")
_ESCAPE = re.compile(
    r"\\(\r\n|\n|[\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]+\})"
)
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_STAR = re.compile(r"^[ \t]*\*(?!/)[ \t]?")


class Declared(NamedTuple):
    """signature: without decorators and body. decorators: as written. documentation: without what marks it.

    start: of the signature. kind: what decorators make of a method, "" if nothing. stub: whether it stands for another
    definition of that name, which does the work.
    """

    signature: str = ""
    decorators: tuple[str, ...] = ()
    documentation: str = ""
    start: int = 0
    kind: str = ""
    stub: bool = False


def declared(parse: Parse, data: bytes, definition: Definition) -> Declared:
    """What `definition` of the text `data`, which `parse` is of, says of itself; `start` is that of its signature."""
    language = parse.language
    row = DOCUMENTS.get(language.name if language else "", Documents())
    found = _node(parse, definition) if language and definition.kind in ("function", "class") else None
    if language is None or found is None:
        return Declared(_cut(data, definition.start, definition.end), (), _above(data, definition.start, row),
                        definition.start)  # fmt: skip
    base, node = found
    whole = _whole(language, node)
    body = node.child_by_field_name(QUERIES.get(language.name, Queries()).body)
    before = [base + body.start_byte if body else base + node.end_byte]
    heads = [(base + one.start_byte, base + one.end_byte, one.type) for one in _heads(language, row, whole, node)]
    start, decorators = base + whole.start_byte, list[str]()
    for begin, end, kind in sorted(heads):
        if begin >= before[0]:
            break
        if begin <= start or not data[start:begin].strip():
            start = max(start, end)
        if kind in row.decorators:
            decorators.append(_text(data, begin, end))
    start += len(data[start : before[0]]) - len(data[start : before[0]].lstrip())
    head = _cut(data, start, _head_end(language, base, node, body), body is None and definition.kind == "class")
    if row.inside:
        told = _inside(language, data, base, body) if body else ""
    else:
        first = min([base + whole.start_byte, *(begin for begin, _, _ in heads)])
        told = _above(data, first, row)
    named = [text.lstrip("@").strip() for text in decorators]
    kinds = [row.properties[one] for one in named if one in row.properties]
    return Declared(head, tuple(decorators), told, start, kinds[0] if kinds else "", not row.stubs.isdisjoint(named))


def name_start(parse: Parse, definition: Definition) -> int | None:
    """Where the name of a definition stands."""
    found = parse.definitions_in(definition.start, max(definition.body, definition.start + 1))
    return next((at for at, name in found if name == definition.name.strip(":@$?!=~")), None)


def _node(parse: Parse, definition: Definition) -> tuple[int, Node] | None:
    """The function or class itself, and the offset that its tree counts from."""
    at = name_start(parse, definition)
    assert parse.language is not None
    if at is None:
        return None
    index = int(parse.starts.searchsorted(at, side="right")) - 1
    tree, base = parse.pieces[index].tree, int(parse.starts[index])
    node = tree.root_node.descendant_for_byte_range(at - base, at - base) if tree else None
    kinds = parse.language.functions | parse.language.classes
    while node is not None and not (node.is_named and node.type in kinds):
        field = parse.language.wrappers.get(node.type)
        inner = definition_in(parse.language, node) if field is not None else None
        if inner is not None:  # a name that a function is given: `const f = () => 1`
            return base, inner.definition
        node = node.parent
    return None if node is None else (base, node)


def _whole(language: Language, node: Node) -> Node:
    """The definition with what decorates, exports or names it, and nothing else that is defined."""
    whole = node
    while whole.parent is not None and whole.parent.type in language.wrappers:
        found = definition_in(language, whole.parent)
        if found is None or found.definition.start_byte != node.start_byte:
            break
        whole = whole.parent
    return whole


def _heads(language: Language, row: Documents, whole: Node, node: Node) -> Iterator[Node]:
    """Decorators and comments that stand before a definition or in its head."""
    wanted = row.decorators | language.comments
    before = whole.prev_named_sibling
    while before is not None and before.type in row.decorators:
        yield before
        before = before.prev_named_sibling
    inner: Node | None = node
    while inner is not None:
        for child in inner.children:
            if child.type in wanted:
                yield child
            elif child.start_byte < node.start_byte or inner is node:
                yield from (one for one in child.children[:32] if one.type in row.decorators)
        if inner == whole:
            return
        inner = inner.parent


def _head_end(language: Language, base: int, node: Node, body: Node | None) -> int:
    if body is None:
        return base + node.end_byte
    ends = [
        one.start_byte if one.type == ":" else one.end_byte
        for one in node.children
        if one.end_byte <= body.start_byte and one.type not in language.comments and one != body
    ]
    return base + (ends[-1] if ends else body.start_byte)


def _cut(data: bytes, start: int, end: int, braced: bool = False) -> str:
    """The text, its further lines moved left as the first one is; of a body without a field of its own the head."""
    if braced and (brace := data.find(b"{", start, end)) >= 0:
        end = brace
    return _text(data, start, min(end, start + _MOST)).rstrip(";").rstrip() + (" ..." if end > start + _MOST else "")


def _text(data: bytes, start: int, end: int) -> str:
    line = data[data.rfind(b"\n", 0, start) + 1 : start]
    indent = line[: len(line) - len(line.lstrip())].decode(errors="replace")
    first, *others = data[start:end].decode(errors="replace").rstrip().splitlines() or [""]
    return "\n".join([first.rstrip(), *(one.removeprefix(indent).rstrip() for one in others)])


def _inside(language: Language, data: bytes, base: int, body: Node) -> str:
    """The string that a body begins with; "" if there is none, or it is not one string alone."""
    first = next((one for one in body.named_children if one.type not in language.comments), None)
    if first is None:
        return ""
    text = data[base + first.start_byte : base + first.end_byte]
    told, at = list[str](), 0
    while at < len(text):  # strings one after another are one string
        found = _DOCSTRING.match(text, at)
        if found is None:
            return ""
        close = _close(text, found.end(), found[2])
        if close < 0:
            return ""
        inner = text[found.end() : close].decode(errors="replace").replace("\r\n", "\n")
        told.append(inner if found[1] in (b"r", b"R") else _ESCAPE.sub(_unescaped, inner))
        at = close + len(found[2])
        at += len(text[at:]) - len(text[at:].lstrip(b" \t\r\n\\"))
    return _dedented("".join(told))


def _close(text: bytes, at: int, quote: bytes) -> int:
    while True:
        end, back = text.find(quote, at), text.find(b"\\", at)
        if back < 0 or end < back:
            return end
        at = back + 2


def _unescaped(found: re.Match[str]) -> str:
    one = found[1]
    try:
        if one[0] in "\r\n":
            return ""
        if one[0] in "xuU":
            return chr(int(one[1:], 16))
        if one[0] == "N":
            return unicodedata.lookup(one[2:-1])
    except (KeyError, ValueError, OverflowError):
        return found[0]
    return chr(int(one, 8)) if one[0].isdigit() else _ESCAPED.get(one, one)


def _dedented(text: str) -> str:
    """As readers of documentation want it: without the indentation that all lines but the first share."""
    lines = text[:_DOCUMENTATION].expandtabs().splitlines()
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    cut = min(margins, default=0)
    return "\n".join([lines[0].strip() if lines else "", *(line[cut:].rstrip() for line in lines[1:])]).strip("\n")


def _above(data: bytes, start: int, row: Documents) -> str:
    """The comment that stands directly above the line of `start`, where that begins there."""
    line = data.rfind(b"\n", 0, start) + 1
    if data[line:start].strip():
        return ""
    found, size, end, mark = list[str](), 0, line, row.line.encode()
    while end > 0 and size < _DOCUMENTATION:
        begin = data.rfind(b"\n", 0, end - 1) + 1
        text = data[begin:end].strip()
        if row.block and text.endswith(b"*/") and not found:
            opened = data.rfind(b"/*", 0, end)
            if opened >= 0 and not data[data.rfind(b"\n", 0, opened) + 1 : opened].strip():
                return _block(data[opened:end].decode(errors="replace"))
        if not text.startswith(mark) or text.startswith((b"#!", b"#[")):
            break
        shown = text.decode(errors="replace").lstrip(row.line[0])
        found.append((shown[1:] if shown[:1] in " !" else shown).rstrip())
        size, end = size + len(text), begin
    return "\n".join(reversed(found)).strip("\n")


def _block(text: str) -> str:
    inner = text.strip().removesuffix("*/").removeprefix("/*").lstrip("*!")
    return _dedented("\n".join(_STAR.sub("", line) for line in inner.splitlines())).strip()
