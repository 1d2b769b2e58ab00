"""From a buffer to its syntax: the pieces with their trees, and the units; after an edit only what it touched.

`reparse` equals `parse` always: a piece is cut, parsed and divided by its own bytes alone. tree-sitter's incremental
parse is used within a piece only while a name is typed (parsing.py); any other piece that changed is parsed afresh.
A text that is too long or too odd (limits.py) has no tree, and units of even length.
Knows no tokens and no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tree_sitter import Tree

from hirope_ls.syntax.definitions import Definition, definitions
from hirope_ls.syntax.languages import Language
from hirope_ls.syntax.limits import is_flat
from hirope_ls.syntax.parsing import parse_piece, reparse_piece
from hirope_ls.syntax.pieces import Border, Classes, borders, borders_after
from hirope_ls.syntax.units import Unit, units_of
from hirope_ls.text import Buffer, Edit
from hirope_ls.text.encoding import character_start
from hirope_ls.text.shape import Shape

FLAT_BLOCK = 2048  # bytes of a unit in a text without structure

Ints = NDArray[np.int64]
Span = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Piece:
    """Some bytes parsed by themselves; never changed, and shared by the parses in which those bytes are the same.

    `tree` counts from the start of the piece, as `units` do; None where the grammar would take too long.
    """

    language: Language
    tree: Tree | None
    units: tuple[Unit, ...]

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """(offset in the piece, name) of the names it defines, in order."""
        return definitions(self.language, self.tree)


@dataclass(frozen=True, eq=False)
class Parse:
    """The syntax of one text. `units` cover every byte exactly once, in order; an empty text has none.

    `size`: bytes. `pieces`, and where they start (`starts` int64[pieces]) and in which `classes`, are empty for a text
    without structure (no language, or flat). `unit_starts` int64[units].
    """

    language: Language | None
    shape: Shape
    size: int
    pieces: tuple[Piece, ...]
    starts: Ints
    classes: tuple[Classes, ...]
    unit_starts: Ints

    @property
    def flat(self) -> bool:
        """Whether the units are even blocks for want of a tree."""
        return self.size > 0 and not self.pieces

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The units with their kinds and names, made on first use: after a keystroke most have moved."""
        if self.flat:
            return tuple(Unit(*span, "flat", "") for span in _spans(self.unit_starts.tolist(), self.size))
        return tuple(_units_at(self.pieces, self.borders))

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """(offset, name) of the names that the text defines, in order; after an edit most pieces know theirs."""
        return tuple(self.definitions_in(0, self.size))

    def definitions_in(self, start: int, end: int) -> list[Definition]:
        """(offset, name) of those that begin in the bytes start..end; asks the pieces there alone."""
        low = max(int(np.searchsorted(self.starts, start, side="right")) - 1, 0)
        high = int(np.searchsorted(self.starts, end))
        found = zip(self.starts[low:high].tolist(), self.pieces[low:high], strict=True)
        each = ((base + offset, name) for base, piece in found for offset, name in piece.definitions)
        return [definition for definition in each if start <= definition[0] < end]

    @property
    def borders(self) -> list[Border]:
        """Where the pieces start, and the classes around those places."""
        return [Border(*border) for border in zip(self.starts.tolist(), self.classes, strict=True)]

    def tree_of(self, start: int, end: int) -> Tree | None:
        """The tree of the bytes start..end if they are a piece, so the one that they have by themselves."""
        index = int(np.searchsorted(self.starts, start, side="right")) - 1
        if index < 0 or self.starts[index] != start or self.pieces[index].units[-1].end != end - start:
            return None
        return self.pieces[index].tree

    def same_statement(self, one: int, other: int) -> bool:
        """Whether the smallest node around two places is smaller than what holds statements."""
        index = int(np.searchsorted(self.starts, one, side="right")) - 1
        if index < 0 or self.language is None or (tree := self.pieces[index].tree) is None:
            return False
        base = int(self.starts[index])
        low, high = sorted((one - base, other - base))
        if low < 0 or high >= tree.root_node.end_byte:
            return False
        node = tree.root_node.descendant_for_byte_range(low, high)
        return node is not None and node.parent is not None and node.type not in self.language.containers

    def nodes(self) -> Iterator[tuple[str, int, int, bool]]:
        """Every node of every tree in order: (kind, start, end, is missing), offsets in the text."""
        for (start, _), piece in zip(self.borders, self.pieces, strict=True):
            if piece.tree is not None:
                yield from _nodes(piece.tree, start)


def parse(language: Language | None, buffer: Buffer) -> Parse:
    """The syntax of `buffer`, made from nothing. Never fails: without a language, or beyond the limits, it is flat."""
    shape = Shape.of(buffer.data)
    if language is None or is_flat(shape, len(buffer.data)):
        return _flat(language, shape, buffer)
    found = borders(language.scanner, buffer.data)
    size = len(buffer.data)
    pieces = tuple(_piece(language, buffer.data[slice(*span)]) for span in _spans(_starts(found), size))
    starts, classes = _ints(_starts(found)), tuple(border.classes for border in found)
    return Parse(language, shape, size, pieces, starts, classes, _unit_starts(pieces, found))


def reparse(before: Parse, old: Buffer, edit: Edit, new: Buffer) -> Parse:
    """`parse(before.language, new)`, where `new` is `old` after `edit` and `before` is `parse(.., old)`."""
    language, shape = before.language, before.shape.apply(old, edit, new)
    if language is None or is_flat(shape, len(new.data)):
        return _flat(language, shape, new)
    if before.flat:
        return parse(language, new)
    keep, middle, resume = borders_after(language.scanner, before.starts, before.classes, edit, new.data)
    first = max(keep - 1, 0)  # the last piece kept may end elsewhere
    kept = zip(before.starts[first:keep].tolist(), before.classes[first:keep], strict=True)
    inner = [*(Border(*border) for border in kept), *middle]
    end = int(before.starts[resume]) if resume < len(before.starts) else len(old.data)
    was = _spans(before.starts[first:resume].tolist(), end)
    now = _spans(_starts(inner), end + edit.delta)
    pieces = _renewed(language, before.pieces[first:resume], was, now, old, edit, new)
    low = int(np.searchsorted(before.unit_starts, was[0][0] if was else 0))
    high = int(np.searchsorted(before.unit_starts, end))
    return Parse(
        language,
        shape,
        len(new.data),
        (*before.pieces[:first], *pieces, *before.pieces[resume:]),
        np.concatenate((before.starts[:first], _ints(_starts(inner)), before.starts[resume:] + edit.delta)),
        (*before.classes[:first], *(border.classes for border in inner), *before.classes[resume:]),
        np.concatenate((before.unit_starts[:low], _unit_starts(pieces, inner), before.unit_starts[high:] + edit.delta)),
    )


def _ints(values: Sequence[int]) -> Ints:
    return np.asarray(values, np.int64)


def _unit_starts(pieces: Sequence[Piece], found: Sequence[Border]) -> Ints:
    return _ints([base + unit.start for (base, _), piece in zip(found, pieces, strict=True) for unit in piece.units])


def _starts(found: Sequence[Border]) -> list[int]:
    return [border.start for border in found]


def _spans(starts: list[int], end: int) -> list[Span]:
    return list(pairwise([*starts, end])) if starts else []


def _renewed(
    language: Language, pieces: Sequence[Piece], was: list[Span], now: list[Span], old: Buffer, edit: Edit, new: Buffer
) -> list[Piece]:
    """The pieces at the spans `now` of `new`, from those at `was` of `old`; equal bytes at either end are shared."""

    def same(index: int) -> bool:
        return old.data[slice(*was[index])] == new.data[slice(*now[index])]

    shorter = min(len(was), len(now))
    head = next((i for i in range(shorter) if not same(i)), shorter)
    tail = next((i for i in range(shorter - head) if not same(-1 - i)), shorter - head)
    changed = now[head : len(now) - tail]
    if len(changed) == len(was) - head - tail == 1:
        renewed = [_edited(pieces[head], was[head], changed[0], old, edit, new)]
    else:
        renewed = [_piece(language, new.data[slice(*span)]) for span in changed]
    return [*pieces[:head], *renewed, *pieces[len(pieces) - tail :]]


def _edited(piece: Piece, was: Span, now: Span, old: Buffer, edit: Edit, new: Buffer) -> Piece:
    """The piece at `now` of `new`, from the one at `was` of `old`: the edit lies in it, or it is made afresh."""
    data = new.data[slice(*now)]
    if now[0] != was[0] or not was[0] <= edit.start <= edit.old_end <= was[1] or now[1] != was[1] + edit.delta:
        return _piece(piece.language, data)
    inner = Edit(edit.start - was[0], edit.old_end - was[0], edit.new)
    tree = reparse_piece(piece.language, piece.tree, old.data[slice(*was)], inner, data)
    return Piece(piece.language, tree, _units(piece.language, tree, data))


def _piece(language: Language, data: bytes) -> Piece:
    tree = parse_piece(language, data)
    return Piece(language, tree, _units(language, tree, data))


def _units(language: Language, tree: Tree | None, data: bytes) -> tuple[Unit, ...]:
    return (Unit(0, len(data), "module", ""),) if tree is None else units_of(language, tree, data)


def _units_at(pieces: Sequence[Piece], found: Sequence[Border]) -> Iterator[Unit]:
    """The units of pieces in the text: a piece's own offsets and names are those of its bytes alone."""
    for (base, classes), piece in zip(found, pieces, strict=True):
        around = ".".join(outer.name for outer in classes if outer.name)
        for start, end, kind, name in piece.units:
            if classes:
                kind = "class" if kind == "module" else kind
                name = f"{around}.{name}" if around and name else around or name
            yield Unit(base + start, base + end, kind, name)


def _flat(language: Language | None, shape: Shape, buffer: Buffer) -> Parse:
    """Even blocks, moved to the starts of characters."""
    size = len(buffer.data)
    starts = np.arange(0, size, FLAT_BLOCK)
    inside = np.frombuffer(buffer.data, np.uint8)[starts] & 0xC0 == 0x80
    for index in np.flatnonzero(inside).tolist():
        starts[index] = character_start(buffer.data, int(starts[index]))
    return Parse(language, shape, size, (), _ints(()), (), starts)


def _nodes(tree: Tree, base: int) -> Iterator[tuple[str, int, int, bool]]:
    cursor = tree.walk()
    while True:
        node = cursor.node
        assert node is not None
        yield node.type, base + node.start_byte, base + node.end_byte, node.is_missing
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
