"""Random edits as an editor makes them, for the tests that compare incremental with fresh; and how to keep one.

A typist stays near one place for a while: types, deletes, breaks lines, opens brackets and quotes, comments lines out,
indents, moves functions about, undoes. A failure is kept as JSON: the text it began with and the edits.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

from fuzz import FAILURES, save_failure

from hirope_ls.text import Edit

KEYS = [*"abcxyz_019", *"()[]{}", *"\"'`", *":;,.=#@\\/*-+<>!%&|^~", " ", "\t", "\n", "\r", "\r\n", "\f", "\v", "\x00"]
ODD = [
    "é",
    "ß",
    "ſ",
    "İ",
    "日本",
    "😀",
    "👩‍💻",
    "e\u0301",
    "\u0085",
    "\u00a0",
    "\u2028",
    "\u2029",
    "▁",
    "Ġ",
    "\ufeff",
    "١٢",
    "٪",
]
SNIPPETS = [
    *('"""', "'''", 'f"{', "    ", "        ", "\n\n", "\n    ", "\\\n", "# note\n", "'re", "'LL ", " " * 40, "\t" * 9),
    *(
        "def f(a, b):\n    return a\n",
        "\ndef g():\n    pass\n\n",
        "class A:\n    x = 1\n\n    def m(self):\n        pass\n",
    ),
    *(
        "@property\n",
        "@cache(\n    1,\n)\n",
        "async def h(): pass\n",
        "    def n(self): ...\n",
        "def ",
        "class B(",
        "async ",
    ),
    *(
        "if x:\n    def k(): pass\nelse:\n    y = 1\n",
        "try:\n",
        "else:\n",
        "for i in x:\n        ",
        "lambda: ",
        "return ",
    ),
    *(
        "<|endoftext|>",
        "<bos>",
        "</s>",
        "1234567890" * 3,
        "-" * 70 + "\n",
        "\r\n\r\n",
        "\n" * 7,
        "x = [\n1,\n2,\n]\n",
        "....",
    ),
]


class Typist:
    """Makes one edit after another to a text that the caller keeps."""

    def __init__(self, rng: random.Random, snippets: Sequence[str] = ()) -> None:
        self.rng = rng
        self.at = 0
        self.snippets = snippets  # of the text's language, besides Python's

    def edit(self, data: bytes) -> Edit:
        """A valid edit of `data`: it cuts no character in two, and inserts valid UTF-8."""
        if self.rng.random() < 0.15:
            self.at = self.rng.randrange(len(data) + 1)
        start = _whole(data, min(self.at, len(data)))
        if self.snippets and self.rng.random() < 0.2:
            self.at = start
            return Edit(start, start, self.rng.choice(self.snippets).encode())
        made = self.rng.choices(_KINDS, _WEIGHTS)[0](self.rng, data, start)
        self.at = made.new_end
        return made


def _type(rng: random.Random, data: bytes, at: int) -> Edit:
    return Edit(at, at, rng.choice(KEYS).encode())


def _type_odd(rng: random.Random, data: bytes, at: int) -> Edit:
    return Edit(at, at, rng.choice(ODD).encode())


def _delete(rng: random.Random, data: bytes, at: int) -> Edit:
    start = max(0, at - rng.choice([1, 1, 1, 2, 5, 30]))
    return Edit(_whole(data, start), at, b"")


def _replace(rng: random.Random, data: bytes, at: int) -> Edit:
    end = _whole(data, min(len(data), at + rng.choice([1, 3, 10, 60])))
    return Edit(at, end, rng.choice([*KEYS, *ODD, *SNIPPETS]).encode())


def _snippet(rng: random.Random, data: bytes, at: int) -> Edit:
    return Edit(at, at, rng.choice(SNIPPETS).encode())


def _paste(rng: random.Random, data: bytes, at: int) -> Edit:
    start = _whole(data, rng.randrange(len(data) + 1))
    end = _whole(data, min(len(data), start + rng.choice([5, 50, 400])))
    return Edit(at, at, data[start:end])


def _lines(rng: random.Random, data: bytes, at: int) -> tuple[int, int]:
    start = data.rfind(b"\n", 0, at) + 1
    end = start
    for _ in range(rng.choice([1, 1, 2, 5])):
        end = data.find(b"\n", end) + 1 or len(data)
    return start, end


def _drop_lines(rng: random.Random, data: bytes, at: int) -> Edit:
    return Edit(*_lines(rng, data, at), b"")


def _shift_lines(rng: random.Random, data: bytes, at: int) -> Edit:
    start, end = _lines(rng, data, at)
    pattern, put = rng.choice([(rb"(?m)^", b"    "), (rb"(?m)^ {1,4}", b""), (rb"(?m)^", b"# "), (rb"\n", b"\r\n")])
    return Edit(start, end, re.sub(pattern, put, data[start:end]))


def _function(rng: random.Random, data: bytes, at: int) -> Edit:
    """Cut a function out, or put it down again here."""
    found = [match.start() for match in re.finditer(rb"(?m)^[ \t]*(?:def|class|@)", data)]
    if len(found) < 2:
        return _snippet(rng, data, at)
    index = rng.randrange(len(found) - 1)
    start, end = found[index : index + 2]
    if rng.random() < 0.5:
        return Edit(start, end, b"")
    line = data.rfind(b"\n", 0, at) + 1
    return Edit(line, line, data[start:end])


def _everything(rng: random.Random, data: bytes, at: int) -> Edit:
    half = _whole(data, len(data) // 2)
    more = _whole(data, min(len(data), half + 3000))
    return rng.choice([Edit(0, len(data), data[half:]), Edit(0, 0, data[half:more]), Edit(0, half, b"")])


_KINDS = [_type, _type_odd, _delete, _replace, _snippet, _paste, _drop_lines, _shift_lines, _function, _everything]
_WEIGHTS = [35, 4, 25, 6, 12, 6, 5, 5, 4, 0.3]


def _whole(data: bytes, at: int) -> int:
    while 0 < at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def keep(name: str, text: bytes, edits: Sequence[Edit]) -> Path:
    """Save a text and the edits that made a test fail; returns the fixture's path."""
    rows = [[edit.start, edit.old_end, edit.new.decode()] for edit in edits]
    return save_failure(name, json.dumps({"text": text.decode(), "edits": rows}, ensure_ascii=False, indent=0))


def kept(name: str) -> list[tuple[bytes, list[Edit]]]:
    """The texts and edits saved under `name`."""
    found = []
    for path in sorted(FAILURES.glob(f"{name}-*.txt")):
        saved = json.loads(path.read_text("utf-8"))
        found.append((saved["text"].encode(), [Edit(start, end, new.encode()) for start, end, new in saved["edits"]]))
    return found
