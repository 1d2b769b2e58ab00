"""Golden cases for each trim rule, written as (text with the cursor, generated text, what is left, the rules)."""

from __future__ import annotations

import ast
import unicodedata

import pytest
from fixture import split
from fuzz import FAILURES, rng, rounds, save_failure

from hirope_ls.engine.trim import RULES, Trimmed, trim

CASES = [
    # nothing to do
    ("x = $0\n", "foo(bar)", "foo(bar)", ()),
    ("print($0)\n", '"hello"', '"hello"', ()),
    ("", "", "", ()),
    # unprintable: control, bidirectional, zero-width, private, undecodable
    ("x = $0\n", "a\x00b", "a", ("unprintable",)),
    ("x = $0\n", "a\x1b[31mred", "a", ("unprintable",)),
    ("x = $0\n", "\u202eevil", "", ("unprintable",)),
    ("x = $0\n", "na\u200bme", "na", ("unprintable",)),
    ("x = $0\n", "\ufeffname", "", ("unprintable",)),
    ("x = $0\n", "name\ufffd", "name", ("unprintable",)),
    ("x = $0\n", "a\u2028b", "a", ("unprintable",)),
    ("x = $0\n", '"naïve 🦊 日本"', '"naïve 🦊 日本"', ()),
    # special tokens, as several models write them
    ("x = $0\n", "foo()<|endoftext|>bar", "foo()", ("special-token",)),
    ("x = $0\n", "<|fim_middle|>", "", ("special-token",)),
    ("x = $0\n", "1<fim_pad>", "1", ("special-token",)),
    ("x = $0\n", "1<｜fim▁hole｜>", "1", ("special-token",)),
    ("x = $0\n", "a < b | c > d", "a < b | c > d", ()),
    ("x = $0\n", "a <|b", "a <|b", ()),
    # the same piece over and over
    ("x = [$0]\n", "a + " + "1, " * 30 + "1", "a +", ("loop",)),
    ("x = $0\n", "of the " * 9, "", ("loop",)),
    ("x = [$0]\n", "0, 0, 0, 0, 0", "0, 0, 0, 0, 0", ()),
    ("$0\n", "# " + "-=" * 30, "# " + "-=" * 30, ()),
    ("x = $0\n", "abababababababab + 1", "abababababababab + 1", ()),
    # line ends
    ("a\r\nif x:\r\n    $0\r\n", "b\n    c", "b\r\n    c", ("line-ends",)),
    ("a\nif x:\n    $0\n", "b\r\n    c", "b\n    c", ("line-ends",)),
    ("if x:\n    $0", "b\r    c", "b\n    c", ("line-ends",)),
    # repetition of what stands right before
    ("self.name = name\nself.$0\n", "name = name", "", ("repetition",)),
    ("call(one)\n\n$0\n", "call(one)\ncall(two)", "", ("repetition",)),
    ("if x:\n    $0\n", "alpha()\n    alpha()\n    alpha()", "alpha()", ("repetition",)),
    (
        "if x:\n    $0\n",
        "alpha()\n    beta()\n    alpha()\n    beta()",
        "alpha()\n    beta()",
        ("repetition",),
    ),
    ("    )\n    $0\n", ")", ")", ()),
    ("x = 1\ny = $0\n", "1", "1", ()),
    # the lines that follow
    ("def f(x):\n    $0\n    return x\n", "return x", "", ("next-lines",)),
    ("def f(x):\n    $0\n    return x\n", "x += 1\n    return x", "x += 1", ("next-lines",)),
    ("a = [\n    $0\n]\n", "1,\n]", "1,\n]", ()),
    ("import os\n$0\nimport sys\nimport re\n", "import sys\nimport re", "", ("next-lines",)),
    # words that close blocks repeat, and stand below already, without meaning the same
    ("def f\n  if x\n    $0\n", "y\n  end\nend", "y\n  end\nend", ()),
    ("class A\n  def f\n    $0\nend\n", "x\n  end", "x\n  end", ()),
    ("endless()\n$0\n", "endless()", "", ("repetition",)),
    # the rest of the line
    ("foo($0)\n", "bar)", "bar", ("overlap",)),
    ("foo($0)\n", "bar())", "bar()", ("overlap",)),
    ("foo($0)\n", "bar()", "bar()", ()),
    ("f(g($0)\n", "x)", "x)", ()),
    ("f(g($0))\n", "x))", "x", ("overlap",)),
    ("x = foo($0, key=1)\n", "bar, key=1)", "bar", ("overlap",)),
    ("def f($0):\n", "a, b):", "a, b", ("overlap",)),
    ('x = "$0"\n', 'hello"', "hello", ("overlap",)),
    ("x = $0\n", '"hello"', '"hello"', ()),
    ('x = d["$0"]\n', 'key"]', "key", ("overlap",)),
    ('x = d["$0"]\n', 'key"', "key", ("overlap",)),
    ("for item in $0s:\n", "items", "items", ()),
    ("return $0value\n", "other_value", "other_", ("overlap",)),
    ("x = [$0]\n", "]", "", ("overlap",)),
    ("a = {$0}\n", '"k": {1}', '"k": {1}', ()),
    # blanks at the end
    ("x = $0\n", "1  \t", "1", ("trailing-blanks",)),
    ("x = $0y\n", "1 + ", "1 + ", ()),
    ("x = $0y\n", "1 + \n", "1 + ", ("trailing-blanks",)),
]


@pytest.mark.parametrize(("marked", "generated", "left", "rules"), CASES)
def test_golden(marked: str, generated: str, left: str, rules: tuple[str, ...]) -> None:
    before, after = split(marked) if marked else ("", "")
    trimmed = trim(generated, before, after)
    assert (trimmed.text, trimmed.rules) == (left, rules)


def test_every_rule_has_a_case() -> None:
    assert {rule for case in CASES for rule in case[3]} == set(RULES)


def test_random_texts_come_out_clean_and_twice_is_once() -> None:
    random = rng("trim")
    pieces = [
        "foo",
        "(",
        ")",
        "[",
        "]",
        '"',
        "'",
        "\n",
        "\r\n",
        "    ",
        " ",
        ":",
        "return x",
        "\u200d",
        "\x07",
        "🦊",
        "=",
    ]
    for _ in range(rounds(3000)):
        text, before, after = ("".join(random.choices(pieces, k=random.randrange(12))) for _ in range(3))
        trimmed = trim(text, before, after)
        assert trimmed.text == trimmed.text.rstrip("\r\n")
        assert not any(unicodedata.category(char) in ("Cc", "Cf") for char in trimmed.text if char not in "\t\r\n")
        assert bool(trimmed.rules) == (trimmed.text != text)
        without_ends = trimmed.text.replace("\r\n", "\n").replace("\r", "\n")
        assert text.replace("\r\n", "\n").replace("\r", "\n").startswith(without_ends)
        again = trim(trimmed.text, before, after)
        if "overlap" not in trimmed.rules and again != Trimmed(trimmed.text, ()):
            saved = save_failure("trim", repr((text, before, after)))
            pytest.fail(f"trimmed twice differs: {trimmed} then {again}; kept as {saved}")


def test_what_once_failed() -> None:
    for path in FAILURES.glob("trim-*.txt"):
        text, before, after = ast.literal_eval(path.read_text("utf-8"))
        trimmed = trim(text, before, after)
        assert "overlap" in trimmed.rules or trim(trimmed.text, before, after) == Trimmed(trimmed.text, ()), path
