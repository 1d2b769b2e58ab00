"""Notebooks: the code cells of one, in their order, are one document, so that a cell sees those before it.

Cells are kept as the editor has them; after every change the document's text is made of them anew, and what differs is
an edit of it. Requests about a cell become requests about a place in the document, and answers are turned back. Knows
no models. Belongs to the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lsprotocol import types

from hirope_ls.problems import InputError
from hirope_ls.server.convert import (
    Change,
    TextItem,
    lsp_range,
    notebook_change,
    opened_notebook,
)
from hirope_ls.server.documents import Documents
from hirope_ls.text.buffer import Buffer, edit_for_change

_CODE: Final = 2

Answer = types.InlineCompletionList | types.CompletionList | None


@dataclass(eq=False)
class _Notebook:
    """`order`: kind and URI of each cell."""

    order: list[tuple[int, str]]
    texts: dict[str, Buffer] = field(default_factory=dict)
    languages: dict[str, str] = field(default_factory=dict)

    def take(self, items: Sequence[TextItem]) -> None:
        """These cells have texts now."""
        for item in items:
            self.texts[item.uri], self.languages[item.uri] = Buffer.of(item.text), item.language

    @property
    def language(self) -> str:
        """That of the first code cell; cells in others are no part of the document."""
        return next((self.languages[uri] for kind, uri in self.order if kind == _CODE and uri in self.texts), "")

    def starts(self) -> dict[str, int]:
        """Where each cell begins in the document, in bytes."""
        found, at = {}, 0
        for kind, uri in self.order:
            if kind == _CODE and uri in self.texts and self.languages[uri] == self.language:
                found[uri] = at
                at += len(_ended(self.texts[uri].data))
        return found

    def data(self) -> bytes:
        """The document's text."""
        return b"".join(_ended(self.texts[uri].data) for uri in self.starts())


class Notebooks:
    """Those that are open, by URI; in `documents` each is one document of its own URI."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._open: dict[str, _Notebook] = {}
        self._of_cell: dict[str, str] = {}

    def document(self, uri: str) -> str:
        """The URI of the document that a cell is in; other URIs as they are."""
        return self._of_cell.get(uri, uri)

    def open(self, params: Any) -> str:
        """notebookDocument/didOpen; the URI."""
        uri, order, items = opened_notebook(params)
        self._drop(uri)
        notebook = self._open[uri] = _Notebook(list(order))
        kinds = {cell: kind for kind, cell in order}
        language = next((item.language for item in items if kinds.get(item.uri) == _CODE), "")
        self._documents.open(uri, language, 1, "")
        self._update(uri, notebook, items, {})
        return uri

    def change(self, params: Any) -> None:
        """notebookDocument/didChange."""
        change = notebook_change(params)
        notebook = self._open.get(change.uri)
        if notebook is None:
            return
        if change.splice is not None:
            start, count, cells = change.splice
            notebook.order[start : start + count] = cells
        for closed in change.closed:
            notebook.texts.pop(closed, None)
            self._of_cell.pop(closed, None)
        self._update(change.uri, notebook, change.opened, change.texts)

    def close(self, uri: str) -> None:
        """notebookDocument/didClose; the document is closed by whoever calls."""
        self._drop(uri)

    def place(self, params: Any) -> Any:
        """The parameters of a request about a cell as those of one about its document."""
        document = params.get("textDocument") if isinstance(params, Mapping) else None
        uri = document.get("uri") if isinstance(document, Mapping) else None
        found = self._cell(uri)
        if found is None or not isinstance(params, Mapping):
            return params
        context = params.get("context")
        selected = context.get("selectedCompletionInfo") if isinstance(context, Mapping) else None
        moved = {**params, "textDocument": {"uri": self._of_cell[str(uri)]}}
        if "position" in params:
            moved["position"] = self._moved(found, params["position"])
        if (
            isinstance(context, Mapping)
            and isinstance(selected, Mapping)
            and isinstance(selected.get("range"), Mapping)
        ):
            span = {name: self._moved(found, at) for name, at in selected["range"].items()}
            moved["context"] = {**context, "selectedCompletionInfo": {**selected, "range": span}}
        return moved

    def answer(self, uri: str, answer: Answer) -> Answer:
        """An answer about the document as one about the cell `uri`."""
        found = self._cell(uri)
        if answer is None or found is None:
            return answer
        cell, start, whole = found
        encoding, size = self._documents.encoding, len(cell.data)
        for edit in _edits(answer):
            if edit.range is not None:
                ends = (edit.range.start, edit.range.end)
                begin, end = (whole.offset(at.line, at.character, encoding) - start for at in ends)
                if not 0 <= begin <= end <= size:
                    answer.items = []  # the cell has changed meanwhile
                    return answer
                edit.range = lsp_range(cell, begin, end, encoding)
        return answer

    def _cell(self, uri: object) -> tuple[Buffer, int, Buffer] | None:
        """A cell's text, where it begins, and the document's text; None for other documents."""
        notebook_uri = self._of_cell.get(uri) if isinstance(uri, str) else None
        document = self._documents.get(notebook_uri) if notebook_uri is not None else None
        if document is None or notebook_uri is None or not isinstance(uri, str):
            return None
        notebook = self._open[notebook_uri]
        start = notebook.starts().get(uri)
        return None if start is None else (notebook.texts[uri], start, document.buffer)

    def _moved(self, found: tuple[Buffer, int, Buffer], position: Any) -> Any:
        cell, start, whole = found
        match position:
            case {"line": int(line), "character": int(character)} if line >= 0 and character >= 0:
                encoding = self._documents.encoding
                at = whole.position(start + cell.offset(line, character, encoding), encoding)
                return {"line": at[0], "character": at[1]}
        return position  # whoever reads it says what is wrong

    def _update(
        self, uri: str, notebook: _Notebook, items: Sequence[TextItem], texts: Mapping[str, Sequence[Change]]
    ) -> None:
        try:
            notebook.take(items)
            for cell, changes in texts.items():
                notebook.texts[cell] = self._changed(notebook.texts[cell], changes)
        except (InputError, KeyError):
            self._documents.distrust(uri, "a change of a cell cannot be right")
            return
        self._of_cell.update({item.uri: uri for item in items})
        self._documents.replace(uri, notebook.data())

    def _changed(self, buffer: Buffer, changes: Sequence[Change]) -> Buffer:
        for change in changes:
            edit = edit_for_change(buffer, change.start, change.end, change.text, self._documents.encoding)
            buffer = buffer.apply(edit)
        return buffer

    def _drop(self, uri: str) -> None:
        self._open.pop(uri, None)
        self._of_cell = {cell: of for cell, of in self._of_cell.items() if of != uri}


def _ended(data: bytes) -> bytes:
    """A cell's text with a line end behind it, so that the next one begins a line."""
    return data if data.endswith((b"\n", b"\r")) or not data else data + b"\n"


def _edits(
    answer: types.InlineCompletionList | types.CompletionList,
) -> list[types.InlineCompletionItem | types.TextEdit]:
    """What in an answer has a range."""
    if isinstance(answer, types.InlineCompletionList):
        return list(answer.items)
    return [item.text_edit for item in answer.items if isinstance(item.text_edit, types.TextEdit)]
