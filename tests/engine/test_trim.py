"""Golden cases for each trim rule, written as (text with the cursor, generated text, what is left, the rules)."""

from __future__ import annotations

import ast
import unicodedata

import pytest
from fixture import split
from fuzz import FAILURES, rng, rounds, save_failure

from hirope_ls.engine.trim import RULES, Trimmed, trim

TABS = "func f() {\n\ta()\n\tfor {\n\t\tb()\n\t}\n}\n\nfunc g() {\n\ta()\n"
TWOS = "function f() {\n  a();\n  while (x) {\n    b();\n  }\n}\nfunction g() {\n  a();\n"
FOURS = "def f():\n    a()\n    while x:\n        b()\n\n\ndef g():\n    a()\n"

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
    ("x = $0\n", "a\u00a0+ b", "a", ("unprintable",)),
    ('y = "\u00a0"\nx = $0\n', '"\u00a0"', '"\u00a0"', ()),
    ("x = '\u200c'\ny = $0\n", "'\u200c'", "'\u200c'", ()),
    ("x = $0\n", "a\u3164b", "a", ("unprintable",)),
    ("x = $0\n", '"naïve 🦊 日本"', '"naïve 🦊 日本"', ()),
    # special tokens, as several models write them
    ("x = $0\n", "foo()<|endoftext|>bar", "foo()", ("special-token",)),
    ("x = $0\n", "<|fim_middle|>", "", ("special-token",)),
    ("x = $0\n", "1<fim_pad>", "1", ("special-token",)),
    ("x = $0\n", "1<｜fim▁hole｜>", "1", ("special-token",)),
    ("x = $0\n", "1 ▁<EOT>", "1", ("special-token", "trailing-blanks")),
    ("x = $0\n", "1<end_of_turn>", "1", ("special-token",)),
    ('STOP = "<|im_end|>"\nx = $0\n', 'y + "<|im_end|>"', 'y + "<|im_end|>"', ()),
    ("x = $0\n", "a < b | c > d", "a < b | c > d", ()),
    ("x = $0\n", "a <|b", "a <|b", ()),
    # the same piece over and over
    ("x = [$0]\n", "a + " + "1, " * 30 + "1", "a + 1", ("loop",)),
    ("x = $0\n", "of the " * 9, "of the", ("loop",)),
    ("x = $0\n", "self" + ".a.b" * 9, "self.a.b", ("loop",)),
    ("use google\\$0\n", "app" + "\\engine" * 7 + "\\eng", "app\\engine", ("loop",)),
    ("x = $0\n", "y + 0.8" + "56" * 12, "y + 0", ("loop",)),
    ("x = ['$0']\n", "cur', " + "'cur', " * 9 + "'", "cur", ("loop", "overlap")),
    ("x = $0\n", "f(" * 20, "f", ("loop",)),
    ("if x:\n    $0\n", "y = 1\n    z = " + "a, " * 20, "y = 1", ("loop",)),
    ("x = [$0]\n", "0, 0, 0, 0, 0", "0, 0, 0, 0, 0", ()),
    ("$0\n", "# " + "-=" * 30, "# " + "-=" * 30, ()),
    ("x = $0\n", "abababababababab + 1", "abababababababab + 1", ()),
    # line ends
    ("a\r\nif x:\r\n    $0\r\n", "b\n    c", "b\r\n    c", ("line-ends",)),
    ("a\nif x:\n    $0\n", "b\r\n    c", "b\n    c", ("line-ends",)),
    ("if x:\n    $0", "b\r    c", "b\n    c", ("line-ends",)),
    # the end of an answer in a chat
    ("x = $0\n", "1\n```\nThis sets x.", "1", ("markdown-fence", "trailing-blanks")),
    ("x = $0\n", "```python\n1", "", ("markdown-fence",)),
    ('"""\n```\n$0\n', "f()\n```", "f()\n```", ()),
    # indentation: tabs in a file of tabs
    (TABS + "\tif x {\n\t\t$0\n", "a()\n        b()", "a()\n\t\tb()", ("indentation",)),
    (TABS + "\tif x {\n\t\t$0\n", "if y {\n\t\t    b()\n\t\t}", "if y {\n\t\t\tb()\n\t\t}", ("indentation",)),
    (TABS + "\tif x {\n$0\n", "        b()", "\t\tb()", ("indentation",)),
    (TABS + "\tif x {\n\t\t$0\n", "f(a,\n\t\t  b)", "f(a,\n\t\t  b)", ()),
    # blanks in a file of blanks, as many as it has
    (FOURS + "    if x:\n        $0\n", "a()\n\t\tb()", "a()\n        b()", ("indentation",)),
    (TWOS + "  if (x) {\n    $0\n", "if (y) {\n        b();\n    }", "if (y) {\n      b();\n    }", ("indentation",)),
    (TWOS + "  if (x) {\n$0\n", "      a();\n      b();", "    a();\n    b();", ("indentation",)),
    (TWOS + "  if (x) {\n    $0\n", "f(a,\n        b);", "f(a,\n        b);", ()),
    (FOURS + "    if x:\n        $0\n", "if y:\n          b()", "if y:\n            b()", ("indentation",)),
    # blanks that the cursor's line has already
    (FOURS + "    $0\n", "   return x", "return x", ("indentation",)),
    (FOURS + "    if x:\n    $0\n", "    return x", "    return x", ()),
    (FOURS + "    if x:\n        $0\n", "    return x", "return x", ("indentation",)),
    (FOURS + "    if x:\n        $0\n", " a()\n         b()", "a()\n        b()", ("indentation",)),
    ("x = 1\n    $0\n", " y = 2", "y = 2", ("indentation",)),
    (FOURS + TABS + "if x:\n\t$0\n", "a()\n    b()", "a()\n    b()", ()),
    # the cursor's line once more
    ("def f(x):\n    return $0\n", "return x", "x", ("echo",)),
    ("self.name = $0\n", "self.name = name", "name", ("echo",)),
    ("import$0\n", " os", " os", ()),
    ("import $0\n", "importlib", "importlib", ()),
    ("long $0\n", "long x;", "long x;", ()),
    ("x = $0\n", "x", "x", ()),
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
    ("a = [\n    $0\n]\n", "1,\n]", "1,", ("unopened",)),
    ("import os\n$0\nimport sys\nimport re\n", "import sys\nimport re", "", ("next-lines",)),
    ("x$0\ncall(one)\nother(two)\n", "\ncall(one)\nother(two)\nmore()", "", ("next-lines",)),
    ("x$0\nthe_rest_of_it(one)\n", "\na()\nthe_rest_of_it(one)\nmore()", "\na()\nthe_rest_of_it(one)\nmore()", ()),
    ("x$0\nbreak\n", "\nif y:\n    break\nmore()", "\nif y:\n    break\nmore()", ()),
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
    # quotes that stand there already
    ('x = "$0"\n', '"hello', "", ("doubled",)),
    ('x = "$0"\n', '"hello"', "", ("doubled",)),
    ('x = f("a", "$0")\n', '"b", c', "", ("doubled",)),
    ('x = "a" $0"b"\n', '"c" ', '"c" ', ()),
    # closing brackets that nothing opens
    ("foo($0)\n", "x))", "x", ("overlap", "unopened")),
    ("foo($0)\n", "x) + bar(y", "x) + bar(y", ()),
    ("foo(a[$0])\n", "x] + b", "x", ("unopened",)),
    ("def f($0)\n", "typ: Type) -> str | None:", "typ: Type", ("unopened",)),
    ("void f() {\n  if (x) {\n    $0\n  }\n}\n", "a();\n  } else {\n    b();", "a();\n  } else {\n    b();", ()),
    ('foo("$0")\n', ":)", ":)", ()),
    ("foo(\n    a$0\n)\n", ")", "", ("unopened",)),
    ("foo(\n    a$0\n)\n", ", b(c))", ", b(c)", ("unopened",)),
    ("foo(\n    bar(a$0\n)\n", ")", ")", ()),
    ("foo(\n    bar(a,\n        b$0\n)\n", "))", ")", ("unopened",)),
    ("void f() {\n  g();$0\n}\n", "\n  h();\n}\n}", "\n  h();", ("unopened",)),
    ("void f() {\n  if (x) {\n    g();$0\n}\n", "\n  }", "\n  }", ()),
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


NOT_AT_ONCE = {"overlap", "echo", "unopened"}  # what they leave may be too much again


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
        unseen = {char for char in trimmed.text if unicodedata.category(char) in ("Cc", "Cf")} - {*"\t\r\n"}
        assert unseen <= {"\u200d"} & {*before, *after}
        assert bool(trimmed.rules) == (trimmed.text != text)
        code, left = ("".join(each.split()) for each in (text, trimmed.text))
        assert code.startswith(left) or ("echo" in trimmed.rules and left in code)
        again = trim(trimmed.text, before, after)
        if not NOT_AT_ONCE & {*trimmed.rules} and again != Trimmed(trimmed.text, ()):
            saved = save_failure("trim", repr((text, before, after)))
            pytest.fail(f"trimmed twice differs: {trimmed} then {again}; kept as {saved}")


def test_what_once_failed() -> None:
    for path in FAILURES.glob("trim-*.txt"):
        text, before, after = ast.literal_eval(path.read_text("utf-8"))
        trimmed = trim(text, before, after)
        assert NOT_AT_ONCE & {*trimmed.rules} or trim(trimmed.text, before, after) == Trimmed(trimmed.text, ()), path
