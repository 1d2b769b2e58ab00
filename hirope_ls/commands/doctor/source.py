"""One file: why it gets no suggestions, or poorer ones than others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.doctor.private import shortened
from hirope_ls.commands.doctor.remedies import ANOTHER
from hirope_ls.commands.place import read_source
from hirope_ls.problems import InputError
from hirope_ls.syntax import language_for
from hirope_ls.syntax.limits import LARGEST_SERVED, is_flat
from hirope_ls.text.buffer import Buffer
from hirope_ls.text.shape import Shape
from hirope_ls.workspace import Refusal, Workspace
from hirope_ls.workspace.ignore import named_by

_IN: Final = Section("File")


def checks(
    path: Path,
    folder: Path | None,
    languages: Sequence[str] = (),
    bundled: bool = False,
    globs: tuple[str, ...] = (),
) -> Iterator[Finding]:
    """Why this file gets no suggestions, or poorer ones. languages, globs: what the settings turn off."""
    place = shortened(path)
    refusal = _refusal(path, folder)
    if refusal is Refusal.SECRET:
        told = "secret by its name, or by what links to it: no suggestions, ever"
        yield _IN.problem("private", told, "another name, if it holds no secrets", place)
        return
    if refusal is Refusal.IGNORED:
        told = "ignored by .gitignore or .hiropeignore: no suggestions"
        yield _IN.problem("private", told, f"git check-ignore -v {shlex.quote(place)}", place)
        return
    yield _IN.ok("private", "neither secret nor ignored", place)
    if globs and named_by(globs, str(path.absolute())):
        yield _IN.problem("pattern", "turned off by the setting `disabledGlobs`", "take its pattern out of the setting")
    try:
        buffer = read_source(path)
    except InputError as error:
        yield _unread(path, str(error))
        return
    yield from _of_text(buffer, path, languages, bundled)
    if refusal is not None:
        yield _IN.note("context", f"{refusal.value}: not shown to the model while you work in other files")


def _refusal(path: Path, folder: Path | None) -> Refusal | None:
    """What a server with this workspace says of the file."""
    real = path.resolve()
    root = folder or next((above for above in real.parents if (above / ".git").exists()), real.parent)
    return Workspace([root]).refusal(str(path.absolute()))


def _unread(path: Path, told: str) -> Finding:
    try:
        large = path.stat().st_size > LARGEST_SERVED
    except OSError:
        large = False
    told = told.replace(str(path), "it").replace("there is no file it", "there is no such file")
    if large:
        return _IN.problem("size", f"over {LARGEST_SERVED // 1_000_000} MB: no suggestions", "split the file")
    if "UTF-8" in told:
        return _IN.note("text", f"{told}; in an editor it works, as what the editor sends is UTF-8")
    return _IN.problem("text", told, "hirope-ls doctor --file PATH")


def _of_text(buffer: Buffer, path: Path, languages: Sequence[str], bundled: bool) -> Iterator[Finding]:
    language = language_for(None, str(path), buffer.data)
    if is_flat(Shape.of(buffer.data), len(buffer.data)):
        told = "minified, over 1 MB, or with very long lines: read without functions, far text counts little"
        yield _IN.warning("size", told, "split the file", bytes=len(buffer.data))
    else:
        yield _IN.ok("size", f"{buffer.line_count:,} lines", bytes=len(buffer.data), lines=buffer.line_count)
    if language is None:
        yield _IN.note("language", "not known here: read without functions", suffix=_suffix(path))
    elif off := [each for each in languages if each.lower() in language.language_ids]:
        told = f"{language.name} is turned off by the setting `disabledLanguages`"
        yield _IN.problem("language", told, f"take {off[0]!r} out of `disabledLanguages`")
    elif bundled and language.name != "python":
        told = f"{language.name}, and the bundled model knows Python only"
        yield _IN.warning("language", told, ANOTHER, language=language.name)
    else:
        yield _IN.ok("language", language.name, language=language.name)


def _suffix(path: Path) -> str:
    return path.suffix if re.fullmatch(r"\.\w{1,8}", path.suffix) else ""
