"""Where completions end: golden cases, as (text with the cursor, what a model goes on to write, what is kept)."""

from __future__ import annotations

import pytest
from fixture import split

from hirope_ls.engine.ending import ending_for, indent_of
from hirope_ls.syntax import ANY_BLOCKS, language_for

PYTHON = language_for("python", None).blocks

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
    ending = ending_for(before, after, 4, PYTHON)
    cut = ending.cut(written)
    assert (None if cut is None else written[:cut]) == kept


@pytest.mark.parametrize(("marked", "written", "kept"), [case for case in CASES if case[2] is not None])
def test_the_end_is_found_as_the_text_grows(marked: str, written: str, kept: str) -> None:
    """A model's tokens come one by one: the first end that is found is the end."""
    before, after = split(marked)
    ending = ending_for(before, after, 4, PYTHON)
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
    assert ending_for(*split(marked), 8, PYTHON).whole(written) == whole


def test_one_line_at_most() -> None:
    ending = ending_for("def f():\n    ", "\n", max_lines=1)
    assert ending.kind == "line"


def test_indentation_counts_columns() -> None:
    assert [indent_of(line) for line in ("x", "  x", "\tx", "  \tx", "        x", "")] == [0, 2, 8, 8, 8, 0]


OTHERS = [
    # the brace that closes the block is part of it
    ("go", "func f() {\n\t$0\n", "x()\n\treturn\n}\n\nfunc g", "x()\n\treturn\n}"),
    ("go", "func f() {\n$0\n", "\treturn\n}\n", "\treturn\n}"),
    ("javascript", "on('x', (e) => {\n  $0\n", "e.stop();\n});\nnext()", "e.stop();\n});"),
    ("javascript", "const x = {\n  $0\n", "a: 1,\n};\nnext()", "a: 1,\n};"),
    ("javascript", "if (x) {\n  $0\n", "a();\n} else {\n  b();\n}\n", "a();\n}"),
    ("java", "class A {\n  int f()\n  {\n    $0\n", "return 1;\n  }\n}\n", "return 1;\n  }"),
    ("c", "int f(void)\n{\n    $0\n", "return 1;\n}\nint", "return 1;\n}"),
    ("c", "  switch (x) {\n  case 1:\n    $0\n", "a();\n    break;\n  case 2:\n", "a();\n    break;"),
    # unless it stands there already
    ("go", "func f() {\n\t$0\n}\n", "x()\n}\n\nfunc g", "x()"),
    ("java", "  void f() {\n    $0\n    g();\n  }\n}\n", "x();\n  }\n", "x();"),
    ("java", "class A {\n  void f() {\n    $0\n}\n", "x();\n  }\n}", "x();\n  }"),
    ("rust", "fn f() {\n    $0\n\nfn g() {\n}\n", "x();\n}\n\nfn", "x();\n}"),
    # a block is one unit at most
    ("java", "class A {\n  $0\n}\n", "int f() {\n    x();\n  }\n\n  int g() {\n", "int f() {\n    x();\n  }\n"),
    ("java", "class A {\n  $0\n}\n", "int f() {\n    x();\n  }\n  @Override\n", "int f() {\n    x();\n  }"),
    (
        "java",
        "class A {\n  $0\n}\n",
        "int a;\n  if (x) {\n  }\n  for (y) {\n  }\n}",
        "int a;\n  if (x) {\n  }\n  for (y) {\n  }",
    ),
    ("c#", "class A {\n  $0\n}\n", "[Pure]\n  int F() {\n  }\n  int G() {\n", "[Pure]\n  int F() {\n  }"),
    ("java", "class A {\n  $0\n}\n", "/** a */\n  int f() {\n  }\n\n  /** b */\n", "/** a */\n  int f() {\n  }\n"),
    ("rust", "impl A {\n    $0\n}\n", "pub fn f() {}\n    pub fn g() {}", "pub fn f() {}"),
    # words
    ("ruby", "def f\n  $0\n", "x\nend\n\ndef g", "x\nend"),
    ("ruby", "xs.each do |x|\n  $0\nend\n", "y\nend\n", "y"),
    ("ruby", "class A\n  $0\nend\n", "def f\n    x\n  end\n\n  def g\n", "def f\n    x\n  end\n"),
    ("ruby", "if x then y end\n$0\n", "a\nb", "a"),
    ("ruby", "x = 1\n$0\n", "a\nb", "a"),
    ("ruby", "def f = 1\n$0\n", "a\nb", "a"),
    ("ruby", "if x\n  $0\n", "a\nendless\n", "a"),
    ("lua", "local function f(a, b)\n  $0\n", "return a\nend\nf()", "return a\nend"),
    ("lua", "on(function()\n  $0\n", "x()\nend)\nf()", "x()\nend)"),
    ("lua", "for i = 1, 2 do\n  $0\nend\n", "x()\nend\n", "x()"),
    ("bash", "if x; then\n  $0\n", "y\nfi\nz", "y\nfi"),
    ("bash", "f() {\n  $0\n", "y\n}\nz", "y\n}"),
    ("bash", "for x in a; do\n  $0\ndone\n", "y\ndone\n", "y"),
    # closures, and bodies behind a sign
    ("kotlin", "xs.map { x ->\n    $0\n", "y\n}\nz", "y\n}"),
    ("swift", "xs.map { x in\n  $0\n}\n", "y\n}\nz", "y"),
    ("scala", "def f =\n  $0\n", "y\nz", "y"),
    # lines that open nothing
    ("go", "x := 1\n\t$0\n", "y()\nz()", "y()"),
    ("javascript", "foo();\n$0\n", "a\nb", "a"),
]


@pytest.mark.parametrize(("name", "marked", "written", "kept"), OTHERS)
def test_blocks_of_other_languages(name: str, marked: str, written: str, kept: str) -> None:
    before, after = split(marked)
    language = language_for({"c#": "csharp", "bash": "sh"}.get(name, name), None)
    ending = ending_for(before, after, 9, language.blocks)
    assert written[: ending.cut(written)] == kept
    grown = next(written[:n] for n in range(1, len(written) + 1) if ending.cut(written[:n]) is not None)
    assert grown[: ending.cut(grown)] == kept


def test_without_a_language_colons_and_braces_open_blocks() -> None:
    for header, written, kept in (("a:", "b\nc", "b"), ("a {", "b\n  c\n}\nd", "b\n  c\n}"), ("a;", "b\n  c", "b")):
        ending = ending_for(f"{header}\n  ", "\n", 9, ANY_BLOCKS)
        assert written[: ending.cut(written)] == kept
