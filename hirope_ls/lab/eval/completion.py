"""The next line of code, written from growing context: exact match and edit similarity.

As in LCC (LongCoder, arXiv 2306.14893, section 4.1) and RepoBench-C (arXiv 2306.03091, section 3): greedy, one line,
and here the same lines at every length. Knows no methods.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal

from hirope_ls.lab.eval.lines import Line, chosen, code_lines
from hirope_ls.lab.eval.neighbours import imported_names, nearest, same_workspace
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import Source
from hirope_ls.lab.eval.task import Item
from hirope_ls.problems import InputError

MOST = 64  # tokens generated
Context = Literal["file", "repo"]


@dataclass(frozen=True)
class Target:
    """A line to be written: what stands before it, and its text without the blanks around it."""

    prompt: Prompt
    text: str


class Completion:
    """`lines`: next lines asked for in each file. `context`: "file", or "repo" with other files in front of it.

    A length counts all that is read and written: the prompt and room for a line.
    """

    name = "completion"
    metrics = ("exact_match", "edit_similarity")

    def __init__(self, context: Context = "file", lines: int = 2) -> None:
        self.context = context
        self.lines = lines

    def items(self, sources: Sequence[Source], lengths: Sequence[int], limit: int, seed: int) -> list[Item]:
        """Lines of the first `limit` files that have such with the longest context in front of them."""
        if min(lengths) < 2 * MOST:
            raise InputError(f"a line may take {MOST} tokens: lengths must be {2 * MOST} or more")
        sizes = [length - MOST for length in lengths]
        found: list[tuple[str, Target]] = []
        for source in sources:
            if limit == 0:
                break
            targets = list(self._targets(source, sources, sizes, random.Random(f"{seed} {source.name}")))
            found += targets
            limit -= bool(targets)
        if not found:
            raise InputError(f"no file has a line with {max(sizes)} tokens in front of it: choose shorter --lengths")
        return [
            Item(id, length, Target(target.prompt.last(size), target.text))
            for length, size in zip(lengths, sizes, strict=True)
            for id, target in found
        ]

    def measure(self, reader: Reader, item: Item) -> dict[str, float]:
        """How the line that the model writes compares with the one that stands there."""
        target: Target = item.payload
        written = reader.generate(target.prompt, MOST, lambda text: b"\n" in text)
        return compared(written.partition(b"\n")[0].decode(errors="replace").strip(), target.text)

    def _targets(
        self, source: Source, sources: Sequence[Source], sizes: Sequence[int], rng: random.Random
    ) -> Iterator[tuple[str, Target]]:
        if self.context == "file" and len(source.data) < max(sizes):  # a token is a byte at least
            return
        for line in chosen(self._lines(source, sources, sizes), self.lines, rng):
            prompt = self._prompt(source, sources, line, max(sizes))
            if len(prompt) >= max(sizes):
                yield f"{source.name}@{line.number}", Target(prompt, line.text)

    def _lines(self, source: Source, sources: Sequence[Source], sizes: Sequence[int]) -> list[Line]:
        """Those with enough of their own file in front of them.

        With a repository: little of it, so that what grows with the context is what other files tell, and lines that
        use a name from one of them.
        """
        if self.context == "file":
            return [line for line in code_lines(source) if line.first >= max(sizes)]
        near = (line for line in code_lines(source) if min(sizes) // 4 <= line.first <= min(sizes))
        names = imported_names(source, same_workspace(source, sources))
        return [line for line in near if names.intersection(re.findall(r"\w+", line.text))]

    def _prompt(self, source: Source, sources: Sequence[Source], line: Line, size: int) -> Prompt:
        """Up to `size` tokens in front of `line`; other files are read in the order of `nearest`, from behind."""
        prompt = Prompt.of(source, 0, line.first)
        if self.context == "repo":
            end = int(source.tokens.ends[line.first - 1])
            for other in nearest(source, same_workspace(source, sources), end):
                if len(prompt) >= size:
                    break
                prompt = Prompt.of(other) + prompt
        return prompt.last(min(size, len(prompt)))


def compared(written: str, text: str) -> dict[str, float]:
    """Exact match, 0 or 1, and the share of characters in common, 0 to 1 (difflib's ratio)."""
    similarity = SequenceMatcher(None, written, text, autojunk=False).ratio()
    return {"exact_match": float(written == text), "edit_similarity": similarity}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The task's own options."""
    parser.add_argument(
        "--context", choices=("file", "repo"), default="file", help="what stands before a line: its file, or others too"
    )
    parser.add_argument("--lines", type=int, default=2, metavar="N", help="lines asked for in each file")
    told = (
        "the whole line, from what is above alone; or its rest from a cursor in it, as an editor asks (default: line)"
    )
    parser.add_argument("--ask", choices=("line", "rest"), default="line", help=told)


def from_args(args: argparse.Namespace, folder: Path) -> Completion:
    """The task as the command line asks for it."""
    return Completion(args.context, args.lines)
