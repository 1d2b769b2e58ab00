"""Requests, pinned to the text they were made about, and the places in it where the model is asked to go on.

Pure: texts, offsets and LSP values in and out. Knows no models, threads or replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from hirope_ls.engine.completion import Completion
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.server.convert import InlineParams, Selected, lsp_range
from hirope_ls.server.documents import Document
from hirope_ls.text.buffer import Buffer
from hirope_ls.text.edit import Edit
from hirope_ls.text.encoding import Encoding


@dataclass(frozen=True)
class Place:
    """Where the model is asked to go on: a text, with the selected suggestion put in by `edit`, and a byte offset."""

    data: bytes
    offset: int
    edit: Edit | None = None

    @classmethod
    def of(cls, buffer: Buffer, params: InlineParams, encoding: Encoding) -> Place | None:
        """None if the selected suggestion is not for the word at the cursor: nothing shown could extend it."""
        cursor, selected = buffer.offset(*params.at, encoding), params.selected
        if selected is None:
            return cls(buffer.data, cursor)
        start, end = (buffer.offset(*at, encoding) for at in (selected.start, selected.end))
        if not start <= cursor <= end or buffer.line_of(start) != buffer.line_of(end):
            return None
        edit = Edit(start, end, selected.text.encode("utf-8", "ignore"))
        return cls(edit.apply(buffer.data), edit.new_end, edit)

    def snapshot(self, pipeline: Pipeline, snapshot: Snapshot) -> Snapshot:
        """That of the place's text, from that of the document's."""
        return pipeline.edit(snapshot, [self.edit], snapshot.version) if self.edit else snapshot


@dataclass(frozen=True)
class Ask:
    """One request, pinned to the text it was asked about. `asked` is of time.monotonic()."""

    uri: str
    document: Document | None
    buffer: Buffer
    snapshot: Snapshot | None  # of that text, if it was there already
    params: InlineParams
    place: Place | None  # None if nothing shown could be of use there
    asked: float

    @classmethod
    def of(cls, params: InlineParams, document: Document | None, encoding: Encoding, asked: float) -> Ask:
        """The request about the document as it is now."""
        buffer, snapshot = (Buffer.of(""), None) if document is None else (document.buffer, document.snapshot)
        return cls(params.uri, document, buffer, snapshot, params, Place.of(buffer, params, encoding), asked)


@dataclass(frozen=True)
class Told:
    """What there is to say: `first` and `others` for the text that was asked about; `moved`, what is left of the first
    for the document's text now, `buffer`, which may have grown along with it."""

    ask: Ask
    first: Completion
    others: Sequence[Completion]
    moved: Completion
    buffer: Buffer
    encoding: Encoding


def inline_list(told: Told | None) -> types.InlineCompletionList:
    """The answer to textDocument/inlineCompletion."""
    if told is None:
        return types.InlineCompletionList(items=[])
    all_of_them = [told.moved, *(told.others if told.buffer == told.ask.buffer else ())]
    how = told.ask.params.selected, told.buffer, told.encoding
    return types.InlineCompletionList(items=[_item(each, *how) for each in all_of_them])


def _item(
    completion: Completion, selected: Selected | None, buffer: Buffer, encoding: Encoding
) -> types.InlineCompletionItem:
    """What the editor is told to insert. An empty range for plain insertions: editors draw those inline."""
    if selected is not None:
        place = types.Range(types.Position(*selected.start), types.Position(*selected.end))
        return types.InlineCompletionItem(selected.text + completion.text, range=place)
    place = lsp_range(buffer, completion.start, completion.end, encoding)
    return types.InlineCompletionItem(completion.text, range=place)
