"""One piece of text to its tree, afresh or from the tree of before; bounded in time, and both ways the same.

tree-sitter is asked to go on from an old tree only where a name became another name: then the grammar is given the same
tokens as before, so a tree from nothing has the same shape. Else it depends on the tree it started from, where there is
an error, and also where a text without one can be read in two ways (`a - *b.c()` in the grammar of Python).
Knows bytes; no units, no files.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import cache

from tree_sitter import Parser, Point, Tree

from hirope_ls.syntax.languages import Language, grammar_of
from hirope_ls.text import Edit

_SLOW_LINES = 500  # more lines than this in one slow run take the scanner more than some 10 ms
_PATIENCE = 2.0  # seconds: the last resort against an unknown weakness of a grammar
_CHUNK = 1 << 16
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$") | frozenset(range(0x80, 0x100))

_log = logging.getLogger(__name__)
_of_thread = threading.local()


def parse_piece(language: Language, data: bytes) -> Tree | None:
    """The tree of `data`, made from nothing; None if the grammar would take too long."""
    if _is_slow(language, data):
        return None
    return _parse(language, data, None)


def reparse_piece(language: Language, tree: Tree | None, old: bytes, edit: Edit, new: bytes) -> Tree | None:
    """`parse_piece(language, new)`, where `new` is `old` after `edit` and `tree` is `parse_piece(language, old)`."""
    word = _word(old, edit.start, edit.old_end)
    now = word[0], word[1] + edit.delta
    if tree is None or tree.root_node.has_error or _is_slow(language, new):
        return parse_piece(language, new)
    if now != _word(new, edit.start, edit.new_end) or not _is_name(language, tree, old, word):
        return parse_piece(language, new)
    edited = tree.copy()  # the old tree stays as it is: other snapshots hold it
    edited.edit(
        edit.start,
        edit.old_end,
        edit.new_end,
        _point(old, edit.start),
        _point(old, edit.old_end),
        _point(new, edit.new_end),
    )
    renewed = _parse(language, new, edited)
    if renewed is None or renewed.root_node.has_error or not _is_name(language, renewed, new, now):
        return parse_piece(language, new)
    return renewed


def _word(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The bytes start .. end with the letters, digits and so on to both sides of them."""
    while start and data[start - 1] in _WORD:
        start -= 1
    while end < len(data) and data[end] in _WORD:
        end += 1
    return start, end


def _is_name(language: Language, tree: Tree, data: bytes, word: tuple[int, int]) -> bool:
    """Whether these bytes are a name by themselves, and can be none of the grammar's own words."""
    node = tree.root_node.descendant_for_byte_range(*word)
    if node is None or node.child_count or node.type not in language.names or (node.start_byte, node.end_byte) != word:
        return False
    return data[slice(*word)].decode("utf-8", "replace") not in _own_words(language)


@cache
def _own_words(language: Language) -> frozenset[str]:
    """Keywords, those of some places included."""
    grammar = grammar_of(language)
    kinds = {n: grammar.node_kind_for_id(n) for n in range(grammar.node_kind_count)}
    return frozenset(kind for n, kind in kinds.items() if kind and not grammar.node_kind_is_named(n))


def _parse(language: Language, data: bytes, old: Tree | None) -> Tree | None:
    parser = _parser(language)
    deadline = time.monotonic() + _PATIENCE

    def read(offset: int, _: Point) -> bytes:
        return data[offset : offset + _CHUNK]

    def give_up(_offset: int, _error: bool) -> bool:
        return time.monotonic() > deadline

    try:
        if old is None:
            return parser.parse(read, progress_callback=give_up)
        return parser.parse(read, old, progress_callback=give_up)
    except ValueError:  # stopped by the callback
        parser.reset()
        _log.warning("the %s grammar took over %s s for %d bytes: no tree", language.name, _PATIENCE, len(data))
        return None


def _parser(language: Language) -> Parser:
    """This thread's parser: its callbacks run Python, so another thread could come between."""
    parsers: dict[str, Parser] = _of_thread.__dict__.setdefault("parsers", {})
    if language.name not in parsers:
        parsers[language.name] = Parser(grammar_of(language))
    return parsers[language.name]


def _is_slow(language: Language, data: bytes) -> bool:
    if language.slow is None or data.count(b"\n") <= _SLOW_LINES:
        return False
    runs = (match.span() for match in language.slow.finditer(data))
    return any(end - start > _SLOW_LINES and data.count(b"\n", start, end) > _SLOW_LINES for start, end in runs)


def _point(data: bytes, offset: int) -> Point:
    return Point(data.count(b"\n", 0, offset), offset - (data.rfind(b"\n", 0, offset) + 1))
