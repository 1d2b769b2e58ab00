"""Between JSON parameters and our own values: strict about what we use, indifferent to what we do not know.

A missing or ill-typed member raises JsonRpcInvalidParams. Knows the shapes of LSP, not what is done with them.
Not lsprotocol's converter: it turns 1.7 into 1 and 5 into "5", and fails a whole message for one unknown enum value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from hirope_ls.text.buffer import Buffer
from hirope_ls.text.encoding import Encoding

Position = tuple[int, int]
"""Line and character, as the client counts them."""

_MAX_UINTEGER = 2**31 - 1
_INVOKED = int(types.InlineCompletionTriggerKind.Invoked)
_ASKED = int(types.CompletionTriggerKind.Invoked)


@dataclass(frozen=True)
class Change:
    """One content change; without start and end it is the whole text."""

    text: str
    start: Position | None = None
    end: Position | None = None


@dataclass(frozen=True)
class Selected:
    """The entry chosen in the editor's suggestion widget: `text` would replace start..end."""

    start: Position
    end: Position
    text: str


@dataclass(frozen=True)
class InlineParams:
    """A request for an inline completion; `manual` if the user asked for it by hand."""

    uri: str
    at: Position
    manual: bool
    selected: Selected | None


class TextItem(NamedTuple):
    """A text as it is opened."""

    uri: str
    language: str
    text: str


Cells = tuple[tuple[int, str], ...]
"""Kind and URI of each cell."""


@dataclass(frozen=True)
class NotebookChange:
    """`splice`: (start, count, cells): these instead of so many. `texts`: changes by cell."""

    uri: str
    splice: tuple[int, int, Cells] | None
    opened: tuple[TextItem, ...]
    closed: tuple[str, ...]
    texts: Mapping[str, tuple[Change, ...]]


def notebook_uri(params: Any) -> str:
    """`notebookDocument.uri`."""
    return _text(_object(params, "notebookDocument"), "uri")


def opened_notebook(params: Any) -> tuple[str, Cells, tuple[TextItem, ...]]:
    """uri, cells and the cells' texts of a notebook's didOpen."""
    notebook = _object(params, "notebookDocument")
    return _text(notebook, "uri"), _cells(notebook), _items(params, "cellTextDocuments")


def notebook_change(params: Any) -> NotebookChange:
    """The parameters of a notebook's didChange; a change of its metadata alone changes nothing."""
    change = _object(params, "change")
    cells = _object(change, "cells") if _has(change, "cells") else {}
    structure = _object(cells, "structure") if _has(cells, "structure") else None
    texts: dict[str, tuple[Change, ...]] = {}
    for content in _list(cells, "textContent") if _has(cells, "textContent") else ():
        uri = _text(_object(content, "document"), "uri")
        texts[uri] = (*texts.get(uri, ()), *map(_change, _list(content, "changes")))
    if structure is None:
        return NotebookChange(notebook_uri(params), None, (), (), texts)
    array = _object(structure, "array")
    splice = _integer(array, "start"), _integer(array, "deleteCount"), _cells(array)
    if min(splice[:2]) < 0:
        raise JsonRpcInvalidParams("start and deleteCount must not be negative")
    closed = _list(structure, "didClose") if _has(structure, "didClose") else []
    gone = tuple(_text(document, "uri") for document in closed)
    return NotebookChange(notebook_uri(params), splice, _items(structure, "didOpen"), gone, texts)


def _cells(value: Any) -> Cells:
    cells = _list(value, "cells") if _has(value, "cells") else []
    return tuple((_integer(cell, "kind"), _text(cell, "document")) for cell in cells)


def _items(value: Any, name: str) -> tuple[TextItem, ...]:
    items = _list(value, name) if _has(value, name) else []
    return tuple(TextItem(_text(item, "uri"), _text(item, "languageId"), _text(item, "text")) for item in items)


def document_uri(params: Any) -> str:
    """`textDocument.uri`."""
    return _text(_object(params, "textDocument"), "uri")


def focused_uri(params: Any) -> str:
    """`uri` of hirope/didFocus."""
    return _text(params, "uri")


def opened_document(params: Any) -> tuple[str, str, int, str]:
    """uri, languageId, version and text of didOpen."""
    document = _object(params, "textDocument")
    return _text(document, "uri"), _text(document, "languageId"), _integer(document, "version"), _text(document, "text")


def changes(params: Any) -> tuple[str, int, tuple[Change, ...]]:
    """uri, version and content changes of didChange."""
    document = _object(params, "textDocument")
    return _text(document, "uri"), _integer(document, "version"), tuple(map(_change, _list(params, "contentChanges")))


def position_of(params: Any, *names: str) -> Position:
    """The position at this path of members, such as range, start."""
    for name in names[:-1]:
        params = _object(params, name)
    return _position(params, names[-1])


def inline_params(params: Any) -> InlineParams:
    """The parameters of textDocument/inlineCompletion. A context is optional here, as is all in it."""
    context = _object(params, "context") if _has(params, "context") else {}
    manual = _has(context, "triggerKind") and _integer(context, "triggerKind") == _INVOKED
    info = _object(context, "selectedCompletionInfo") if _has(context, "selectedCompletionInfo") else None
    selected = None if info is None else Selected(*_range(info), _text(info, "text"))
    return InlineParams(document_uri(params), _position(params, "position"), manual, selected)


def completion_params(params: Any) -> InlineParams:
    """The parameters of textDocument/completion. `manual` may as well be a letter that was typed: it looks the same."""
    context = _object(params, "context") if _has(params, "context") else {}
    manual = not _has(context, "triggerKind") or _integer(context, "triggerKind") == _ASKED
    return InlineParams(document_uri(params), _position(params, "position"), manual, None)


def choose_encoding(capabilities: Any) -> Encoding:
    """The cheapest encoding that the client offers; UTF-16 is every client's."""
    general = capabilities.get("general") if isinstance(capabilities, Mapping) else None
    offered = general.get("positionEncodings") if isinstance(general, Mapping) else None
    if isinstance(offered, list):
        for encoding in (Encoding.UTF8, Encoding.UTF32):
            if encoding.value in offered:
                return encoding
    return Encoding.UTF16


def announces_progress(capabilities: Mapping[str, Any]) -> bool:
    """Whether the client shows work-done progress."""
    window = capabilities.get("window")
    return isinstance(window, Mapping) and window.get("workDoneProgress") is True


def announces(capabilities: Mapping[str, Any], *names: str) -> bool:
    """Whether the client's capability of this path, such as workspace, workspaceFolders, is true, or is an object."""
    value = _announced(capabilities, *names)
    return value is True or isinstance(value, Mapping)


def lists(capabilities: Mapping[str, Any], value: object, *names: str) -> bool:
    """Whether the client's capability of this path is a list with this value in it."""
    found = _announced(capabilities, *names)
    return isinstance(found, list) and value in found


def _announced(capabilities: Mapping[str, Any], *names: str) -> Any:
    """The value of the client's capability of this path; None if it says nothing of it."""
    value: Any = capabilities
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def root_uris(params: Mapping[str, Any]) -> list[str]:
    """The folders that `initialize` names, by the newest of the three ways that the client uses."""
    folders = params.get("workspaceFolders")
    if isinstance(folders, list):
        return [uri for uri in map(_uri_of, folders) if uri]
    return [uri] if isinstance(uri := params.get("rootUri"), str) else []


def folder_changes(params: Any) -> tuple[list[str], list[str]]:
    """URIs of the folders that didChangeWorkspaceFolders adds, and of those it removes."""
    event = _object(params, "event")
    return tuple([_text(folder, "uri") for folder in _list(event, name)] for name in ("added", "removed"))  # type: ignore[return-value]


def changed_files(params: Any) -> list[str]:
    """URIs of didChangeWatchedFiles; what happened to them is for the disk to say."""
    return [_text(change, "uri") for change in _list(params, "changes")]


def _uri_of(folder: Any) -> str:
    uri = folder.get("uri") if isinstance(folder, Mapping) else None
    return uri if isinstance(uri, str) else ""


def lsp_range(buffer: Buffer, start: int, end: int, encoding: Encoding) -> types.Range:
    """Byte offsets start..end as a range in the client's encoding."""
    return types.Range(
        types.Position(*buffer.position(start, encoding)), types.Position(*buffer.position(end, encoding))
    )


def _change(value: Any) -> Change:
    text = _text(value, "text")
    if not _has(value, "range"):
        return Change(text)
    return Change(text, *_range(value))


def _range(value: Any) -> tuple[Position, Position]:
    inner = _object(value, "range")
    return _position(inner, "start"), _position(inner, "end")


def _position(value: Any, name: str) -> Position:
    position = _object(value, name)
    line, character = _integer(position, "line"), _integer(position, "character")
    if not (0 <= line <= _MAX_UINTEGER and 0 <= character <= _MAX_UINTEGER):
        raise JsonRpcInvalidParams(f"{name}: line and character must be 0 to 2147483647")
    return line, character


def _has(value: Any, name: str) -> bool:
    return isinstance(value, Mapping) and value.get(name) is not None


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping) or name not in value:
        raise JsonRpcInvalidParams(f"{name} is missing")
    return value[name]


def _object(value: Any, name: str) -> Mapping[str, Any]:
    member = _member(value, name)
    if not isinstance(member, Mapping):
        raise JsonRpcInvalidParams(f"{name} must be an object")
    return member


def _list(value: Any, name: str) -> list[Any]:
    member = _member(value, name)
    if not isinstance(member, list):
        raise JsonRpcInvalidParams(f"{name} must be an array")
    return member


def _text(value: Any, name: str) -> str:
    member = _member(value, name)
    if not isinstance(member, str):
        raise JsonRpcInvalidParams(f"{name} must be a string")
    return member


def _integer(value: Any, name: str) -> int:
    member = _member(value, name)
    if isinstance(member, bool) or not isinstance(member, int):
        raise JsonRpcInvalidParams(f"{name} must be an integer")
    return member
