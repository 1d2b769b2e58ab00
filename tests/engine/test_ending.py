"""Where completions end: golden cases, as (text with the cursor, what a model goes on to write, what is kept)."""

from __future__ import annotations

import pytest
from fixture import split

from hirope_ls.engine.ending import ending_for, indent_of

CASES = [
    # a line
    ("x = $0\n", "1 + 2\ny = 3\n", "1 + 2"),
    ("x = $0\n", "1 + 2\r\ny = 3\n", "1 + 2"),
    ("x = 1$0\n", "\n\ny = 2\nz", "\n\ny = 2"),
    ("x = $0", "unfinished", None),
    ("x = 1$0\n", "\n\n", None),
    ("$0", "import os\nimport re", "import os"),
    # the rest of a line that goes on after the cursor
    ("foo($0)\n", "bar\nbaz", "bar"),
    ("foo($0)\n", "\nbaz", ""),
    # a block
    ("def f():\n    $0\n", "a = 1\n    return a\n\n\ndef g", "a = 1\n    return a\n\n"),
    ("def f():\n    $0\n", "a = 1\n    return a\n\n", None),
    ("if x:\n        $0\n", "a()\n    b()", "a()"),
    ("def f():\n$0\n", "    return 1\n\nx = 2", "    return 1\n"),
    ("def f():\n$0\n", "x = 1\n", ""),
    (
        "class A:\n    def f(self):\n        $0",
        "if x:\n            y\n        z\n    def g",
        "if x:\n            y\n        z",
    ),
    ("if x:\n\t$0\n", "a()\n\tb()\nc", "a()\n\tb()"),
    ("def f():\n    $0\n", "1\n    2\n    3\n    4\n    5", "1\n    2\n    3\n    4"),
    # a block is one unit at most
    ("class A:\n    $0\n", "def f(self):\n        x\n\n    def g(self):\n        y", "def f(self):\n        x\n"),
    ("class A:\n    $0\n", "def f(self):\n        x\n    @property\n", "def f(self):\n        x"),
    ("class A:\n    $0\n", "@property\n    def f(self):\n        x\n", None),
    ("class A:\n$0\n", "    def f(self):\n        x\n    async def g", "    def f(self):\n        x"),
    ("class A:\n    $0\n", "def f(self):\n        x\n    default = 1\n", None),
    ("def f():\n    $0\n", "def g():\n        class A:\n            x\n", None),
    ("def f():\n    $0\n", "x = 1\n    def g():\n        y", None),
    # no block: the line has begun, or nothing opens one
    ("def f():\n    a$0\n", " = 1\n    return", " = 1"),
    ("x = 1\n    $0\n", "y = 2\n    z", "y = 2"),
]


@pytest.mark.parametrize(("marked", "written", "kept"), CASES)
def test_golden(marked: str, written: str, kept: str | None) -> None:
    before, after = split(marked)
    ending = ending_for(before, after, max_lines=4)
    cut = ending.cut(written)
    assert (None if cut is None else written[:cut]) == kept


@pytest.mark.parametrize(("marked", "written", "kept"), [case for case in CASES if case[2] is not None])
def test_the_end_is_found_as_the_text_grows(marked: str, written: str, kept: str) -> None:
    """A model's tokens come one by one: the first end that is found is the end."""
    before, after = split(marked)
    ending = ending_for(before, after, max_lines=4)
    grown = next(written[:n] for n in range(1, len(written) + 1) if ending.cut(written[:n]) is not None)
    assert grown[: ending.cut(grown)] == kept


@pytest.mark.parametrize(
    ("marked", "written", "whole"),
    [
        ("def f():\n    $0\n", "a = 1\n    ret", "a = 1"),
        ("def f():\n    $0\n", "a = ", ""),
        ("x = $0\n", "1 +", ""),
    ],
)
def test_what_is_left_of_a_text_broken_off(marked: str, written: str, whole: str) -> None:
    assert ending_for(*split(marked), max_lines=8).whole(written) == whole


def test_one_line_at_most() -> None:
    ending = ending_for("def f():\n    ", "\n", max_lines=1)
    assert ending.kind == "line"


def test_indentation_counts_columns() -> None:
    assert [indent_of(line) for line in ("x", "  x", "\tx", "  \tx", "        x", "")] == [0, 2, 8, 8, 8, 0]
