"""What a call may name."""

import inspect
import textwrap

import pytest

from hirope_ls.syntax import LANGUAGES, language_for, parse, signature
from hirope_ls.text import Buffer

PYTHON = LANGUAGES[0]


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("def f(a, b):\n    pass\n", "f", "a b"),
        ("def f():\n    pass\n", "f", ""),
        ("    def grow(self, by: int, much=2, *, far: bool = False) -> None:\n        pass\n\n", "grow", "by much far"),
        ("@classmethod\nasync def of(cls, a: list[int], *rest: int, b, **more: int): return a\n", "of", "a b"),
        ("# what it is for\ndef f(a, b, /, c, *, d):\n    def inner(x, y): pass\n", "f", "c d"),
        ("def f(\n    a,  # one\n    b,\n): pass\n    # later\n", "f", "a b"),
        ("def f(*args, **kwargs): pass\n", "f", ""),
        ("def f(print, exec, größe): pass\n", "f", "print exec größe"),
    ],
)
def test_names(text, name, parameters):
    found = signature(PYTHON, text.encode())
    assert (found.name, " ".join(found.parameters)) == (name, parameters)
    assert text.encode()[found.start :].startswith((b"def", b"async def"))


@pytest.mark.parametrize("text", ["x = 1\n", "class A:\n    def f(self): pass\n", "def f(a, b:\n    pass\n", ""])
def test_what_is_no_function_or_broken_has_none(text):
    assert signature(PYTHON, text.encode()) is None
    assert signature(None, text.encode()) is None


def test_pythons_own_functions_agree():
    """Against `inspect` on functions of the standard library."""
    language, checked = language_for(None, "a.py"), 0
    for module in (textwrap, inspect):
        data = inspect.getsource(module).encode()
        for unit in parse(language, Buffer.of(data)).units:
            function = getattr(module, unit.name, None)
            if unit.kind != "function" or not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
                continue
            kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
            given = inspect.signature(function).parameters.items()
            wanted = [name for name, one in given if one.kind in kinds and name not in PYTHON.receivers]
            found = signature(language, data[unit.start : unit.end])
            assert found is not None and list(found.parameters) == wanted
            checked += 1
    assert checked > 50
