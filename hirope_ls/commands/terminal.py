"""What the commands print for people: with colours on a terminal, readable without them elsewhere."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from hirope_ls.commands.place import shown
from hirope_ls.engine.completion import Completion
from hirope_ls.model.folder import Card
from hirope_ls.text.buffer import Buffer

_ABOVE, _BELOW = 7, 4  # lines shown round the cursor
_HIGHLIGHTED = 500_000  # bytes; the highlighter reads such a file from its start, to know where strings begin
_LEAD = 150  # lines above those shown that it reads of a larger one
_LONG_LINE = 400  # characters; of longer ones the part near the cursor, or the beginning, is shown
_PLAIN_CODE = 20_000  # characters in a line; no highlighter is asked about such a text
_GHOST = "dim italic"
_MARKS = ("⟦", "⟧")  # round the suggestion where there is no dim italic

_MEANING = {
    "empty:no-text": "there is no text to go on",
    "empty:model-ended": "the model has nothing to add here",
    "empty:blank": "the model suggests nothing but blanks",
    "deadline": "no line was ready in time",
    "error:memory": "the prompt does not fit into memory",
}


class _Console(Console):
    """Leaves a reader that went away to the command line's one guard."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def console() -> Console:
    """The console for stdout. A character that the terminal's encoding lacks is replaced, never an error."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    return _Console(highlight=False)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on stderr what takes so long, if a person is there to read it."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(what):
        yield


def show_completion(path: Path, buffer: Buffer, completion: Completion, card: Card, cut: str | None = None) -> None:
    """Print the lines round the cursor with the suggestion in them, and one line of facts.

    `cut` is what stood in the file after the cursor, where it was taken away.
    """
    out = console()
    plain = not out.is_terminal
    line = buffer.line_of(completion.start)
    out.print(Text(f"{shown(path)}:{line + 1}", style="bold"))
    first, last = max(0, line - _ABOVE), min(buffer.line_count - 1, line + _BELOW)
    width = len(str(last + 1))
    for number, text in _with_ghost(path, buffer, completion, first, last, plain):
        gutter = (f"{'' if number is None else number + 1:>{width}} │ ", "bold" if number == line else "bright_black")
        out.print(Text.assemble(gutter, text), no_wrap=True, overflow="ellipsis", soft_wrap=plain)
    out.print()
    if cut is not None:
        same = "the same as" if cut.strip() == completion.text.strip() else "not the same as"
        out.print(Text(f"{same} what the file has there: {_visible(cut.strip())}"), soft_wrap=plain)
    out.print(facts(completion, card), soft_wrap=plain)


def _with_ghost(
    path: Path, buffer: Buffer, completion: Completion, first: int, last: int, plain: bool
) -> list[tuple[int | None, Text]]:
    """Numbered lines; those that only the suggestion has are without a number."""
    line = buffer.line_of(completion.start)
    before = len(buffer.data[buffer.line_start(line) : completion.start].decode())
    rows: list[tuple[int | None, Text]] = []
    highlighted = _highlighted(path, buffer, first, last)
    for number in range(first, last + 1):
        text = highlighted[number - first]
        if number != line or not completion.text:
            rows.append((number, _window(text, before if number == line else 0)))
            continue
        ghost = _visible(completion.text)
        marked = f"{_MARKS[0]}{ghost}{_MARKS[1]}" if plain else ghost
        joined = _window(text[:before] + Text(marked, style=_GHOST) + text[before:], before)
        parts = joined.split("\n", allow_blank=True)
        rows += [(number if index == 0 else None, part) for index, part in enumerate(parts)]
    return rows


def _highlighted(path: Path, buffer: Buffer, first: int, last: int) -> list[Text]:
    """The lines `first` to `last` in colours, each as long as it is in the file."""
    lead = 0 if len(buffer.data) <= _HIGHLIGHTED else max(0, first - _LEAD)
    lines = [_line(buffer, number) for number in range(lead, last + 1)]
    if max(map(len, lines)) > _PLAIN_CODE:
        return [Text(line) for line in lines[first - lead :]]
    code = "\n".join(lines)
    coloured = Syntax("", Syntax.guess_lexer(str(path), code), theme="ansi_dark").highlight(code)
    # The highlighter drops and adds line ends at the edges; only its styles are taken over.
    result, at = [], coloured.plain.find(code) if code else 0
    for number, line in enumerate(lines, lead):
        if number >= first:
            result.append(coloured[at : at + len(line)] if at >= 0 else Text(line))
        at += len(line) + 1 if at >= 0 else 0
    return result


def _line(buffer: Buffer, number: int) -> str:
    start, end = buffer.line_span(number)
    return _visible(buffer.data[start:end].decode())


def _visible(text: str) -> str:
    """The text, as long as before, without what would steer the terminal or reorder the line."""
    return text if text.isprintable() else "".join(map(_visible_character, text))


def _visible_character(char: str) -> str:
    if char in "\t\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return char
    return chr(0x2400 + ord(char)) if ord(char) < 32 else "\ufffd"


def _window(line: Text, at: int) -> Text:
    """A line, or of a very long one the part round its character `at`."""
    if len(line) <= _LONG_LINE:
        return line
    start = max(0, min(at - _LONG_LINE // 2, len(line) - _LONG_LINE))
    cut = line[start : start + _LONG_LINE]
    return Text("…" if start else "") + cut + Text("…" if start + _LONG_LINE < len(line) else "")


def facts(completion: Completion, card: Card) -> Text:
    """One line: outcome, model, how much context that was against what the model was trained for, time by phase."""
    text = Text()
    text.append(completion.outcome, style="bold green" if completion.text else "bold yellow")
    if completion.outcome in _MEANING:
        text.append(f" ({_MEANING[completion.outcome]})")
    elif completion.outcome.startswith("filtered:"):
        text.append(" (nothing was left of the suggestion)")
    text.append(f" · {card.name}, trained for {card.trained_length:,} tokens")
    prompt = completion.tokens.get("prompt", 0)
    if prompt:
        text.append(f" · {prompt:,} tokens of context")
        if prompt > card.trained_length:
            text.append(f", {prompt / card.trained_length:.3g}x the trained length", style="bold")
        text.append(f" · {completion.units:,} unit{'' if completion.units == 1 else 's'}")
    text.append(f" · {phases(completion)}")
    return text


def phases(completion: Completion) -> str:
    """Times by phase, the total last."""
    return ", ".join(f"{phase} {_ms(value)}" for phase, value in completion.timings.items())


def _ms(value: float) -> str:
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
