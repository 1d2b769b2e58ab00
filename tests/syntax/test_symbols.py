"""What a file defines, imports and refers to: on written cases, and against Python's own parser on real files."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest
from fixture import block
from fuzz import python_files, rng, rounds

from hirope_ls.syntax import language_for, parse
from hirope_ls.syntax.extracting import symbols_in, symbols_of
from hirope_ls.syntax.symbols import FileSymbols
from hirope_ls.text import Buffer

SAMPLES = Path(__file__).parent.parent / "data" / "languages"
PYTHON = language_for("python", None)


def symbols(marked):
    data = block(marked).encode()
    found = symbols_in(PYTHON, data)
    for one in found.definitions:
        assert one.name.encode() in data[one.start : one.end]
    return found


def references(marked):
    return [(one.receiver, one.name, one.kind, one.hint) for one in symbols(marked).references]


def test_definitions_with_what_is_around_them():
    found = symbols("""
        LIMIT: int = 3

        @decorated
        def f(given=1) -> Thing:
            def inner(): pass

        class A(B, m.C, Generic[T], metaclass=M):
            field = 1

            def method(self): pass

            class Inner:
                def deep(self): pass
    """)
    kinds = [(found.dotted(i), one.kind) for i, one in enumerate(found.definitions)]
    assert kinds == [
        *[("LIMIT", "variable"), ("f", "function"), ("f.inner", "function"), ("A", "class"), ("A.field", "field")],
        *[("A.method", "function"), ("A.Inner", "class"), ("A.Inner.deep", "function")],
    ]
    assert found.definitions[3].bases == ("B", "m.C", "Generic")
    assert [one.type for one in found.definitions[:2]] == ["int", "Thing"]


def test_a_definition_spans_its_decorators_and_members_and_its_signature_ends_before_the_body():
    text = block("""
        @decorated
        def f(given):
            return given

        class A:
            def first(self): pass

            def last(self): pass
        x = 1
    """)
    f, a, *_ = symbols_in(PYTHON, text.encode()).definitions
    assert text[f.start : f.end] == "@decorated\ndef f(given):\n    return given"
    assert text[f.start : f.body].rstrip() == "@decorated\ndef f(given):"
    assert text[a.start : a.end].endswith("def last(self): pass")


def test_imports():
    found = symbols("""
        import a.b, c as d
        from .e import f as g, h
        from .. import i
        from j.k import *
    """)
    assert [(one.module, one.name, one.called, one.level) for one in found.imports] == [
        *[("a.b", "", "a", 0), ("c", "", "d", 0), ("e", "f", "g", 1), ("e", "h", "h", 1), ("", "i", "i", 2)],
        ("j.k", "*", "*", 0),
    ]


def test_a_receiver_is_a_dotted_name_or_a_call_of_one_or_unknown():
    found = references("a.b.f(); g(1).h(); ''.join(x[0].k(), p(q()).r())")
    assert [(receiver, name) for receiver, name, *_ in found] == [
        *[("a.b", "f"), ("", "g"), ("g()", "h"), ("?", "join"), ("?", "k"), ("", "p"), ("", "q"), ("?", "r")],
    ]


def test_what_is_evident_of_a_local_variable():
    found = references("""
        def f(a: Thing, b, c=None, *rest):
            d = make()
            e = Other() if a else None
            for x in a: x.go()
            a.go(); b.go(); c.go(); rest.go(); d.go(); e.go(); g.go()
            def inner(): a.run(); local()
            local = 3
    """)
    hints = {receiver or name: hint for receiver, name, kind, hint in found if kind == "call"}
    evident = {"a": "Thing", "d": "make()", "g": "", "make": "", "Other": ""}
    assert hints == evident | dict.fromkeys(["b", "c", "rest", "e", "x", "local"], "?")


def test_fields_that_methods_give_their_object():
    found = symbols("""
        class A:
            kept: int
            def __init__(self, store: Store):
                self.store = store
                self.queue = Queue()
                self.kept = 3
                other.field = 1
    """)
    fields = [(found.dotted(i), one.type) for i, one in enumerate(found.definitions) if one.kind == "field"]
    assert fields == [("A.kept", "int"), ("A.store", "Store"), ("A.queue", "Queue()")]


def test_a_broken_function_costs_its_own_symbols_alone():
    found = symbols("""
        def broken(a, (:
            call(

        def whole():
            return other(1)
    """)
    assert "whole" in [one.name for one in found.definitions]
    assert "other" in [one.name for one in found.references]


def test_a_record_comes_back_as_it_was_and_another_version_not_at_all():
    found = symbols("from a import b\nclass C(b):\n    def f(self, x: int) -> C: return b(x).g()")
    record = json.loads(json.dumps(found.to_json()))
    assert FileSymbols.from_json(record) == found
    assert FileSymbols.from_json({**record, "version": 0}) is None
    assert FileSymbols.from_json({**record, "imports": [["too short"]]}) is None
    assert FileSymbols.from_json(None) is None


def test_without_a_language_there_are_none():
    assert symbols_in(None, b"def f(): pass") == FileSymbols("")
    assert symbols_of(parse(None, Buffer.of(b"def f(): pass"))) == FileSymbols("")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("[sS]ample.*[!t]")), ids=lambda path: path.name)
def test_every_language_has_symbols_and_the_same_from_both_sides(path):
    language, data = language_for(None, path.name), path.read_bytes()
    found = symbols_in(language, data)
    assert found == symbols_of(parse(language, Buffer.of(data)))
    assert replace(found, references=()) == symbols_in(language, data, uses=False)
    assert found.definitions and found.imports and found.references
    assert FileSymbols.from_json(json.loads(json.dumps(found.to_json()))) == found
    for one in found.definitions:
        assert one.name.encode() in data[one.start : one.end] and one.start <= one.body <= one.end <= len(data)
    for one in found.references:
        assert data[one.start :].startswith(one.name.encode())


def test_real_files_have_what_their_own_parser_finds_and_the_same_from_both_sides():
    for path in rng("symbols").sample(python_files(400, largest=60_000), rounds(25)):
        data = path.read_bytes()
        found = symbols_in(PYTHON, data)
        assert found == symbols_of(parse(PYTHON, Buffer.of(data))), path
        assert replace(found, references=()) == symbols_in(PYTHON, data, uses=False), path
        try:
            tree = ast.parse(data)
        except SyntaxError:
            continue  # the library's tests hold files of Python 2 and broken ones
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        nodes = [one for one in ast.walk(tree) if isinstance(one, kinds)]
        scopes = [one for one in found.definitions if one.kind in ("function", "class")]
        assert sorted(one.name for one in scopes) == sorted(node.name for node in nodes), path
        lines = data.split(b"\n")
        ends = sorted((one.name, data.count(b"\n", 0, one.end) + 1) for one in scopes)
        for (name, end), last in zip(ends, sorted((node.name, node.end_lineno) for node in nodes), strict=True):
            more = [line.strip() for line in lines[last[1] : end]]  # comments after it may count as its own
            assert (name, end >= last[1]) == (last[0], True), path
            assert not any(line and not line.startswith(b"#") for line in more), path
