"""Explain the function, method or class that a name refers to: facts from the source, then a model's words.

  hirope-ls explain app.py:120:9

LINE and COLUMN count from 1, columns in characters, as editors show them. Told are the signature, decorators and
documentation as written, where the definition is, the bases and members of a class, what a function calls, and who
calls it. All of it is read from the source; what is told by a name alone is marked so. Below stands what the model
writes about the definition, from its text and its file; that may be wrong. --facts leaves it out.

With --workspace, other files of that folder are looked at, too; without, the file alone.
--explain prints what went into the prompt: the definition's lines, tokens and positions, and the file around it.
--again N has the model use other words; the same N, the same words.

With --json, one object is printed: file, line, column; word; sure, whether the code tells which definition is meant;
outside, the module it is imported from where that is not in the workspace; definitions, best first, each with the
facts, lines and columns in them counted from 1; without --facts, explanation (of the first definition): text, reason
(end, repetition, length, empty or memory), model, again, tokens {prompt, reused, prefilled, generated}, ms, prompt
{how, lines, whole, tokens, units, index, shown, size, num_units, mentions, trained_length}. The exit code is 1 where
no definition is found.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markdown import Markdown

from hirope_ls.commands.folder import surroundings
from hirope_ls.commands.parts import add_model_arguments, read_parts
from hirope_ls.commands.place import offset_at, parse_place, read_source, shown
from hirope_ls.commands.terminal import console, waiting
from hirope_ls.commands.written import tell, write
from hirope_ls.engine.explain import Facts, Subject, Target, View, document, facts_about, subject_of, target
from hirope_ls.problems import InputError
from hirope_ls.syntax import language_for, parse
from hirope_ls.text.buffer import Buffer

_MOST = 5  # definitions that are shown where several have the name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("place", metavar="FILE:LINE:COLUMN", help="where the name is, counted from 1")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="look at the other files of this folder, too")
    parser.add_argument("--facts", action="store_true", help="the facts alone, without a model")
    parser.add_argument("--explain", action="store_true", help="print what went into the prompt")
    parser.add_argument("--again", type=int, default=0, metavar="N", help="other words (default: 0, the likeliest)")
    add_model_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the facts, and what a model writes; 0, or 1 where there are none. Raises HiropeError."""
    place = parse_place(args.place)
    buffer = read_source(place.path)
    offset = offset_at(buffer, place)
    language = language_for(None, str(place.path), buffer.data)
    if language is None:
        raise InputError(f"{shown(place.path)} is in no language that is known here")
    parts = None if args.facts else read_parts(args.model)
    with waiting("looking ..."), _view(args.workspace, place.path, buffer) as view:
        found = target(view, offset)
        if found is None:
            raise InputError(f"there is no name at {shown(args.place)}")
        told, subject = _facts(view, found, offset)
    if not args.json:
        _show(found, told, args.workspace)
    head = {"file": str(place.path), "line": place.line, "column": place.column, **as_json(found, told)}
    if parts is not None and subject is not None:
        if args.json:
            head["explanation"] = write(subject, parts, args.device, args.again).as_json()
        else:
            tell(subject, parts, args.device, args.again, args.explain)
    if args.json:
        print(json.dumps(head, ensure_ascii=False))
    return 0 if told else 1


def _facts(view: View, found: Target, offset: int) -> tuple[list[Facts], Subject | None]:
    """Of all that the word may mean, and the first of these as it is to be explained."""
    told: list[Facts] = []
    subject: Subject | None = None
    for candidate in found.candidates:
        if (one := facts_about(view, candidate, offset)) is not None:
            told.append(one)
            subject = subject or subject_of(view, candidate)
    return told, subject


def as_json(found: Target, told: list[Facts]) -> dict[str, Any]:
    """What --json prints of a word; the module's docstring is its manual."""
    return {
        "word": found.word,
        "sure": found.sure,
        "outside": found.outside,
        "definitions": [_counted(asdict(one)) for one in told],
    }


def _counted(value: Any) -> Any:
    """Lines and columns from 1; None where there is none."""
    if isinstance(value, dict):
        return {
            key: (one + 1 if one >= 0 else None) if key in ("line", "column", "end") else _counted(one)
            for key, one in value.items()
        }
    return [_counted(one) for one in value] if isinstance(value, list | tuple) else value


@contextmanager
def _view(folder: Path | None, path: Path, buffer: Buffer) -> Iterator[View]:
    """The file, and the folder around it once all of its files are known. Raises InputError."""
    real = str(path.resolve())
    parsed = parse(language_for(None, str(path), buffer.data), buffer)
    if folder is None:
        yield View(real, buffer, parsed)
        return
    with surroundings(folder) as around:
        yield View(real, buffer, parsed, around.names, around.texts)


def _show(found: Target, told: list[Facts], folder: Path | None) -> None:
    """As Markdown on a pipe, rendered on a terminal."""
    base = (folder or Path()).resolve()

    def short(path: str) -> str:
        return shown(Path(path).relative_to(base) if Path(path).is_relative_to(base) else path)

    out = console()
    uri: Callable[[str], str] = (lambda path: "") if out.is_terminal else lambda path: Path(path).as_uri()
    documents = [document(one, short, uri) for one in told[:_MOST]] or [_nothing(found)]
    if len(told) > _MOST:
        documents.append(f"... and {len(told) - _MOST} more definitions of that name\n")
    text = "\n".join(documents)
    if out.is_terminal and told:
        out.print(Markdown(text))  # it has no file: links
    else:
        print(text, end="")


def _nothing(found: Target) -> str:
    if found.outside:
        return f"{shown(found.word)} comes from {shown(found.outside)}, which is not among the files looked at.\n"
    return f"No function or class that {shown(found.word)} refers to was found.\n"
