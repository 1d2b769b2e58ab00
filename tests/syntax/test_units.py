"""What the units of a file are, as text: each unit's kind and name, and where it begins."""

from __future__ import annotations

import textwrap

import pytest

from hirope_ls.syntax import LANGUAGES, language_for, parse, statement_starts
from hirope_ls.text import Buffer

PYTHON = LANGUAGES[0]


def units(text: str) -> list[str]:
    """`kind name: first line` of each unit; checks on the way that they cover the text."""
    data = text.encode()
    found = parse(PYTHON, Buffer.of(text)).units
    assert b"".join(data[unit.start : unit.end] for unit in found) == data
    assert all(unit.start < unit.end for unit in found)
    return [
        f"{unit.kind} {unit.name}: {data[unit.start : unit.end].decode().strip().splitlines()[0].strip()}"
        for unit in found
    ]


def check(text: str, expected: str) -> None:
    assert units(textwrap.dedent(text).lstrip("\n")) == textwrap.dedent(expected).strip().split("\n")


def test_functions_classes_and_the_code_between():
    check(
        """
        import os

        X = 1

        def f(a):
            def inner(): pass
            return inner

        Y = 2
        class A(Base):
            "doc"
            x: int = 1

            @property
            def m(self):
                return 1

            y = 2

            class B:
                def n(self): pass

            z = 3

        if X:
            print(1)
        """,
        """
        module : import os
        function f: def f(a):
        module : Y = 2
        class A: class A(Base):
        function A.m: @property
        class A: y = 2
        class A.B: class B:
        function A.B.n: def n(self): pass
        class A: z = 3
        module : if X:
        """,
    )


def test_comments_directly_above_go_with_what_they_stand_above_and_blank_lines_with_what_came_before():
    check(
        """
        # licence

        # about f
        # more
        def f(): pass  # here

        # a thought of its own

        # about A
        @dataclass
        class A:
            x = 1
            # about m
            def m(self): pass
            # deep

            # about n
            async def n(self): pass
        # about g
        async def g(): pass
        """,
        """
        module : # licence
        function f: # about f
        class A: # about A
        function A.m: # about m
        function A.n: # about n
        function g: # about g
        """,
    )


def test_functions_under_statements_are_units():
    check(
        """
        if A:
            def f(): pass
        else:
            f = None
            def g(): pass
        try:
            import x
        except E:
            class B:
                def m(self):
                    pass
        with c:
            for i in j:
                while k:
                    def h(): pass
        """,
        """
        module : if A:
        function f: def f(): pass
        module : else:
        function g: def g(): pass
        module : try:
        class B: class B:
        function B.m: def m(self):
        module : with c:
        function h: def h(): pass
        """,
    )


def test_two_classes_of_one_name_and_two_functions_of_one_name_are_two_units():
    check(
        """
        class A: x = 1
        class A: y = 1
        def f(): pass
        def f(): pass
        """,
        """
        class A: class A: x = 1
        class A: class A: y = 1
        function f: def f(): pass
        function f: def f(): pass
        """,
    )


def test_decorators_stay_with_what_they_decorate():
    check(
        """
        x = 1
        @a
        # between
        @b(
            1,
        )
        def f(): pass
        @c
        @d
        class A:
            @e
            @f
            class B: pass
        """,
        """
        module : x = 1
        function f: @a
        class A: @c
        class A.B: @e
        """,
    )


def test_members_are_known_by_the_column_of_the_first_line_of_their_class():
    check(
        """
        class A(
            Base,
                Other,
        ):
          if X:
            def one(self): pass
          else:
            def two(self): pass
          def m(self):
            class Inner:
              def no(self): pass
            x = f(
        "in the first column",
        )
            # deeper: belongs to m
          # about n
          def n(self): pass
        # about y
        y = 1
        class B: z = 1
        w = 2
        """,
        """
        class A: class A(
        function A.one: def one(self): pass
        class A: else:
        function A.two: def two(self): pass
        function A.m: def m(self):
        function A.n: # about n
        module : # about y
        class B: class B: z = 1
        module : w = 2
        """,
    )


def test_definitions_inside_strings_are_text():
    check(
        '''
        X = """
        def no(): pass
        class No:
        """
        Y = \'\'\' \\\'\'\'
        def no(): pass
        \'\'\'
        Z = r"\\"  # "
        def f(): pass
        ''',
        """
        module : X = \"\"\"
        function f: def f(): pass
        """,
    )


@pytest.mark.parametrize(
    "broken", ["foo(", "x = [", "y = {'a':", "if x", "return (1,", "a = '", 'f"{', "x +", "def", ")"]
)
def test_a_broken_line_does_not_reach_the_next_definition(broken: str):
    method = f"    def m(self):\n        {broken}\n\n    def n(self): pass\n\n"
    text = f"import os\n\ndef f(a):\n    {broken}\n\nclass A:\n{method}def g(): pass\n"
    found = units(text)
    assert [line.partition(":")[0] for line in found if "A.m" not in line] == [
        *("module ", "function f", "class A", "function A.n", "function g"),
    ]


@pytest.mark.parametrize("header", ["def f(", "def f(a, b=(", "async def f(a:", "def f"])
def test_a_definition_being_typed_is_a_function_already(header: str):
    check(
        f"""
        x = 1
        {header}
        def g(): pass
        class A:
            {header}

            def n(self): pass
        """,
        f"""
        module : x = 1
        function f: {header}
        function g: def g(): pass
        class A: class A:
        function A.f: {header}
        function A.n: def n(self): pass
        """,
    )


def test_a_class_being_typed_is_a_class_already():
    check(
        "def g(): pass\nclass A(\ndef f(): pass\n",
        "function g: def g(): pass\nclass A: class A(\nfunction f: def f(): pass",
    )


def test_empty_and_blank_texts():
    assert units("") == []
    assert units("# only\n# comments\n") == ["module : # only"]
    assert [unit[:3] for unit in parse(PYTHON, Buffer.of("\n \n")).units] == [(0, 3, "module")]


def test_without_a_language_units_are_even_blocks_of_whole_characters():
    text = "é😀x\n" * 5000
    found = parse(None, Buffer.of(text)).units
    assert "".join(text.encode()[unit.start : unit.end].decode() for unit in found) == text
    assert {unit.kind for unit in found} == {"flat"}
    assert max(unit.end - unit.start for unit in found) < 2100


def test_statement_starts_are_lines_of_statements_at_any_depth():
    text = "def f(a,\n      b):\n    x = [\n        1,\n    ]\n    # no\n    if x:\n        y = 1; z = 2\n"
    text += "    else:\n        return\n    @d\n    def g(): pass\n"
    lines = [text[at:].split("\n")[0].strip() for at in statement_starts(PYTHON, text.encode())]
    assert lines == ["x = [", "if x:", "y = 1; z = 2", "else:", "return", "@d"]
    assert statement_starts(None, text.encode()) == []


def test_statement_starts_of_a_block_that_is_broken_off():
    assert statement_starts(PYTHON, b"def e(:\n '''\n'") == [8, 13]  # the tree of it has an empty block


def test_statement_starts_of_a_method_by_itself():
    text = "    # about\n    def m(self):\n        a\n        if b:\n            c\n    x = 1\n    y = 2\n"
    lines = [text[at:].split("\n")[0].strip() for at in statement_starts(PYTHON, text.encode())]
    assert lines == ["def m(self):", "a", "if b:", "c", "x = 1", "y = 2"]


@pytest.mark.parametrize(
    "language_id, path, name",
    [
        ("python", None, "python"),
        (None, "/a/b.py", "python"),
        (None, "/a/B.PYI", "python"),
        ("plaintext", "/a/b.py", None),
        ("cobol", None, None),
        (None, "/a/py", None),
        (None, None, None),
        *((language_id, None, "javascript") for language_id in ("javascript", "javascriptreact")),
        *((language_id, None, "bash") for language_id in ("shellscript", "sh", "bash")),
        *((language_id, None, "c#") for language_id in ("csharp", "cs")),
        ("typescript", None, "typescript"),
        ("typescriptreact", "a.ts", "tsx"),
        ("cpp", "a.h", "c++"),
        ("c", "a.h", "c"),
        ("objective-c", "a.m", None),
        (None, "/a/.bashrc", "bash"),
        (None, "/a/Rakefile", "ruby"),
        (None, "Makefile", None),
        (None, "a.m", None),
    ],
)
def test_languages_by_id_and_by_suffix(language_id: str | None, path: str | None, name: str | None):
    found = language_for(language_id, path)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    "text, path, name",
    [
        ("#!/bin/sh\n", "run", "bash"),
        ("#! /usr/bin/env bash\nx", "run", "bash"),
        ("#!/usr/bin/env -S node --harmony\n", "run", "javascript"),
        ("#!/usr/local/bin/python3.11 -u\n", "bin/run", "python"),
        ("#!/usr/bin/python3", None, "python"),
        ("#!/usr/bin/env", "run", None),
        ("#!/bin/false\n", "run", None),
        ("#!\n", "run", None),
        ("#!/bin/sh\n", "run.txt", None),
        ("# !/bin/sh\n", "run", None),
        ("", "run", None),
    ],
)
def test_languages_by_the_program_that_runs_a_file(text: str, path: str | None, name: str | None):
    found = language_for(None, path, text.encode())
    assert (found.name if found else None) == name
    assert language_for("plaintext", path, text.encode()) is None
