"""What a model wrote, as prose: where it ends, what of it is shown while it grows, and how it is put as Markdown.

A model may have read anything, so what it writes acts as little as a source does: no HTML, links or images, and it
stays inside of a quotation, apart from the facts. Knows texts; no models, no tokens.
"""

from __future__ import annotations

import re

from hirope_ls.engine.trim import loop
from hirope_ls.text.markdown import code, plain, visible

_TOO_SMALL = 300_000_000  # parameters: models of fewer do not know enough of programming to explain any

ENDINGS = {
    "repetition": "It began to repeat itself and was stopped.",
    "length": "It was stopped at the longest length.",
    "empty": "The model had nothing to say.",
    "memory": "The prompt does not fit into memory.",
    "cancelled": "It was stopped.",
}
"""What an explanation ended by, where that is worth a line."""

_SENTENCE = re.compile(r"[.!?:](?=\s|$)")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_ACTS = re.compile(r"([\\`\[\]<>|&!]|:(?=//)|(?<=www)\.|@)")
_SAME = 3  # so often a line does not stand in an explanation


def comment_prose(text: str, mark: str, over: bool) -> tuple[str, bool]:
    """The words of the comment that `text` goes on with, and whether the comment ends in it.

    over: nothing more comes; otherwise the last line is held back where it may be no comment's.
    """
    first, *rest = text.split("\n")
    words, ended = [first.strip()], False
    for number, line in enumerate(rest, 1):
        bare, last = line.strip(), number == len(rest)
        if bare.startswith(mark):
            words.append(bare[len(mark) :].lstrip(mark[-1]).strip())
        elif last and not over and mark.startswith(bare):
            break
        else:
            ended = True
            break
    return "\n".join(words).strip(), ended


def repeats(text: str) -> str | None:
    """The text up to where it begins to say the same again and again; None if it does not."""
    cut = loop(text, "", "")
    if cut != text:
        return cut
    seen: dict[str, list[int]] = {}
    at = 0
    for line in text.splitlines(keepends=True):
        places = seen.setdefault(line.strip(), [])
        if re.search(r"\w", line):
            places.append(at)
        if len(places) == _SAME:
            return text[: places[1]]
        at += len(line)
    return None


def whole_sentences(text: str) -> str:
    """A text that was broken off, up to its last whole sentence; all of it, and dots, where there is none."""
    if not text.strip():
        return ""
    ends = [found.end() for found in _SENTENCE.finditer(text)]
    return text[: ends[-1]] if ends else f"{text.rstrip()} ..."


def as_markdown(text: str) -> str:
    """The text as a quotation, in which lists, emphasis and code stay what they are, and nothing acts."""
    lines, fence = [], ""
    for line in visible(text).strip().split("\n"):
        found = _FENCE.match(line)
        if fence:
            closes = found is not None and found[1].startswith(fence) and not line.strip().strip(fence[0])
            fence = "" if closes else fence
        elif found is not None:
            fence, line = found[1], re.sub(r"[^\w`~ +#.-]", "", line)
        else:
            line = _calm(line)
        lines.append(line)
    return "\n".join(f"> {line}".rstrip() for line in [*lines, *([fence] if fence else [])])


def explanation(text: str, model: str, parameters: int, ending: str = "") -> str:
    """What stands below the facts: who wrote it, that it may be wrong, and the text. ending: what there is to add."""
    parts = [
        "#### Explanation, written by a model",
        f"*By {plain(model)}, from the definition and its file. It may be wrong; the facts above are from the source.*",
    ]
    if small := too_small(parameters):
        parts.append(f"*{small}*")
    if text.strip():
        parts.append(as_markdown(text))
    if ending:
        parts.append(f"*{ending}*")
    return "\n\n".join(parts)


def too_small(parameters: int) -> str:
    """A line about a model of that many parameters; "" for those that may know enough."""
    if parameters >= _TOO_SMALL:
        return ""
    return f"This model has {parameters / 1e6:.3g} million parameters: too few to explain code, so expect no sense."


def _calm(line: str) -> str:
    """A line of prose in which only code spans and emphasis mean something."""
    told, at = [], 0
    for span in _SPAN.finditer(line):
        told += [_ACTS.sub(r"\\\1", line[at : span.start()]), code(span[2])]
        at = span.end()
    return "".join([*told, _ACTS.sub(r"\\\1", line[at:])])
