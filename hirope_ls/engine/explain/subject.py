"""What a model is to explain: one definition, in the text of the file that it stands in.

Knows bytes; no models, no prompts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePath

from hirope_ls.engine.explain.facts import kind_of, standing
from hirope_ls.engine.explain.view import View
from hirope_ls.names import Candidate
from hirope_ls.syntax.languages.documents import DOCUMENTS, Documents
from hirope_ls.text import Buffer


@dataclass(frozen=True)
class Subject:
    """The bytes `start..end` of a file, whole lines: the definition of `name`, a `kind` of thing.

    language: the row's name; language_id: what editors call it; mark: what begins a comment in it.
    """

    path: str
    name: str
    kind: str
    language: str
    language_id: str | None
    mark: str
    buffer: Buffer
    start: int
    end: int

    @property
    def source(self) -> bytes:
        """The definition's own text."""
        return self.buffer.data[self.start : self.end]

    @property
    def word(self) -> str:
        """The name without what is around it."""
        return self.name.rpartition(".")[2]

    @property
    def file_name(self) -> str:
        """The file's name, without its folders."""
        return PurePath(self.path).name

    @property
    def content(self) -> str:
        """Hex digits that are the same for definitions that read the same."""
        told = f"{self.language}\0{self.name}\0".encode()
        return hashlib.sha256(told + self.source).hexdigest()


def subject_of(view: View, candidate: Candidate) -> Subject | None:
    """The definition that a name may mean; None where the file does not say so any more."""
    file = view.file(candidate.path)
    at = None if file is None else standing(file, candidate)
    if file is None or at is None:
        return None
    one, data = file.symbols.definitions[at], file.buffer.data
    start = data.rfind(b"\n", 0, one.start) + 1
    end = data.find(b"\n", max(one.end - 1, one.start))
    mark = DOCUMENTS.get(file.symbols.language, Documents()).line
    name, kind = file.symbols.dotted(at), kind_of(file, at)
    language = file.symbols.language, min(file.language.language_ids, default=None) if file.language else None
    return Subject(file.path, name, kind, *language, mark, file.buffer, start, len(data) if end < 0 else end)
