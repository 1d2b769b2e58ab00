"""Promise H: large, minified and odd texts have even units; nothing nests too deep and nothing takes for ever."""

from __future__ import annotations

import random
import time

import pytest
from edits import Typist
from fuzz import rng, rounds

from hirope_ls.syntax import LANGUAGES, parse, reparse
from hirope_ls.text import Buffer, Edit

PYTHON = LANGUAGES[0]
CODE = "def function(argument):\n    return argument\n"


@pytest.mark.parametrize(
    "text, flat",
    [
        (CODE * 200, False),
        (CODE * 25_000, True),  # over 1 MB
        (CODE * 200 + "x" * 20_000, False),
        (CODE * 200 + "x" * 20_001, True),
        (CODE * 200 + "é" * 20_000, False),  # 40,000 bytes, 20,000 characters
        ("x=1;" * 100 + "\n" + "y = 1\n", False),  # too short to tell
        (("x=1;" * 100 + "\n") * 20, True),  # minified
        (("x=1;" * 100 + "\n" + "y = 1\n" * 20) * 20, False),
        ("def f():\n  " + "(" * 10 + "\n" * 20_000, True),  # hardly a letter
        ("# " + "文字" * 100 + "\n", False),
        ("", False),
    ],
)
def test_which_texts_are_flat(text: str, flat: bool):
    parsed = parse(PYTHON, Buffer.of(text))
    assert parsed.flat == flat
    assert all((unit.kind == "flat") == flat for unit in parsed.units)


def test_a_text_becomes_flat_and_comes_back():
    buffer = Buffer.of(CODE * 10)
    parsed = parse(PYTHON, buffer)
    for edit, flat in [(Edit(0, 0, b"x" * 20_001), True), (Edit(5, 5, b"y"), True), (Edit(0, 20_002, b"\n"), False)]:
        changed = buffer.apply(edit)
        parsed, buffer = reparse(parsed, buffer, edit, changed), changed
        assert parsed.flat == flat
        assert parsed.units == parse(PYTHON, buffer).units


def test_the_counts_are_kept_exactly():
    random_ = rng("shape")
    for _ in range(rounds(15)):
        ends = random_.choice(["\n", "\r", "\r\n"])
        lines = [
            random_.choice(["x", "é", "(", "文"]) * random_.choice([0, 5, 300, 301, 20_000, 20_001]) for _ in range(9)
        ]
        buffer, typist = Buffer.of(ends.join(lines)), Typist(random_)
        parsed = parse(None, buffer)
        for _ in range(30):
            edit = typist.edit(buffer.data)
            changed = buffer.apply(edit)
            parsed, buffer = reparse(parsed, buffer, edit, changed), changed
            assert parsed.shape == parse(None, buffer).shape


DEEP = {
    "open brackets": "(" * 100_000,
    "closed brackets": "(" * 50_000 + ")" * 50_000,
    "mixed brackets": "([{" * 33_000,
    "minus signs": "-" * 100_000 + "1",
    "lambdas": "lambda:" * 14_000 + "1",
    "open strings": '"""\n' * 25_000,
    "joined lines": "x = \\\n" * 10_000 + "\\\n" * 40_000,
    "comments of another depth": "def f():\n  pass\n" + "  # c\n" * 30_000,
    "comments after a class": "class A:\n def f():\n  if x:\n   pass\n" + "# long enough to be a comment\n" * 30_000,
    "open calls": "foo(\n" * 10_000,
    "open definitions": "def f(\n" * 5_000,
    "nested blocks": "".join(" " * depth + "if x:\n" for depth in range(300)),
    "decorators": "@a\n" * 20_000,
    "garbage": "".join(random.Random(1).choices("()[]{}\"'\n :=abcdefgh.,\\", k=30_000)),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_and_hostile_texts_are_read_in_seconds(name: str):
    # In lines, or it would be the length of a line that saves it; with words, or it would be the lack of letters.
    for text in (
        DEEP[name],
        "\n".join(DEEP[name][at : at + 200] for at in range(0, len(DEEP[name]), 200)) + CODE * 900,
    ):
        buffer = Buffer.of(text)
        began = time.monotonic()
        parsed = parse(PYTHON, buffer)
        for at in (0, len(buffer.data) // 2):
            edit = Edit(at, at, b"x")
            changed = buffer.apply(edit)
            parsed, buffer = reparse(parsed, buffer, edit, changed), changed
        assert parsed.units == parse(PYTHON, buffer).units
        assert time.monotonic() - began < 20
