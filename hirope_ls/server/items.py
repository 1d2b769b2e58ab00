"""textDocument/completion: the same suggestions, as entries of a completion menu, for clients without ghost text.

An entry puts in the word that the cursor stands in, as typed so far, and what goes on from there. So clients, which
compare entries with that word, keep it; and as lists are never complete, they ask again at each key. A suggestion of
several lines is offered twice, whole and its first line: there is no other way to take a part of it. Knows what clients
announce and how they filter (Helix, Zed, Eglot, lsp-mode, vim-lsp, coc, nvim-cmp); no models.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lsprotocol import types

from hirope_ls.engine.completion import Completion
from hirope_ls.server.convert import InlineParams, Position, announces, completion_params, lists, lsp_range
from hirope_ls.server.documents import Documents
from hirope_ls.server.place import Told
from hirope_ls.text.buffer import Buffer
from hirope_ls.text.markdown import fenced, visible

# After these the rest of an expression is wanted. None that often ends a line: an open menu takes the next Enter.
TRIGGERS: Final = (".", "(", "=", "@")
_WORD = re.compile(r"\w*\Z")
_FIRST_LINE = re.compile(r"\s*[^\r\n]*")
_LABEL: Final = 60  # characters
_LANGUAGE = re.compile(r"[\w+#-]{1,30}")


@dataclass(eq=False)
class Items:
    """How a client wants its entries; `last` is where it asked last, and in which text."""

    markdown: bool = False
    preselects: bool = False
    inserts_as_is: bool = False
    last: tuple[str, Position, Buffer] | None = field(default=None, init=False)

    @classmethod
    def of(cls, capabilities: Mapping[str, Any], wish: str) -> Items | None:
        """By what the client announces and the user's setting; None where there are to be none."""
        menu, ghost = (announces(capabilities, "textDocument", name) for name in ("completion", "inlineCompletion"))
        if wish == "off" or (wish == "auto" and (ghost or not menu)):
            return None
        path = "textDocument", "completion", "completionItem"
        as_is, modes = types.InsertTextMode.AsIs.value, (*path, "insertTextModeSupport", "valueSet")
        return cls(
            markdown=lists(capabilities, types.MarkupKind.Markdown.value, *path, "documentationFormat"),
            preselects=announces(capabilities, *path, "preselectSupport"),
            inserts_as_is=lists(capabilities, as_is, *modes),
        )

    @staticmethod
    def options() -> types.CompletionOptions:
        """What the server says of itself."""
        return types.CompletionOptions(trigger_characters=list(TRIGGERS))

    def read(self, params: Any, documents: Documents) -> InlineParams:
        """The request. It is by hand if no word was typed, or nothing at all since the last request: the protocol does
        not tell it from typing. Raises JsonRpcInvalidParams."""
        asked = completion_params(params)
        document = documents.get(asked.uri)
        if document is None or not asked.manual:
            self.last = None
            return asked
        place = asked.uri, asked.at, document.buffer
        again, self.last = place == self.last, place
        typed = _word(document.buffer, document.buffer.offset(*asked.at, documents.encoding))
        return replace(asked, manual=again or not typed)

    def answer(self, told: Told | None) -> types.CompletionList:
        """The reply: places in it are those of the text that was asked about, as clients count what came since."""
        items = [] if told is None else [self._item(told, *each) for each in enumerate(_entries(told))]
        return types.CompletionList(is_incomplete=True, items=items)

    def _item(self, told: Told, rank: int, entry: _Entry) -> types.CompletionItem:
        word = entry.word
        start = told.first.start - len(word.encode())
        language = told.ask.document.language_id if told.ask.document is not None else ""
        return types.CompletionItem(
            label=entry.label,
            kind=types.CompletionItemKind.Text,
            detail="hirope-ls",
            documentation=self._preview(told, entry.text, language),
            preselect=True if self.preselects and rank == 0 and told.ask.params.manual else None,
            sort_text=f"!{rank}",
            filter_text=_first_line(word + entry.text),
            insert_text_format=types.InsertTextFormat.PlainText,
            insert_text_mode=types.InsertTextMode.AsIs if self.inserts_as_is else None,
            text_edit=types.TextEdit(
                lsp_range(told.ask.buffer, start, told.first.end, told.encoding), word + entry.text
            ),
        )

    def _preview(self, told: Told, text: str, language: str) -> types.MarkupContent:
        """The cursor's line with the suggestion in it, up to where that ends."""
        code = textwrap.dedent(_line_before(told.ask.buffer, told.first.start) + text).strip("\r\n")
        if not self.markdown:
            return types.MarkupContent(types.MarkupKind.PlainText, visible(code))
        known = language if _LANGUAGE.fullmatch(language) else ""
        return types.MarkupContent(types.MarkupKind.Markdown, fenced(code, known))


@dataclass(frozen=True)
class _Entry:
    word: str
    text: str
    label: str


def _entries(told: Told) -> Iterator[_Entry]:
    """Each suggestion, and the first line of those that have more; none twice."""
    word = _word(told.ask.buffer, told.first.start)
    seen: set[str] = set()
    for text in (part for each in (told.first, *told.others) for part in _parts(each)):
        if text not in seen:
            seen.add(text)
            yield _Entry(word, text, _label(word, word + text))


def _parts(completion: Completion) -> list[str]:
    found = _FIRST_LINE.match(completion.text)
    first = found.group() if found else ""
    return [completion.text, first] if first.strip() else [completion.text]


def _label(word: str, text: str) -> str:
    """One line, which begins as the text does: some clients compare with it what is typed."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    line, more = lines[0] if lines else "", len(lines) - 1
    if line == word and more:  # nothing is left to say in the cursor's line
        line, more = f"{line} ⏎ {lines[1]}", more - 1
    note = f" … (+{more} line{'s' if more > 1 else ''})" if more else ""
    room = _LABEL - len(note)
    return (line if len(line) <= room else line[: room - 1].rstrip() + "…") + note


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else text


def _word(buffer: Buffer, offset: int) -> str:
    """The beginning of a word that stands right before a place."""
    found = _WORD.search(_line_before(buffer, offset))
    return found.group() if found else ""


def _line_before(buffer: Buffer, offset: int) -> str:
    """The line that a place is in, up to it."""
    return buffer.data[buffer.line_start(buffer.line_of(offset)) : offset].decode("utf-8", "ignore")
