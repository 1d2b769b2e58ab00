"""The rest of a line from a cursor inside it, after growing context, with the text below shown: as an editor asks.

The lines are those of `lab/eval/completion.py`; the prompt is the engine's, so only methods that can be served are
measured. A length counts what stands above the line, and room for one; what is shown below comes on top.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from hirope_ls.lab.eval.completion import Completion, Target, compared
from hirope_ls.lab.eval.gaps import AFTER, cursor
from hirope_ls.lab.eval.lines import code_spans
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import Source
from hirope_ls.lab.eval.task import Item


@dataclass(frozen=True)
class Gap:
    """A cursor in a file called `name`, and what is missing there. `above`: the tokens before its line."""

    above: Prompt
    name: str
    before: bytes
    after: bytes
    missing: str


class Rest(Completion):
    """`lines`: asked for in each file, each with a cursor somewhere in it, the same at every length."""

    name = "rest"

    def __init__(self, lines: int = 2) -> None:
        super().__init__("file", lines)

    def items(self, sources: Sequence[Source], lengths: Sequence[int], limit: int, seed: int) -> list[Item]:
        """Those of whole lines, each with a cursor in it."""
        named = {source.name: source for source in sources}
        found = super().items(sources, lengths, limit, seed)
        codes = {name: _codes(named[name]) for name in {item.file for item in found}}
        return [Item(item.id, item.length, _gap(item, named[item.file], codes[item.file], seed)) for item in found]

    def measure(self, reader: Reader, item: Item) -> dict[str, float]:
        """How what would be suggested compares with what stands there."""
        gap: Gap = item.payload
        written = reader.fill(gap.above.tokenizer, gap.name, gap.before, gap.after)
        return compared(written.strip(), gap.missing.strip())


def _codes(source: Source) -> dict[int, int]:
    """Where the code of each line begins, in bytes, by the line's number."""
    return {number: code for number, _, code, _ in code_spans(source)}


def _gap(item: Item, source: Source, codes: dict[int, int], seed: int) -> Gap:
    target: Target = item.payload
    code, text = codes[int(item.id.rpartition("@")[2])], target.text.encode()
    at = cursor(target.text, random.Random(f"{seed} {item.id}"))
    read = int(source.tokens.ends[target.prompt.parts[-1].last - 1])
    before = target.prompt.tokenizer.decode(target.prompt.ids) + source.data[read:code] + text[:at]
    after = source.data[code + len(text) :][:AFTER]
    name = PurePosixPath(source.name).name
    return Gap(target.prompt, name, _whole(before), _whole(after), text[at:].decode())


def _whole(text: bytes) -> bytes:
    """Without the halves of characters at its ends."""
    return text.decode(errors="ignore").encode()
